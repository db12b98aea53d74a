package rig

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/rig/cluster"
)

// TestSemaphore has processes hold the three slots of a semaphore on five real servers,
// and be killed with them, while others want them and a minority of the nodes stands still, or
// comes back empty (S1-S4). Who holds a slot is counted beside the nodes.
func TestSemaphore(t *testing.T) {
	eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
		t.Parallel()
		const of, lockers, sections = 3, 6, 40
		c := startCluster(t, cluster.Options{})
		cfg := redlock.Config{TTL: 2 * time.Second, NodeTimeout: 500 * time.Millisecond}
		var inUse [of]atomic.Int32
		var holders, most atomic.Int32
		enter := func(slot int) {
			if n := inUse[slot].Add(1); n != 1 {
				t.Errorf("slot %d is held by %d", slot, n)
			}
			n := holders.Add(1)
			if n > of {
				t.Errorf("%d hold a slot of %d", n, of)
			}
			for seen := most.Load(); n > seen && !most.CompareAndSwap(seen, n); seen = most.Load() {
			}
		}
		leave := func(slot int) {
			holders.Add(-1)
			inUse[slot].Add(-1)
		}

		l := warmed(t, newLocker(t, open, cfg, c.URLs()...), c)
		var processes []*stranger
		for range of {
			s := startStranger(t, errand{URLs: c.URLs(), Name: "s", Of: of, TTL: cfg.TTL})
			select {
			case <-s.gotten:
			case <-time.After(soon):
				t.Fatal("a process does not get a slot that is free")
			}
			enter(s.slot)
			processes = append(processes, s)
		}
		var held *redlock.HeldError
		for {
			_, err := l.TryAcquireSlot(t.Context(), "s", of)
			if stalled(err) {
				continue
			}
			if !errors.As(err, &held) || held.Holder != "3 of 3 holders" {
				t.Fatalf("a fourth gets %v", err)
			}
			break
		}

		// Two are killed: their slots come back at the end of their own time, and the third's not.
		leave(processes[0].slot)
		leave(processes[1].slot)
		processes[0].Kill()
		processes[1].Kill()
		killed := time.Now()
		var back atomic.Int64
		var all sync.WaitGroup
		for range lockers {
			l := newLocker(t, open, cfg, c.URLs()...)
			all.Go(func() {
				for done := 0; done < sections; {
					lease, err := l.AcquireSlot(t.Context(), "s", of)
					if stalled(err) {
						continue
					}
					if err != nil {
						t.Error(err)
						return
					}
					back.CompareAndSwap(0, int64(time.Since(killed)))
					enter(lease.Slot())
					time.Sleep(time.Millisecond) // the section
					leave(lease.Slot())
					if err := lease.Release(context.Background()); err != nil && !stalled(err) && !errors.Is(err, redlock.ErrLost) {
						t.Error(err)
					}
					done++
				}
			})
		}
		until(t, 20*time.Second, "a slot comes back", func() bool { return back.Load() > 0 })
		if took := time.Duration(back.Load()); took > cfg.TTL+2*time.Second {
			t.Errorf("the slot of a process that was killed came back after %v", took)
		}
		ok(t, c.Nodes[1].Freeze())
		ok(t, c.Nodes[2].RestartEmpty())
		all.Wait()
		ok(t, c.Nodes[1].Thaw())
		leave(processes[2].slot)
		ok(t, processes[2].release.Close())
		t.Logf("%d sections by %d lockers; the first slot was back %v after its holder's death (TTL %v); %d held at most at once",
			lockers*sections, lockers, time.Duration(back.Load()), cfg.TTL, most.Load())
		free(t, c, "{redlock:s}:s", soon)
	})
}
