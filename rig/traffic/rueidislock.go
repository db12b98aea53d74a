package traffic

import (
	"context"
	"errors"
	"strings"

	"github.com/redis/rueidis"
	"github.com/redis/rueidis/rueidislock"

	"github.com/redlock-go/redlock/rig/clock"
)

func rueidislocks() Contestant {
	return Contestant{
		Name: "rueidislock", Timeless: true,
		Modules:  []string{"github.com/redis/rueidis"},
		Settings: "on rueidis with its defaults, the first node alone, as its keys are all of one client: KeyMajority 1 and NoLoopTracking, as its README says for one Redis of at least 7.0.5; KeyValidity(TTL) (the default is 5 s), extended by itself every TTL/2; valid until its context ends, as it tells no deadline",
		Keys:     func(lock string) []string { return []string{"rueidislock:0:" + lock} },
		Owner:    func(string) string { return "" },
		Open: func(s Setup) (Locker, error) {
			l, err := rueidislock.NewLocker(rueidislock.LockerOption{
				ClientOption:   rueidis.ClientOption{InitAddress: []string{strings.TrimPrefix(s.URLs[0], "redis://")}},
				KeyMajority:    1,
				NoLoopTracking: true,
				KeyValidity:    s.TTL,
			})
			if err != nil {
				return nil, err
			}
			return rueidislockLocker{l}, nil
		},
	}
}

type rueidislockLocker struct{ rueidislock.Locker }

// Acquire waits until ctx is done. The lease does not end with ctx.
func (l rueidislockLocker) Acquire(ctx context.Context, lock string) (Lease, error) {
	waiting, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })
	held, release, err := l.WithContext(waiting, lock)
	stop()
	if err != nil {
		cancel(nil)
		return nil, err
	}
	return rueidislockLease{held, func() { release(); cancel(nil) }}, nil
}

// Kind names the library's errors.
func (rueidislockLocker) Kind(err error) string {
	switch {
	case errors.Is(err, rueidislock.ErrNotLocked):
		return "not locked"
	case errors.Is(err, rueidislock.ErrLockerClosed):
		return "closed"
	}
	return kindOf(err)
}

// Close closes the clients.
func (l rueidislockLocker) Close() error {
	l.Locker.Close()
	return nil
}

type rueidislockLease struct {
	ctx     context.Context
	release func()
}

// Token is 0: there is none.
func (l rueidislockLease) Token() uint64 { return 0 }

// Valid is whether the context has ended; there is no deadline to tell.
func (l rueidislockLease) Valid() (clock.Instant, bool) { return 0, l.ctx.Err() == nil }

// Extend does nothing: the library does it.
func (l rueidislockLease) Extend(context.Context) error { return nil }

// Release returns when the key is released; the library tells no errors of that.
func (l rueidislockLease) Release(context.Context) error {
	l.release()
	return nil
}
