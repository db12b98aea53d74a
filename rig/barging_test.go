package rig

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-redsync/redsync/v4"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/resp"
	"github.com/redlock-go/redlock/rig/cluster"
)

// Other libraries on the same key know nothing of the queue. Exclusion holds, and
// neither side starves.

// TestSharedWithRedsync: redsync has the key and somebody of ours waits; then ours has it
// and redsync waits; and then both at once, from several goroutines.
func TestSharedWithRedsync(t *testing.T) {
	eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
		t.Parallel()
		c := startCluster(t, cluster.Options{})
		l := warmed(t, newLocker(t, open, redlock.Config{TTL: 30 * time.Second, NodeTimeout: time.Second}, c.URLs()...), c)
		theirs := func() *redsync.Mutex {
			return openRedsync(t, c.URLs()...).NewMutex("redlock:k", redsync.WithExpiry(30*time.Second), redsync.WithTries(300))
		}

		first := theirs()
		ok(t, first.Lock())
		p := wait(t, l, "k")
		var held *redlock.HeldError
		if _, err := l.TryAcquire(t.Context(), "k"); !errors.As(err, &held) || held.Holder != "another client" {
			t.Errorf("TryAcquire of what redsync holds: %v", err)
		}
		p.waits(t)
		_, err := first.Unlock()
		ok(t, err)
		lease := p.has(t, soon) // nobody pushes: it asks again, long before the TTL

		got := make(chan error, 1)
		second := theirs()
		go func() { got <- second.Lock() }()
		ok(t, lease.Release(context.Background()))
		select {
		case err := <-got:
			ok(t, err)
		case <-time.After(soon):
			t.Fatal("redsync does not get what we have released")
		}
		_, err = second.Unlock()
		ok(t, err)

		var inside atomic.Int32
		work := func() {
			if n := inside.Add(1); n != 1 {
				t.Errorf("%d have the lock at one time", n)
			}
			inside.Add(-1)
		}
		const each = 5
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() {
				for range each {
					if err := l.Do(t.Context(), "k", func(context.Context, *redlock.Lease) error { work(); return nil }); err != nil && !stalled(err) {
						t.Error("ours: ", err)
					}
				}
			})
			both.Go(func() {
				m := theirs()
				for range each {
					if err := m.Lock(); err != nil {
						t.Error("redsync: ", err)
						return
					}
					work()
					if _, err := m.Unlock(); err != nil {
						t.Error("redsync: ", err)
					}
				}
			})
		}
		both.Wait()
		free(t, c, "redlock:k", soon)
		nobodyStands(t, c)
	})
}

// TestPlainBarger: three clients that ask for the key on all nodes without a pause, by plain
// SET NX, and know nothing of the queue. Those who stand in it all get the lock, and no
// two have it at a time.
func TestPlainBarger(t *testing.T) {
	eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
		t.Parallel()
		c := startCluster(t, cluster.Options{})
		cfg := redlock.Config{TTL: 30 * time.Second, NodeTimeout: time.Second}
		var lockers []*redlock.Locker
		for range 4 {
			lockers = append(lockers, warmed(t, newLocker(t, open, cfg, c.URLs()...), c))
		}
		var inside, tried, barged atomic.Int32
		barging, end := context.WithCancel(t.Context())
		var bargers, waiting sync.WaitGroup
		for i := range 3 {
			bargers.Go(func() {
				for barging.Err() == nil {
					tried.Add(1)
					if barge(t, c, fmt.Sprint("barger ", i), &inside) {
						barged.Add(1)
					}
				}
			})
		}
		begin := time.Now()
		for _, l := range lockers {
			waiting.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				for range 100 {
					err := l.Do(ctx, "k", func(context.Context, *redlock.Lease) error {
						if n := inside.Add(1); n != 1 {
							t.Errorf("%d have the lock at one time", n)
						}
						inside.Add(-1)
						return nil
					})
					if err != nil && !stalled(err) {
						t.Error(err)
					}
				}
			})
		}
		waiting.Wait()
		t.Logf("400 leases in %v, beside %d of the bargers, in %d tries", time.Since(begin), barged.Load(), tried.Load())
		end()
		bargers.Wait()
		if tried.Load() < 20 {
			t.Errorf("the bargers made %d tries: this proves nothing", tried.Load())
		}
		free(t, c, "redlock:k", soon)
		nobodyStands(t, c)
	})
}

// barge tries once, and gives back what it got.
func barge(t *testing.T, c *cluster.Cluster, value string, inside *atomic.Int32) bool {
	got := 0
	for _, n := range c.Nodes {
		replies, err := n.DoAll(time.Second, []string{"SET", "redlock:k", value, "NX", "PX", "30000"})
		if err == nil && replies[0].Equal(resp.OfText("OK")) {
			got++
		}
	}
	won := got > len(c.Nodes)/2
	if won {
		if n := inside.Add(1); n != 1 {
			t.Errorf("%d have the lock at one time", n)
		}
		inside.Add(-1)
	}
	const release = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
	for _, n := range c.Nodes {
		_, _ = n.DoAll(time.Second, []string{"EVAL", release, "1", "redlock:k", value})
	}
	return won
}
