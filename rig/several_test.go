package rig

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/rig/cluster"
)

// TestSetsOfLocks has processes sit at a round table, each in need of the forks at its
// sides, on real servers (A1-A3): one is killed with two forks in its hands, and the others wait
// for its TTL; redsync tries to take single forks, and one of ours does; then one node hangs, and another comes back empty.
func TestSetsOfLocks(t *testing.T) {
	eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
		t.Parallel()
		const seats, meals = 4, 12
		c := startCluster(t, cluster.Options{})
		cfg := redlock.Config{TTL: 2 * time.Second, NodeTimeout: 500 * time.Millisecond}
		fork := func(i int) string { return fmt.Sprint("fork", i%seats) }
		var inUse [seats]atomic.Int32
		take := func(fork int) {
			if n := inUse[fork%seats].Add(1); n != 1 {
				t.Errorf("fork %d is in %d hands", fork%seats, n)
			}
		}

		dead := startStranger(t, errand{URLs: c.URLs(), Name: fork(0), Also: []string{fork(2)}, TTL: cfg.TTL})
		select {
		case <-dead.gotten:
		case <-time.After(soon):
			t.Fatal("a process does not get two forks that are free")
		}
		dead.Kill()

		var all sync.WaitGroup
		begin := time.Now()
		var longest [seats]time.Duration
		for seat := range seats {
			l := warmed(t, newLocker(t, open, cfg, c.URLs()...), c)
			all.Go(func() {
				for eaten := 0; eaten < meals; {
					hungry := time.Now()
					lease, err := l.AcquireAll(t.Context(), []string{fork(seat), fork(seat + 1)})
					if errors.Is(err, redlock.ErrNoQuorum) && stalled(err) {
						continue
					}
					if err != nil {
						t.Errorf("seat %d: %v", seat, err)
						return
					}
					longest[seat] = max(longest[seat], time.Since(hungry))
					take(seat)
					take(seat + 1)
					eaten++
					inUse[seat].Add(-1)
					inUse[(seat+1)%seats].Add(-1)
					if err := lease.Release(context.Background()); err != nil && !stalled(err) {
						t.Errorf("seat %d: %v", seat, err)
					}
				}
			})
		}
		single := warmed(t, newLocker(t, open, cfg, c.URLs()...), c)
		all.Go(func() {
			for i := range 2 * meals {
				err := single.Do(t.Context(), fork(i), func(context.Context, *redlock.Lease) error {
					take(i)
					inUse[i%seats].Add(-1)
					return nil
				})
				if err != nil && !stalled(err) {
					t.Error("one fork: ", err)
				}
			}
		})
		stranger := openRedsync(t, c.URLs()...)
		for i := range 4 {
			m := stranger.NewMutex("redlock:" + fork(i))
			if err := m.TryLock(); err != nil {
				continue // it takes what it finds, and waits for nothing
			}
			take(i)
			inUse[i%seats].Add(-1)
			_, _ = m.Unlock()
		}
		ok(t, c.Nodes[1].Freeze())
		ok(t, c.Nodes[2].RestartEmpty())
		all.Wait()
		ok(t, c.Nodes[1].Thaw())
		t.Logf("%d meals at each of %d seats in %v, where a process had died with two forks for %v; longest waits %v", meals, seats, time.Since(begin), cfg.TTL, longest)
		for i := range seats {
			free(t, c, "redlock:"+fork(i), soon)
		}
	})
}
