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
	"github.com/redlock-go/redlock/resp"
	"github.com/redlock-go/redlock/rig/cluster"
)

// TestCancelLeavesNothing cancels the caller's context at each step of Acquire and
// looks on the servers for what stays behind (I5). The TTL is a minute and the
// test waits for seconds: a key that goes was removed.
func TestCancelLeavesNothing(t *testing.T) {
	eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
		c := startCluster(t, cluster.Options{})
		nodes, err := open(c.URLs()...)
		ok(t, err)
		wrapped, taps := tapAll(nodes)
		// Nodes are given time, so that a busy machine does not mix in other steps.
		l := lockerOf(t, redlock.Config{Nodes: wrapped, TTL: time.Minute, NodeTimeout: 5 * time.Second})
		warm(t, l, c)
		other := newLocker(t, open, redlock.Config{TTL: time.Minute, NodeTimeout: 5 * time.Second}, c.URLs()...)
		s := stage{t: t, c: c, locker: l, other: other, taps: taps}

		t.Run("before", func(t *testing.T) {
			s.at(t, "before", func(cancel func(), asks *asks) { cancel() }, s.free)
		})
		for k := 1; k <= len(c.Nodes); k++ {
			t.Run(fmt.Sprintf("before request %d of 5 is sent", k), func(t *testing.T) {
				s.at(t, t.Name(), func(cancel func(), asks *asks) { asks.beforeSent(k, cancel) }, s.free)
			})
			t.Run(fmt.Sprintf("when %d of 5 have answered", k), func(t *testing.T) {
				s.at(t, t.Name(), func(cancel func(), asks *asks) { asks.afterAnswered(k, cancel) }, s.free)
			})
			t.Run(fmt.Sprintf("when %d of 5 have answered and the others do not", k), func(t *testing.T) {
				s.at(t, t.Name(), func(cancel func(), asks *asks) {
					asks.afterAnswered(k, cancel)
					asks.holdAfter(k)
				}, s.free)
			})
			// The same in a second attempt, while somebody holds a minority or all.
			t.Run(fmt.Sprintf("when %d of 5 have answered a second time, two taken", k), func(t *testing.T) {
				s.at(t, t.Name(), func(cancel func(), asks *asks) { asks.afterAnswered(5+k, cancel) }, s.taken(0, 1, 2))
			})
		}
		t.Run("between two attempts", func(t *testing.T) {
			s.at(t, t.Name(), func(cancel func(), asks *asks) { asks.onWait(1, cancel) }, s.taken(0, 1, 2))
		})
		t.Run("while waiting for another holder", func(t *testing.T) {
			s.at(t, t.Name(), func(cancel func(), asks *asks) { asks.onWait(4, cancel) }, s.held)
		})
		t.Run("after the majority, while stragglers run", func(t *testing.T) { s.stragglers(t) })
	})
}

// TestCancelUnderDelay does the same over a network that takes its time, at
// moments that fall before, between and after the steps.
func TestCancelUnderDelay(t *testing.T) {
	eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
		c := startCluster(t, cluster.Options{Proxied: true})
		nodes, err := open(c.URLs()...)
		ok(t, err)
		wrapped, taps := tapAll(nodes)
		l := lockerOf(t, redlock.Config{Nodes: wrapped, TTL: time.Minute, NodeTimeout: 5 * time.Second})
		warm(t, l, c)
		var sent, answered atomic.Int64
		for _, tp := range taps {
			tp.set(func(batch []resp.Command) {
				sent.Add(asksIn(batch))
			}, func(batch []resp.Command) {
				answered.Add(asksIn(batch))
			})
		}
		for i, n := range c.Nodes {
			d := time.Duration(5+3*i) * time.Millisecond
			ok(t, n.Proxy.Latency(cluster.Requests, d, 0))
			ok(t, n.Proxy.Latency(cluster.Replies, d, 0))
		}
		// A round trip is 10 ms to the nearest node, and 34 ms to the farthest.
		var trying sync.WaitGroup
		for after := time.Duration(0); after <= 48*time.Millisecond; after += 3 * time.Millisecond {
			trying.Go(func() {
				name := fmt.Sprintf("cancel after %v", after)
				ctx, cancel := context.WithTimeout(context.Background(), after)
				defer cancel()
				lease, err := l.Acquire(ctx, name)
				if err == nil {
					err = lease.Release(ctx)
					if err != nil {
						t.Errorf("%s: Release: %v", name, err)
					}
				} else if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s: Acquire: %v", name, err)
				}
			})
		}
		trying.Wait()
		until(t, 5*time.Second, "all requests are answered", func() bool {
			n := sent.Load()
			return n > 0 && n%5 == 0 && answered.Load() == n
		})
		for after := time.Duration(0); after <= 48*time.Millisecond; after += 3 * time.Millisecond {
			free(t, c, fmt.Sprintf("redlock:cancel after %v", after), 5*time.Second)
		}
	})
}

// TestCancelWhileANodeIsSilent: what could not be cleaned up on a node that does
// not answer is cleaned up when it does again, long before the TTL.
func TestCancelWhileANodeIsSilent(t *testing.T) {
	eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
		c := startCluster(t, cluster.Options{Nodes: 3, Proxied: true})
		l := newLocker(t, open, redlock.Config{TTL: time.Minute}, c.URLs()...)
		// Node 2 hears the request and cannot answer; the nodes 0 and 1 are taken, so that
		// the attempt has only its vote. If something else is under way to it just
		// then, say a look at its clock, the request waits behind that, and is not sent.
		const key = "redlock:silent"
		for granted, tries := false, 0; !granted; tries++ {
			if tries == 20 {
				t.Fatal("node 2 has never granted")
			}
			warm(t, l, c)
			taken(t, c, key, 0, 1)
			ok(t, c.Nodes[2].Proxy.Hold(cluster.Replies))
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan error, 1)
			go func() {
				_, err := l.Acquire(ctx, "silent")
				done <- err
			}()
			granted = eventually(time.Second, func() bool { return len(holding(t, c, key)) == 3 })
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			untake(t, c, key, 0, 1)
			ok(t, c.Nodes[2].Proxy.Heal())
			free(t, c, key, 5*time.Second)
		}
	})
}

// stage is where a call is cancelled.
type stage struct {
	t      *testing.T
	c      *cluster.Cluster
	locker *redlock.Locker
	other  *redlock.Locker
	taps   []*tap
}

// asks cancels at a point of the traffic. Requests and answers of all nodes are
// counted together, from 1.
type asks struct {
	sent, answered, waits atomic.Int64
	sends, answers, pause map[int64]func()
	hold                  int64 // answers after this one are held back
	release               chan struct{}
}

func (a *asks) beforeSent(k int, do func())    { a.sends[int64(k)] = do }
func (a *asks) afterAnswered(k int, do func()) { a.answers[int64(k)] = do }
func (a *asks) onWait(k int, do func())        { a.pause[int64(k)] = do }
func (a *asks) holdAfter(k int)                { a.hold = int64(k) }

// at calls Acquire, cancels its context where plan says, and checks that nothing
// is left. before sets up who holds the key, and returns how to end that.
func (s *stage) at(t *testing.T, name string, plan func(cancel func(), a *asks), before func(t *testing.T, name string) (after func())) {
	t.Helper()
	after := before(t, name)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var cancelled atomic.Bool
	a := &asks{sends: map[int64]func(){}, answers: map[int64]func(){}, pause: map[int64]func(){}, hold: 1 << 30, release: make(chan struct{})}
	plan(func() { cancelled.Store(true); cancel() }, a)
	for _, tp := range s.taps {
		tp.set(func(batch []resp.Command) {
			if isAsk(batch) {
				if do := a.sends[a.sent.Add(1)]; do != nil {
					do()
				}
			}
		}, func(batch []resp.Command) {
			if isAsk(batch) {
				k := a.answered.Add(1)
				if do := a.answers[k]; do != nil {
					do()
				}
				if k > a.hold {
					<-a.release
				}
			}
		})
	}
	lease, err := s.locker.Acquire(ctx, name, redlock.WithOnWait(func(error) {
		if do := a.pause[a.waits.Add(1)]; do != nil {
			do()
		}
	}))
	if !cancelled.Load() && err == nil {
		// A majority was enough, and the step comes later: it comes while the lease
		// is held.
		until(t, 5*time.Second, "the step comes", cancelled.Load)
	}
	switch {
	case !cancelled.Load():
		t.Errorf("Acquire returned before the step came: %v", err)
	case err == nil:
		// Won in the same moment. The lease is the caller's to release, with whatever
		// context it has left.
		if err := lease.Release(ctx); err != nil {
			t.Errorf("Release: %v", err)
		}
	case !errors.Is(err, context.Canceled):
		t.Errorf("Acquire: %v", err)
	}
	close(a.release)
	// What is on its way must have arrived before the servers are looked at. An
	// attempt asks all five nodes.
	until(t, 5*time.Second, "all requests are answered", func() bool {
		sent := a.sent.Load()
		return sent%5 == 0 && a.answered.Load() == sent && (sent > 0 || name == "before")
	})
	for _, tp := range s.taps {
		tp.set(nil, nil)
	}
	after()
	free(t, s.c, "redlock:"+name, 5*time.Second)
}

// free: nobody holds the key.
func (s *stage) free(*testing.T, string) func() { return func() {} }

// taken: another library holds it on some nodes.
func (s *stage) taken(nodes ...int) func(t *testing.T, name string) func() {
	return func(t *testing.T, name string) func() {
		t.Helper()
		taken(t, s.c, "redlock:"+name, nodes...)
		return func() { untake(t, s.c, "redlock:"+name, nodes...) }
	}
}

// held: another client holds it, and still does afterwards.
func (s *stage) held(t *testing.T, name string) func() {
	t.Helper()
	lease := acquire(t, s.other, name)
	return func() {
		if err := lease.Extend(context.Background()); err != nil {
			t.Errorf("the holder's lease: %v", err)
		}
		if err := lease.Release(context.Background()); err != nil {
			t.Errorf("the holder's release: %v", err)
		}
	}
}

// stragglers has three nodes answer, so that Acquire returns, and cancels while
// the requests to the two others are on their way; these arrive when the lock was
// released.
func (s *stage) stragglers(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	late := make(chan struct{})
	for i, tp := range s.taps {
		if i >= 3 {
			tp.set(func(batch []resp.Command) {
				if isAsk(batch) {
					<-late
				}
			}, nil)
		}
	}
	lease, err := s.locker.Acquire(ctx, "stragglers")
	ok(t, err)
	cancel()
	if have := holding(t, s.c, lease.Key()); len(have) != 3 {
		t.Errorf("the nodes %v have the key, and three should", have)
	}
	if lease.Context().Err() == nil {
		t.Error("the lease's context goes on after its parent's end")
	}
	if err := lease.Release(ctx); err != nil {
		t.Errorf("Release: %v", err)
	}
	free(t, s.c, lease.Key(), 5*time.Second)

	for _, tp := range s.taps[3:] {
		tp.set(nil, nil)
	}
	before := make([]int, 5)
	for i := range before {
		before[i] = s.sets(t, i)
	}
	close(late)
	until(t, 5*time.Second, "the stragglers arrive", func() bool {
		return s.sets(t, 3) > before[3] && s.sets(t, 4) > before[4]
	})
	free(t, s.c, lease.Key(), 5*time.Second)
}

// sets is how many SET commands a node has executed.
func (s *stage) sets(t *testing.T, node int) int {
	t.Helper()
	stats, err := s.c.Nodes[node].Do("INFO", "commandstats")
	ok(t, err)
	return calls(stats.Text, "set")
}
