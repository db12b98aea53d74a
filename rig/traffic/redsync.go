package traffic

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/go-redsync/redsync/v4"
	redsyncredis "github.com/go-redsync/redsync/v4/redis"
	redsyncgoredis "github.com/go-redsync/redsync/v4/redis/goredis/v9"
	"github.com/redis/go-redis/v9"

	"github.com/redlock-go/redlock/rig/clock"
	"github.com/redlock-go/redlock/rig/peer"
)

func redsyncs() Contestant {
	return Contestant{
		Name: "redsync", Quorum: true,
		Modules:  []string{"github.com/go-redsync/redsync/v4", "github.com/redis/go-redis/v9"},
		Settings: "on go-redis, all nodes, both with their defaults, but for WithExpiry(TTL) (the default is 8 s); extended by its user every TTL/3; valid until Until()",
		Keys:     func(lock string) []string { return []string{lock} },
		Owner:    func(string) string { return "" },
		Open: func(s Setup) (Locker, error) {
			l := &redsyncLocker{ttl: s.TTL}
			var pools []redsyncredis.Pool
			for _, url := range s.URLs {
				client := peer.Goredis(url, nil)
				l.clients = append(l.clients, client)
				pools = append(pools, redsyncgoredis.NewPool(client))
			}
			l.Redsync = redsync.New(pools...)
			return l, nil
		},
	}
}

type redsyncLocker struct {
	*redsync.Redsync
	clients []*redis.Client
	ttl     time.Duration
}

// Acquire waits until ctx is done, or for as long as the library does.
func (l *redsyncLocker) Acquire(ctx context.Context, lock string) (Lease, error) {
	m := l.NewMutex(lock, redsync.WithExpiry(l.ttl))
	if err := m.LockContext(ctx); err != nil {
		return nil, err
	}
	lease := &redsyncLease{m: m}
	lease.note()
	return lease, nil
}

// Kind names the library's errors.
func (l *redsyncLocker) Kind(err error) string {
	var taken *redsync.ErrTaken
	switch {
	case errors.As(err, &taken):
		return "taken"
	case errors.Is(err, redsync.ErrFailed):
		return "failed"
	case errors.Is(err, redsync.ErrExtendFailed), errors.Is(err, errNotExtended):
		return "not extended"
	case errors.Is(err, redsync.ErrLockAlreadyExpired), errors.Is(err, errNotReleased):
		return "expired"
	}
	return kindOf(err)
}

// Close closes the clients.
func (l *redsyncLocker) Close() error {
	var errs []error
	for _, c := range l.clients {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

var (
	errNotExtended = errors.New("redsync: Extend returned false")
	errNotReleased = errors.New("redsync: Unlock returned false")
)

type redsyncLease struct {
	m   *redsync.Mutex
	end atomic.Int64 // a Mutex must not be asked while it extends
}

func (l *redsyncLease) note() {
	_, end := until(l.m.Until)
	l.end.Store(int64(end))
}

// Token is 0: there is none.
func (l *redsyncLease) Token() uint64 { return 0 }

// Valid is what the library tells, without asking a node.
func (l *redsyncLease) Valid() (clock.Instant, bool) {
	end := clock.Instant(l.end.Load())
	return end, clock.Now() < end
}

// Extend extends by a TTL.
func (l *redsyncLease) Extend(ctx context.Context) error {
	ok, err := l.m.ExtendContext(ctx)
	if err == nil && !ok {
		err = errNotExtended
	}
	if err == nil {
		l.note()
	}
	return err
}

// Release asks the nodes once.
func (l *redsyncLease) Release(ctx context.Context) error {
	ok, err := l.m.UnlockContext(ctx)
	if err == nil && !ok {
		err = errNotReleased
	}
	return err
}
