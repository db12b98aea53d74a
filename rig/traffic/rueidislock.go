package traffic

import (
	"context"
	"errors"

	"github.com/redis/rueidis/rueidislock"

	"github.com/redlock-go/redlock/rig/clock"
	"github.com/redlock-go/redlock/rig/peer"
)

func rueidislocks() Contestant {
	return Contestant{
		Name: "rueidislock", Timeless: true,
		Modules:  []string{"github.com/redis/rueidis"},
		Settings: peer.RueidislockSettings + ", here the first; valid until its context ends, as it tells no deadline",
		Keys:     func(lock string) []string { return []string{peer.RueidislockKey(lock)} },
		Owner:    func(string) string { return "" },
		Open: func(s Setup) (Locker, error) {
			l, err := peer.Rueidislock(s.URLs[0], s.TTL, nil)
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
