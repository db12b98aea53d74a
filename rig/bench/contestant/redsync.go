package contestant

import (
	"context"
	"errors"

	"github.com/go-redsync/redsync/v4"
	redsyncredis "github.com/go-redsync/redsync/v4/redis"
	redsyncgoredis "github.com/go-redsync/redsync/v4/redis/goredis/v9"
)

func redsyncOnGoredis() Contestant { return redsyncOn("redsync-goredis", "redsync on go-redis", "") }

func redsyncFailFast() Contestant {
	return redsyncOn("redsync-failfast", "redsync, fail-fast", " and WithFailFast(true), with which it returns at the majority", redsync.WithFailFast(true))
}

func redsyncOn(name, label, more string, options ...redsync.Option) Contestant {
	return Contestant{
		Name: name, Label: label, Modules: []string{"github.com/go-redsync/redsync/v4", "github.com/redis/go-redis/v9"},
		Settings: "on go-redis, both with their defaults, but for WithExpiry(TTL)" + more + "; under contention its 32 tries, 50-250 ms apart, and when they are over again",
		Key:      func(lock string) string { return lock },
		Open: func(s Setup) (Locker, error) {
			clients := openGoredis(s)
			var pools []redsyncredis.Pool
			for _, c := range clients {
				pools = append(pools, redsyncgoredis.NewPool(c))
			}
			return newRedsync(pools, s, clients.close, options...), nil
		},
	}
}

func redsyncOnRueidis() Contestant {
	return Contestant{
		Name: "redsync-rueidis", Label: "redsync on rueidis", Modules: []string{"github.com/go-redsync/redsync/v4", "github.com/redis/rueidis"},
		Settings: "as redsync-goredis, on rueidis with its defaults, by a redsync Pool of this benchmark's that hands each call straight to rueidis: " +
			"redsync's own goes through rueidiscompat, a layer more",
		Key: func(lock string) string { return lock },
		Open: func(s Setup) (Locker, error) {
			clients, err := openRueidis(s, nil)
			if err != nil {
				return nil, err
			}
			var pools []redsyncredis.Pool
			for _, c := range clients {
				pools = append(pools, rueidisPool{c})
			}
			return newRedsync(pools, s, func() error { clients.close(); return nil }), nil
		},
	}
}

func newRedsync(pools []redsyncredis.Pool, s Setup, closeAll func() error, options ...redsync.Option) Locker {
	return &redsyncLocker{redsync.New(pools...), append(options, redsync.WithExpiry(s.TTL)), closeAll}
}

type redsyncLocker struct {
	*redsync.Redsync
	options  []redsync.Option
	closeAll func() error
}

// Acquire waits until ctx is done: where redsync gives up, it starts again.
func (l *redsyncLocker) Acquire(ctx context.Context, lock string) (Lease, error) {
	m := l.NewMutex(lock, l.options...)
	for {
		err := m.LockContext(ctx)
		if err == nil {
			return redsyncLease{m}, nil
		}
		// Taken to the end of its patience; anything else is an error.
		if ctx.Err() != nil || !errors.As(err, new(*redsync.ErrTaken)) && !errors.Is(err, redsync.ErrFailed) {
			return nil, err
		}
	}
}

// Close closes the clients.
func (l *redsyncLocker) Close() error { return l.closeAll() }

type redsyncLease struct{ *redsync.Mutex }

var errNotReleased = errors.New("redsync: Unlock returned false")

// Release asks the nodes once.
func (l redsyncLease) Release(ctx context.Context) error {
	ok, err := l.UnlockContext(ctx)
	if !ok && err == nil {
		err = errNotReleased
	}
	if ok {
		return nil // a minority's errors are no failure
	}
	return err
}
