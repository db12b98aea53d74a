package contestant

import (
	"context"
	"errors"
	"time"

	"github.com/bsm/redislock"
	"github.com/redis/rueidis/rueidislock"

	"github.com/redlock-go/redlock/rig/peer"
)

func redislocks() Contestant {
	return Contestant{
		Name: "redislock", Label: "bsm/redislock", Nodes: 1, Modules: []string{"github.com/bsm/redislock", "github.com/redis/go-redis/v9"},
		Settings: "bsm/redislock " + peer.RedislockSettings,
		Key:      func(lock string) string { return lock },
		Open: func(s Setup) (Locker, error) {
			clients := openGoredis(s)
			return &redislockLocker{redislock.New(clients[0]), clients, s.TTL}, nil
		},
	}
}

type redislockLocker struct {
	locks   *redislock.Client
	clients goredisClients
	ttl     time.Duration
}

// Acquire waits until ctx is done: where the library gives up, after a TTL, it
// starts again.
func (l *redislockLocker) Acquire(ctx context.Context, lock string) (Lease, error) {
	for {
		held, err := l.locks.Obtain(ctx, lock, l.ttl, peer.RedislockOptions)
		if err == nil {
			return held, nil
		}
		if ctx.Err() != nil || !errors.Is(err, redislock.ErrNotObtained) && !errors.Is(err, context.DeadlineExceeded) {
			return nil, err
		}
	}
}

// Close closes the client.
func (l *redislockLocker) Close() error { return l.clients.close() }

func rueidislocks() Contestant {
	return Contestant{
		Name: "rueidislock", Label: "rueidislock", Nodes: 1, Modules: []string{"github.com/redis/rueidis"},
		Settings: peer.RueidislockSettings,
		Key:      peer.RueidislockKey,
		Open: func(s Setup) (Locker, error) {
			l, err := peer.Rueidislock(s.URLs[0], s.TTL, s.Sent.watch)
			if err != nil {
				return nil, err
			}
			return rueidislockLocker{l}, nil
		},
	}
}

type rueidislockLocker struct{ rueidislock.Locker }

// Acquire waits until ctx is done. The lease would end with ctx, which lasts
// longer here.
func (l rueidislockLocker) Acquire(ctx context.Context, lock string) (Lease, error) {
	_, release, err := l.WithContext(ctx, lock)
	if err != nil {
		return nil, err
	}
	return rueidislockLease(release), nil
}

// Close closes the client.
func (l rueidislockLocker) Close() error {
	l.Locker.Close()
	return nil
}

type rueidislockLease context.CancelFunc

// Release returns when the key is released; the library tells no errors of that.
func (l rueidislockLease) Release(context.Context) error {
	l()
	return nil
}
