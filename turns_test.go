package redlock_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/redlocktest"
)

// Callers in one process get the lock in the order in which they came, each with a
// greater token, and the nodes are asked for one in sixty-five.
func TestHandOverInTheProcess(t *testing.T) {
	for _, test := range []struct {
		name      string
		handOvers int
		asks      int // attempts on the nodes for 1 + 100 leases: the first is asked for before anyone waits
	}{
		{"default", 0, 3},
		{"three", 3, 1 + 25},
		{"none", -1, 101},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				nodes := redlocktest.NewNodes(3)
				l := open(t, nodes, func(c *redlock.Config) { c.HandOvers = test.handOvers })
				first, err := l.Acquire(ctx, "k")
				if err != nil {
					t.Fatal(err)
				}
				var order []int
				var tokens []uint64
				values := make(map[string]bool)
				holding := 0
				var all sync.WaitGroup
				for i := range 100 {
					all.Go(func() {
						lease, err := l.Acquire(ctx, "k")
						if err != nil {
							t.Error(err)
							return
						}
						if holding++; holding != 1 {
							t.Errorf("%d hold it", holding)
						}
						order, tokens = append(order, i), append(tokens, lease.Token())
						values[majority(nodes, "redlock:k")] = true
						if err := lease.Context().Err(); err != nil {
							t.Errorf("the lease is over as it begins: %v", context.Cause(lease.Context()))
						}
						holding--
						if err := lease.Release(ctx); err != nil {
							t.Error(err)
						}
						if err := context.Cause(lease.Context()); !errors.Is(err, redlock.ErrReleased) {
							t.Errorf("after its release the lease's cause is %v", err)
						}
					})
					synctest.Wait()
				}
				if err := first.Release(ctx); err != nil {
					t.Fatal(err)
				}
				all.Wait()
				if !slices.IsSorted(order) || len(order) != 100 {
					t.Errorf("order: %v", order)
				}
				before := first.Token()
				for i, token := range tokens {
					if token <= before {
						t.Errorf("token %d is %d, after %d", i, token, before)
					}
					before = token
				}
				if got := len(values) + 1; got != test.asks {
					t.Errorf("%d attempts on the nodes for 101 leases, want %d", got, test.asks)
				}
				synctest.Wait()
				if got := keysOf(nodes); len(got) != 0 {
					t.Errorf("left on the nodes: %v", got)
				}
				last, err := open(t, nodes).Acquire(ctx, "k")
				if err != nil {
					t.Fatal(err)
				}
				if last.Token() <= tokens[99] {
					t.Errorf("another client's token is %d, after %d", last.Token(), tokens[99])
				}
			})
		})
	}
}

// majority is the value that most nodes have, without the mark of a waiter.
func majority(nodes redlocktest.Nodes, key string) (value string) {
	count := make(map[string]int)
	for _, n := range nodes {
		if v, ok := n.Get(key); ok {
			count[v[4:]]++
		}
	}
	for v, n := range count {
		if n > count[value] {
			value = v
		}
	}
	return value
}

// What is left of a lease that was passed on says so, and touches nothing of the next one's.
func TestPassedOnLeaseIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		nodes := redlocktest.NewNodes(3)
		l := open(t, nodes)
		old, next := passed(t, l, ctx)
		if err := old.Extend(ctx); !errors.Is(err, redlock.ErrNotHeld) {
			t.Errorf("Extend of the old one: %v", err)
		}
		ends := old.Deadline()
		if err := old.Release(ctx); err != nil {
			t.Errorf("second Release of the old one: %v", err)
		}
		time.Sleep(time.Minute) // of renewals
		if err := next.Context().Err(); err != nil {
			t.Errorf("the new one is over: %v", context.Cause(next.Context()))
		}
		if now := old.Deadline(); !now.Equal(ends) {
			t.Errorf("the deadline of the old one moved from %v to %v", ends, now)
		}
		if !next.Deadline().After(ends) {
			t.Error("that of the new one did not")
		}
		if err := next.Release(ctx); err != nil {
			t.Errorf("Release of the new one: %v", err)
		}
	})
}

// passed returns a lease that was passed on, and the one that it was passed to.
func passed(t *testing.T, l *redlock.Locker, ctx context.Context, opts ...redlock.Option) (old, next *redlock.Lease) {
	t.Helper()
	first, err := l.Acquire(ctx, "k")
	if err != nil {
		t.Fatal(err)
	}
	leases := make(chan *redlock.Lease, 2)
	acquire := func(opts ...redlock.Option) {
		lease, err := l.Acquire(ctx, "k", opts...)
		if err != nil {
			t.Error(err)
		}
		leases <- lease
	}
	go acquire()
	synctest.Wait()
	go acquire(opts...)
	synctest.Wait()
	_ = first.Release(ctx) // by the nodes: nobody had waited when it was taken
	old = <-leases
	_ = old.Release(ctx)
	next = <-leases
	if old == nil || next == nil || next.Token() != old.Token()+1 {
		t.Fatalf("it was not passed on: %v, %v", old, next)
	}
	return old, next
}

// The options are those of the one who has the lease.
func TestPassedOnLeaseHasItsOwnOptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := open(t, redlocktest.NewNodes(3))
		_, next := passed(t, l, t.Context(), redlock.WithMaxHold(time.Second))
		began := time.Now()
		<-next.Context().Done()
		if took := time.Since(began); took != time.Second {
			t.Errorf("it was held for %v, the max hold is 1s", took)
		}
		if err := context.Cause(next.Context()); !errors.Is(err, redlock.ErrLost) {
			t.Errorf("cause: %v", err)
		}
		again, err := l.Acquire(t.Context(), "k") // its turn is over, too
		if err != nil {
			t.Fatal(err)
		}
		_ = again.Release(t.Context())
	})
}

// A lease without renewal is a whole one, and not the rest of another.
func TestNoHandOverToOneWithoutRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		l := open(t, redlocktest.NewNodes(3))
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				lease, err := l.Acquire(ctx, "k", redlock.WithoutRenewal())
				if err != nil {
					t.Error(err)
					return
				}
				if left := time.Until(lease.Deadline()); left < 9*time.Second {
					t.Errorf("a lease of %v", left)
				}
				time.Sleep(2 * time.Second)
				_ = lease.Release(ctx)
			})
		}
		all.Wait()
	})
}

// The end of a context that belonged to the one before says nothing of the lease.
func TestPassedOnLeaseHasItsOwnContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		l := open(t, redlocktest.NewNodes(3))
		first, err := l.Acquire(ctx, "k")
		if err != nil {
			t.Fatal(err)
		}
		short, cancel := context.WithCancel(ctx)
		var old, next *redlock.Lease
		go func() { old, _ = l.Acquire(short, "k") }()
		synctest.Wait()
		go func() { next, _ = l.Acquire(ctx, "k") }()
		synctest.Wait()
		_ = first.Release(ctx)
		synctest.Wait()
		_ = old.Release(ctx)
		synctest.Wait()
		cancel()
		time.Sleep(time.Minute)
		if err := next.Context().Err(); err != nil {
			t.Errorf("the lease ended: %v", context.Cause(next.Context()))
		}
		_ = next.Release(ctx)
	})
}

// Who gives up is passed over, wherever it stands.
func TestStandbyGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		nodes := redlocktest.NewNodes(3)
		l, other := open(t, nodes), open(t, nodes)
		holder, err := other.Acquire(ctx, "k")
		if err != nil {
			t.Fatal(err)
		}
		got := make([]error, 6)
		var all sync.WaitGroup
		for i := range got {
			all.Go(func() {
				ctx := ctx
				if i%2 == 0 { // the one that asks the nodes, too
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, time.Duration(i+1)*time.Second)
					defer cancel()
				}
				var lease *redlock.Lease
				if lease, got[i] = l.Acquire(ctx, "k"); got[i] == nil {
					_ = lease.Release(ctx)
				}
			})
			synctest.Wait()
		}
		time.Sleep(30 * time.Second)
		_ = holder.Release(ctx)
		began := time.Now()
		all.Wait()
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %v to pass on what was free", took)
		}
		for i, err := range got {
			switch {
			case i%2 == 1 && err != nil:
				t.Errorf("%d: %v", i, err)
			case i%2 == 0 && (!errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, redlock.ErrHeld)):
				t.Errorf("%d gave up with %v, want what it waited for, too", i, err)
			}
		}
		synctest.Wait()
		if got := keysOf(nodes); len(got) != 0 {
			t.Errorf("left on the nodes: %v", got)
		}
	})
}

// An outage is the outage of all who wait, and not of one after the other.
func TestOutageEndsAllWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		nodes := redlocktest.NewNodes(3)
		l := open(t, nodes)
		for _, n := range nodes {
			n.Freeze()
		}
		began := time.Now()
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if _, err := l.Acquire(ctx, "k"); !errors.Is(err, redlock.ErrNoQuorum) {
					t.Errorf("without any node: %v", err)
				}
			})
		}
		all.Wait()
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("it took %v to tell them all", took)
		}
	})
}

// Close ends the waits.
func TestCloseEndsStandbys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		l := open(t, redlocktest.NewNodes(3))
		if _, err := l.Acquire(ctx, "k"); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if _, err := l.Acquire(ctx, "k"); !errors.Is(err, redlock.ErrClosed) {
					t.Errorf("after Close: %v", err)
				}
			})
		}
		synctest.Wait()
		_ = l.Close()
		all.Wait()
	})
}

// Others wait for no longer than the time for which a lease may be passed on.
func TestHandOverIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		nodes := redlocktest.NewNodes(3)
		greedy, other := open(t, nodes, func(c *redlock.Config) { c.HandOvers = 10_000 }), open(t, nodes)
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				for ctx.Err() == nil {
					lease, err := greedy.Acquire(ctx, "k")
					if err != nil {
						return
					}
					time.Sleep(time.Millisecond)
					_ = lease.Release(ctx)
				}
			})
		}
		time.Sleep(time.Second)
		for range 20 {
			began := time.Now()
			lease, err := other.Acquire(ctx, "k")
			if err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took > 120*time.Millisecond {
				t.Errorf("another process waited for %v", took)
			}
			_ = lease.Release(ctx)
		}
		cancel()
		all.Wait()
	})
}

// Very many callers wait for one lock in little room.
func TestStandbyMemory(t *testing.T) {
	const callers = 20_000
	l := open(t, redlocktest.NewNodes(3))
	holder, err := l.Acquire(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var ready, done sync.WaitGroup
	var before, after runtime.MemStats
	begin := make(chan struct{})
	waits := redlock.WithOnWait(func(error) { ready.Done() })
	ready.Add(callers)
	for range callers {
		done.Go(func() {
			ready.Done()
			<-begin
			_, _ = l.Acquire(ctx, "k", waits)
		})
	}
	ready.Wait()
	runtime.GC()
	runtime.ReadMemStats(&before) // goroutines that wait for something are none of ours
	ready.Add(callers)
	close(begin)
	ready.Wait()
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := (after.HeapAlloc - before.HeapAlloc) / callers
	stack := (after.StackInuse - before.StackInuse) / callers
	t.Logf("%d bytes of heap and %d of stack for each of %d callers", each, stack, callers)
	if each > 1024 {
		t.Errorf("a caller that waits takes %d bytes of heap", each)
	}
	cancel()
	done.Wait()
	if err := holder.Release(t.Context()); err != nil {
		t.Error(err)
	}
}
