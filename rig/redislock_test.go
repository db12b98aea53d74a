package rig

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/bsm/redislock"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/rig/cluster"
)

// TestBL1_NoLockWithoutTimeLeft: what bsm/redislock counts as success though
// nothing is held. It has one node, so the lock has one here too.
func TestBL1_NoLockWithoutTimeLeft(t *testing.T) {
	c := startCluster(t, cluster.Options{Nodes: 1, Proxied: true})
	n := c.Nodes[0]
	client := openRedis(t, n.URL())
	ok(t, client.Ping(context.Background()).Err())
	var warmed []*redlock.Locker
	for _, a := range adapters {
		l := newLocker(t, a.open, redlock.Config{TTL: 200 * time.Millisecond, NodeTimeout: 50 * time.Millisecond}, n.URL())
		warm(t, l, c)
		warmed = append(warmed, l)
	}

	t.Run("the reply comes after the TTL", func(t *testing.T) {
		const ttl = 200 * time.Millisecond
		ok(t, n.Proxy.Latency(cluster.Replies, 300*time.Millisecond, 0))
		defer func() { ok(t, n.Proxy.Heal()) }()

		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if lock, err := redislock.Obtain(ctx, client, "bl1", ttl, nil); err != nil || lock == nil {
			t.Errorf("redislock: %v", err)
		}
		if have := holding(t, c, "bl1"); len(have) != 0 {
			t.Error("redislock's key is still there: the reply was not late enough")
		}

		for i, l := range warmed {
			begin := time.Now()
			lease, err := l.TryAcquire(context.Background(), "bl1 ours")
			if err == nil {
				t.Errorf("%s: a lease after %v of %v, until %v", adapters[i].name, time.Since(begin), ttl, lease.Deadline())
			} else if !errors.Is(err, redlock.ErrNoQuorum) {
				t.Errorf("%s: %v", adapters[i].name, err)
			}
		}
	})

	t.Run("a TTL below what the server can count", func(t *testing.T) {
		// It asks the server for "PX 0". Redis 7 objects; not every server does.
		lock, err := redislock.Obtain(context.Background(), client, "bl1", 500*time.Microsecond, nil)
		t.Logf("redislock with a TTL of 500 µs: %v, %v", lock, err)

		for _, a := range adapters {
			for _, ttl := range []time.Duration{1, 500 * time.Microsecond, time.Millisecond, 99 * time.Millisecond, -time.Second} {
				nodes, err := a.open(n.URL())
				ok(t, err)
				if l, err := redlock.New(redlock.Config{Nodes: nodes, TTL: ttl}); err == nil {
					_ = l.Close()
					t.Errorf("%s: a TTL of %v was accepted", a.name, ttl)
				}
			}
		}
	})
}

// TestBL1_OneLostKeyHoldsUpNoRelease: a lease has lost its key on one node. The
// release must not stop at it: all the others are to be free at once.
func TestBL1_OneLostKeyHoldsUpNoRelease(t *testing.T) {
	eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
		c := startCluster(t, cluster.Options{})
		l := newLocker(t, open, redlock.Config{TTL: time.Minute, NodeTimeout: 500 * time.Millisecond}, c.URLs()...)
		warm(t, l, c)
		for lost := range 5 {
			lease := acquire(t, l, "bl1")
			until(t, 5*time.Second, "all nodes have the key", func() bool { return len(holding(t, c, lease.Key())) == 5 })
			for i := range lost {
				untake(t, c, lease.Key(), i)
			}
			err := lease.Release(context.Background())
			if lost < 3 && err != nil {
				t.Errorf("%d of 5 keys lost: %v", lost, err)
			}
			if lost >= 3 && !errors.Is(err, redlock.ErrLost) {
				t.Errorf("%d of 5 keys lost, and Release does not say so: %v", lost, err)
			}
			free(t, c, lease.Key(), 5*time.Second)
		}
	})
}
