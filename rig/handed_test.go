package rig

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/rig/cluster"
)

// H1 and H2 on real servers: a lease goes from hand to hand, and its text to four at once each time. One of
// them has it, or none, and then one that tries again; the token is the same; and who wants the
// lock in the meantime does not get it.
func TestHandedOver(t *testing.T) {
	eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
		c := startCluster(t, cluster.Options{Nodes: 5})
		cfg := redlock.Config{TTL: 10 * time.Second, NodeTimeout: time.Second}
		var heirs []*redlock.Locker
		for range 4 {
			heirs = append(heirs, newLocker(t, open, cfg, c.URLs()...))
		}
		lease := acquire(t, heirs[0], "k")
		token := lease.Token()
		won := 0
		for range 50 {
			text, err := lease.Handoff()
			ok(t, err)
			if err := context.Cause(lease.Context()); !errors.Is(err, redlock.ErrHandedOver) {
				t.Fatalf("the lease that was handed over: %v", err)
			}
			var mu sync.Mutex
			var have []*redlock.Lease
			var all sync.WaitGroup
			for i, l := range heirs {
				all.Go(func() {
					if i == 3 {
						if _, err := l.TryAcquire(context.Background(), "k"); err == nil {
							t.Error("somebody else got the lock")
						}
						return
					}
					got, err := l.Resume(context.Background(), text)
					mu.Lock()
					defer mu.Unlock()
					switch {
					case err == nil:
						have = append(have, got)
					case !errors.Is(err, redlock.ErrLost) && !errors.Is(err, redlock.ErrNoQuorum):
						t.Errorf("not resumed: %v", err)
					}
				})
			}
			all.Wait()
			if won += len(have); len(have) == 0 {
				until(t, 10*time.Second, "the lease is resumed", func() bool {
					got, err := heirs[3].Resume(context.Background(), text)
					if err == nil {
						have = append(have, got)
					}
					return err == nil
				})
			}
			if len(have) != 1 || have[0].Token() != token {
				t.Fatalf("%d have the lease, %v", len(have), have)
			}
			if _, err := heirs[0].Prolong(context.Background(), text); !errors.Is(err, redlock.ErrLost) {
				t.Fatalf("the text serves yet: %v", err)
			}
			lease = have[0]
		}
		if won == 0 {
			t.Error("none of them ever had it at once")
		}
		ok(t, lease.Release(context.Background()))
		if next := acquire(t, heirs[0], "k"); next.Token() <= token {
			t.Errorf("token %d after %d", next.Token(), token)
		}
	})
}
