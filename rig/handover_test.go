package rig

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/rig/cluster"
)

// TestHandOverInOrder: eight waiters of eight clients, two of them processes of their
// own, get the lock in the order in which they came (I7), each with a greater token.
func TestHandOverInOrder(t *testing.T) {
	eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
		c := startCluster(t, cluster.Options{})
		cfg := redlock.Config{TTL: 30 * time.Second, NodeTimeout: time.Second}
		holder := newLocker(t, open, cfg, c.URLs()...)
		warm(t, holder, c)
		lease := acquire(t, holder, "k")
		type one struct {
			place    *place
			stranger *stranger
		}
		var all []one
		for i := range 8 {
			var w one
			if i == 2 || i == 5 {
				w.stranger = startStranger(t, errand{URLs: c.URLs(), Name: "k", TTL: cfg.TTL})
				stands(t, c.Nodes, "redlock:k", i+1)
			} else {
				w.place = queueUp(t, c.Nodes, warmed(t, newLocker(t, open, cfg, c.URLs()...), c), "k", i+1)
			}
			all = append(all, w)
		}
		release := func() { ok(t, lease.Release(context.Background())) }
		begin := time.Now()
		for i, w := range all {
			for _, later := range all[i:] {
				if later.place != nil {
					later.place.waits(t)
				}
			}
			release()
			if s := w.stranger; s != nil {
				select {
				case <-s.gotten:
				case <-time.After(soon):
					t.Fatalf("waiter %d, a process, does not get it", i)
				}
				release = func() { ok(t, s.release.Close()) }
				continue
			}
			next := w.place.has(t, soon)
			if next.Token() <= lease.Token() {
				t.Errorf("waiter %d has token %d after %d", i, next.Token(), lease.Token())
			}
			lease = next
			release = func() { ok(t, lease.Release(context.Background())) }
		}
		t.Logf("%d hand-overs in %v", len(all), time.Since(begin))
		release()
		free(t, c, "redlock:k", soon)
		stands(t, c.Nodes, "redlock:k", 0)
		nobodyStands(t, c)
	})
}

// TestWaitingIsNotPolling counts what clients send to each node while one of them waits
// for four seconds, and to hand the lock over: no more than 12 commands a node for
// the waiting, of which nearly all are to begin with, and 6 for the rest. A client that
// polls every 50 to 250 ms sends 30.
func TestWaitingIsNotPolling(t *testing.T) {
	const waiting, handOver, waitFor = 12, 6, 3500 * time.Millisecond
	eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
		t.Parallel()
		c := startCluster(t, cluster.Options{})
		cfg := redlock.Config{TTL: 30 * time.Second, NodeTimeout: time.Second}
		holder, l := newLocker(t, open, cfg, c.URLs()...), newLocker(t, open, cfg, c.URLs()...)
		warm(t, holder, c)
		warm(t, l, c)
		lease := acquire(t, holder, "k")
		until(t, soon, "all nodes have the key", func() bool { return len(holding(t, c, lease.Key())) == len(c.Nodes) })
		var listeners []*listener
		for _, n := range c.Nodes {
			listeners = append(listeners, listenTo(t, n))
		}
		for _, l := range listeners {
			l.leaveOut(t, 1) // the holder, which listens for evictions, and pings for as long as it holds the lock
			l.take(t)
		}
		begin := time.Now()
		p := wait(t, l, "k")
		select {
		case <-p.got:
			t.Fatalf("it does not wait: %v", p.err)
		case <-time.After(waitFor):
		}
		var during [][]string
		for _, l := range listeners {
			during = append(during, l.take(t))
		}
		took := time.Since(begin)
		ok(t, lease.Release(context.Background()))
		next := p.has(t, soon)
		ok(t, next.Release(context.Background()))
		free(t, c, "redlock:k", soon)
		for i, l := range listeners {
			n, m := during[i], l.take(t)
			t.Logf("node %d: %d commands while it waited, %d for the hand-over", i, len(n), len(m))
			// On a machine that stood still it took longer: a PING a second.
			if len(n) > waiting+int((took-waitFor)/time.Second) {
				t.Errorf("node %d was sent %d commands in %v of waiting, want at most %d: %.70q", i, len(n), waitFor, waiting, n)
			}
			if len(m) > handOver {
				t.Errorf("node %d was sent %d commands for the hand-over, want at most %d: %.70q", i, len(m), handOver, m)
			}
		}
	})
}

// TestHundredContenders: a hundred at once for one lock, of twenty clients, each three times. All get it,
// and no two at a time. By the nodes, whoever comes again stands behind the others: nobody has had it three
// times before everybody has had it once. A client that passes it on may keep it to itself for a moment.
func TestHundredContenders(t *testing.T) {
	eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
		t.Run("by the nodes", func(t *testing.T) { contend(t, open, -1) })
		t.Run("passed on", func(t *testing.T) { contend(t, open, redlock.DefaultHandOvers) })
	})
}

func contend(t *testing.T, open func(urls ...string) ([]redlock.Node, error), handOvers int) {
	const clients, each, turns = 20, 5, 3
	c := startCluster(t, cluster.Options{})
	cfg := redlock.Config{TTL: 10 * time.Second, NodeTimeout: time.Second, HandOvers: handOvers}
	var lockers []*redlock.Locker
	for range clients {
		lockers = append(lockers, newLocker(t, open, cfg, c.URLs()...))
	}
	holder := warmed(t, newLocker(t, open, cfg, c.URLs()...), c)
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	held := acquire(t, holder, "k")
	var mu sync.Mutex
	var inside atomic.Int32
	var token uint64
	had := make([]int, clients*each)
	first := 0 // how many have had it
	var longest time.Duration
	var contending sync.WaitGroup
	for i := range had {
		contending.Go(func() {
			for turn := range turns {
				asked := time.Now()
				err := lockers[i%clients].Do(ctx, "k", func(_ context.Context, lease *redlock.Lease) error {
					if n := inside.Add(1); n != 1 {
						t.Errorf("%d have the lock at one time", n)
					}
					defer inside.Add(-1)
					mu.Lock()
					defer mu.Unlock()
					if lease.Token() <= token {
						t.Errorf("token %d after %d", lease.Token(), token)
					}
					token = lease.Token()
					if turn > 0 { // the first began before it was to be had
						longest = max(longest, time.Since(asked))
					}
					if had[i]++; had[i] == 1 {
						first++
					}
					if handOvers < 0 && had[i] == turns && first < len(had) {
						t.Errorf("contender %d has had it %d times when %d of %d have not had it", i, turns, len(had)-first, len(had))
					}
					return nil
				})
				if stalled(err) {
					t.Logf("contender %d, turn %d: %v", i, turn, err)
					continue
				}
				if err != nil {
					t.Errorf("contender %d, turn %d: %v", i, turn, err)
					return
				}
			}
		})
	}
	stands(t, c.Nodes, "redlock:k", clients) // one of each client, for all of its own
	begin := time.Now()
	ok(t, held.Release(context.Background()))
	contending.Wait()
	took := time.Since(begin)
	t.Logf("%d hand-overs in %v, %.0f/s; the longest wait %v", len(had)*turns, took, float64(len(had)*turns)/took.Seconds(), longest)
	if first != len(had) {
		t.Errorf("%d of %d never had it: %v", len(had)-first, len(had), fmt.Sprint(had))
	}
	free(t, c, "redlock:k", soon)
	stands(t, c.Nodes, "redlock:k", 0)
	nobodyStands(t, c)
}
