package traffic

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/bsm/redislock"
	"github.com/redis/go-redis/v9"

	"github.com/redlock-go/redlock/rig/clock"
	"github.com/redlock-go/redlock/rig/peer"
)

func redislocks() Contestant {
	return Contestant{
		Name:     "redislock",
		Modules:  []string{"github.com/bsm/redislock", "github.com/redis/go-redis/v9"},
		Settings: peer.RedislockSettings + ", here the first; it waits until the context's deadline; refreshed by its user every TTL/3; valid for a TTL from when the call returned, as it tells no deadline (who notes the time before the call is safer)",
		Keys:     func(lock string) []string { return []string{lock} },
		Owner:    func(string) string { return "" },
		Open: func(s Setup) (Locker, error) {
			client := peer.Goredis(s.URLs[0], nil)
			return &redislockLocker{redislock.New(client), client, s.TTL}, nil
		},
	}
}

type redislockLocker struct {
	locks  *redislock.Client
	client *redis.Client
	ttl    time.Duration
}

// Acquire waits until ctx is done, or for as long as the library does.
func (l *redislockLocker) Acquire(ctx context.Context, lock string) (Lease, error) {
	held, err := l.locks.Obtain(ctx, lock, l.ttl, peer.RedislockOptions)
	if err != nil {
		return nil, err
	}
	lease := &redislockLease{held: held, ttl: l.ttl}
	lease.note()
	return lease, nil
}

// Kind names the library's errors.
func (l *redislockLocker) Kind(err error) string {
	switch {
	case errors.Is(err, redislock.ErrNotObtained):
		return "not obtained"
	case errors.Is(err, redislock.ErrLockNotHeld):
		return "not held"
	}
	return kindOf(err)
}

// Close closes the clients.
func (l *redislockLocker) Close() error { return l.client.Close() }

type redislockLease struct {
	held *redislock.Lock
	ttl  time.Duration
	end  atomic.Int64
}

func (l *redislockLease) note() { l.end.Store(int64(clock.Now().Add(l.ttl))) }

// Token is 0: there is none.
func (l *redislockLease) Token() uint64 { return 0 }

// Valid is for a TTL from when the call returned.
func (l *redislockLease) Valid() (clock.Instant, bool) {
	end := clock.Instant(l.end.Load())
	return end, clock.Now() < end
}

// Extend extends by a TTL.
func (l *redislockLease) Extend(ctx context.Context) error {
	err := l.held.Refresh(ctx, l.ttl, nil)
	if err == nil {
		l.note()
	}
	return err
}

// Release asks the nodes once.
func (l *redislockLease) Release(ctx context.Context) error { return l.held.Release(ctx) }
