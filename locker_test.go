package redlock_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/redlocktest"
	"github.com/redlock-go/redlock/resp"
)

// A hung or dead minority adds nothing to the latency, once it is known, and no
// more than the per-node deadline before.
func TestMinorityGone(t *testing.T) {
	for _, tc := range []struct {
		name string
		harm func(ns redlocktest.Nodes)
	}{
		{"two killed", func(ns redlocktest.Nodes) { ns[0].Kill(); ns[1].Kill() }},
		{"two frozen", func(ns redlocktest.Nodes) { ns[0].Freeze(); ns[1].Freeze() }},
		{"one of each", func(ns redlocktest.Nodes) { ns[0].Kill(); ns[1].Freeze() }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				nodes := redlocktest.NewNodes(5)
				for _, n := range nodes {
					n.Delay(time.Millisecond)
				}
				l := open(t, nodes)
				time.Sleep(time.Second)
				tc.harm(nodes)
				for i := range 100 {
					start := time.Now()
					lease, err := l.Acquire(ctx, "k")
					if err != nil {
						t.Fatal(err)
					}
					if err := lease.Extend(ctx); err != nil {
						t.Fatal(err)
					}
					if err := lease.Release(ctx); err != nil {
						t.Fatal(err)
					}
					if took := time.Since(start); took > 5*time.Millisecond {
						t.Fatalf("cycle %d took %v, three round trips are 3ms", i, took)
					}
				}
			})
		})
	}
}

// Three of five are gone: the error comes within the per-node deadline and names
// each node with its own cause.
func TestMajorityGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(5)
		l := open(t, nodes)
		time.Sleep(time.Second)
		nodes[0].Kill()
		nodes[1].Freeze()
		for name, acquire := range map[string]func() error{
			"Acquire":    func() error { _, err := l.Acquire(t.Context(), "k"); return err },
			"TryAcquire": func() error { _, err := l.TryAcquire(t.Context(), "k"); return err },
		} {
			nodes[2].Hook(replying("NOAUTH Authentication required."))
			start := time.Now()
			err := acquire()
			if took := time.Since(start); took > 50*time.Millisecond {
				t.Errorf("%s took %v", name, took)
			}
			var quorum *redlock.QuorumError
			if !errors.As(err, &quorum) || !errors.Is(err, redlock.ErrNoQuorum) || errors.Is(err, redlock.ErrHeld) {
				t.Fatalf("%s = %v", name, err)
			}
			for node, cause := range map[string]string{"n1": "killed", "n2": "no reply within 50ms", "n3": "wants a password"} {
				if !strings.Contains(err.Error(), node+": ") || !strings.Contains(err.Error(), cause) {
					t.Errorf("%s: the error does not say %q of %s: %v", name, cause, node, err)
				}
			}
			if len(quorum.Nodes) < 3 || quorum.Need != 3 {
				t.Errorf("%+v", quorum)
			}
		}
		nodes[1].Thaw()
		time.Sleep(time.Second)
		if got := keysOf(nodes); len(got) != 0 {
			t.Errorf("left on the nodes: %v", got)
		}
	})
}

// replying makes a node answer every command with an error.
func replying(text string) redlocktest.Hook {
	return func(_ context.Context, batch []resp.Command, _ func(context.Context, []resp.Command) ([]resp.Reply, error)) ([]resp.Reply, error) {
		replies := make([]resp.Reply, len(batch))
		for i := range replies {
			replies[i] = resp.OfError(text)
		}
		return replies, nil
	}
}

// A garbage reply is no vote, and the error shows it.
func TestGarbage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		for _, n := range nodes[:2] {
			n.Hook(func(_ context.Context, batch []resp.Command, _ func(context.Context, []resp.Command) ([]resp.Reply, error)) ([]resp.Reply, error) {
				return make([]resp.Reply, len(batch)+1), nil
			})
		}
		_, err := open(t, nodes).TryAcquire(t.Context(), "k")
		if !errors.Is(err, redlock.ErrNoQuorum) || !strings.Contains(err.Error(), "no Redis server") {
			t.Errorf("TryAcquire = %v", err)
		}
	})
}

// A late yes to an attempt that was given up is released when it arrives (I5),
// and the next attempt is not touched by it (I4).
func TestLateGrantIsReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		l := open(t, nodes)
		time.Sleep(time.Second)
		for _, n := range nodes {
			n.Delay(200 * time.Millisecond)
		}
		if _, err := l.TryAcquire(t.Context(), "k"); !errors.Is(err, redlock.ErrNoQuorum) {
			t.Fatalf("TryAcquire over a slow network = %v", err)
		}
		for _, n := range nodes {
			n.Delay(0)
		}
		time.Sleep(time.Second)
		if got := keysOf(nodes); len(got) != 0 {
			t.Errorf("left on the nodes: %v", got)
		}
	})
}

// A caller who gives up, at whatever moment, leaves no key behind.
func TestCancelledAcquireLeavesNothing(t *testing.T) {
	for after := range 12 {
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				nodes := redlocktest.NewNodes(3)
				l := open(t, nodes)
				time.Sleep(time.Second)
				for i, n := range nodes {
					n.Delay(time.Duration(1+3*i) * time.Millisecond)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(after)*time.Millisecond)
				defer cancel()
				lease, err := l.Acquire(ctx, "k")
				if err == nil {
					_ = lease.Release(ctx)
				} else if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("Acquire = %v", err)
				}
				time.Sleep(100 * time.Millisecond)
				if got := keysOf(nodes); len(got) != 0 {
					t.Errorf("left on the nodes: %v", got)
				}
			})
		})
	}
}

// An end of the wait says what was waited for.
func TestGivingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		acquire(t, open(t, nodes), "k")
		why := errors.New("shutting down")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, why)
		defer cancel()
		_, err := open(t, nodes).Acquire(ctx, "k")
		for _, want := range []error{context.DeadlineExceeded, why, redlock.ErrHeld} {
			if !errors.Is(err, want) {
				t.Errorf("the error is not %v: %v", want, err)
			}
		}
	})
}

// A waiter is not thrown out by an outage shorter than the TTL, nor by the
// quarantine of the nodes that come back after it, and is by a longer outage.
func TestWaiterRidesOutAnOutage(t *testing.T) {
	for _, tc := range []struct {
		outage time.Duration
		want   error
	}{{5 * time.Second, nil}, {25 * time.Second, redlock.ErrNoQuorum}} {
		t.Run(tc.outage.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				nodes := redlocktest.NewNodes(3)
				holder := acquire(t, open(t, nodes), "k")
				time.AfterFunc(time.Second, func() { _ = holder.Release(context.Background()) })
				time.AfterFunc(500*time.Millisecond, func() {
					nodes[0].Kill()
					nodes[1].Kill()
				})
				time.AfterFunc(500*time.Millisecond+tc.outage, func() {
					nodes[0].ReviveEmpty()
					nodes[1].ReviveEmpty()
				})
				_, err := open(t, nodes).Acquire(t.Context(), "k")
				if !errors.Is(err, tc.want) {
					t.Errorf("Acquire = %v, want %v", err, tc.want)
				}
			})
		})
	}
}

// Many clients contend for one lock: each gets it, one at a time, and a vote that
// was split is settled (I8).
func TestContention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(5)
		for _, n := range nodes {
			n.Delay(time.Millisecond)
		}
		var clients sync.WaitGroup
		var mu sync.Mutex
		inside, rounds := 0, 0
		for range 10 {
			l := open(t, nodes)
			clients.Go(func() {
				for range 10 {
					err := l.Do(t.Context(), "k", func(context.Context, *redlock.Lease) error {
						mu.Lock()
						inside++
						rounds++
						if inside != 1 {
							t.Error("two holders at once")
						}
						mu.Unlock()
						time.Sleep(time.Millisecond)
						mu.Lock()
						inside--
						mu.Unlock()
						return nil
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		clients.Wait()
		if rounds != 100 {
			t.Errorf("%d rounds of 100", rounds)
		}
	})
}

func TestDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		nodes := redlocktest.NewNodes(3)
		l := open(t, nodes)
		failure := errors.New("no such order")
		err := l.Do(ctx, "k", func(ctx context.Context, lease *redlock.Lease) error {
			if token, _ := redlock.TokenFrom(ctx); token != lease.Token() {
				t.Errorf("TokenFrom = %d", token)
			}
			return failure
		})
		if !errors.Is(err, failure) {
			t.Errorf("Do = %v", err)
		}
		err = l.Do(ctx, "k", func(ctx context.Context, _ *redlock.Lease) error {
			for _, n := range nodes {
				n.Exec("FLUSHALL")
			}
			<-ctx.Done()
			return nil
		})
		if !errors.Is(err, redlock.ErrLost) {
			t.Errorf("Do with a lease that was lost = %v", err)
		}
		func() {
			defer func() { _ = recover() }()
			_ = l.Do(ctx, "k", func(context.Context, *redlock.Lease) error { panic("oh") })
		}()
		if _, err := l.TryAcquire(ctx, "k"); err != nil {
			t.Errorf("after a panic: %v", err)
		}
	})
}

// Close releases what is held, throws out who waits, and leaves nothing.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		l := open(t, nodes)
		lease := acquire(t, l, "k")
		waiter := make(chan error)
		go func() {
			_, err := l.Acquire(context.Background(), "k")
			waiter <- err
		}()
		time.Sleep(time.Second)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-waiter; !errors.Is(err, redlock.ErrClosed) {
			t.Errorf("the waiter got %v", err)
		}
		if err := context.Cause(lease.Context()); !errors.Is(err, redlock.ErrReleased) || !errors.Is(err, redlock.ErrClosed) {
			t.Errorf("cause: %v", err)
		}
		if got := keysOf(nodes); len(got) != 0 {
			t.Errorf("left on the nodes: %v", got)
		}
		if _, err := l.TryAcquire(context.Background(), "k"); !errors.Is(err, redlock.ErrClosed) {
			t.Errorf("TryAcquire after Close = %v", err)
		}
		if err := l.Close(); err != nil {
			t.Errorf("second Close = %v", err)
		}
	})
}

// A node that hangs for good costs a bounded number of goroutines, whatever the
// number of operations. The same against a real server stopped by a signal is in
// the rig.
func TestHungNodeIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		nodes := redlocktest.NewNodes(3)
		l := open(t, nodes)
		time.Sleep(time.Second)
		nodes[1].Freeze()
		most := 0
		for i := range 3000 {
			lease, err := l.Acquire(ctx, fmt.Sprint("k", i))
			if err != nil {
				t.Fatal(err)
			}
			if err := lease.Release(ctx); err != nil {
				t.Fatal(err)
			}
			most = max(most, runtime.NumGoroutine())
			time.Sleep(time.Millisecond)
		}
		if most > 200 {
			t.Errorf("%d goroutines", most)
		}
	})
}

// An attempt that was lost has given back what it got when the caller is told, so
// that the caller's next does not meet it.
func TestLostAttemptHasGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		l := open(t, nodes)
		for _, n := range nodes {
			n.Delay(time.Millisecond)
		}
		nodes[0].Exec("SET", "redlock:k", "of another", "PX", "10000")
		nodes[1].Exec("SET", "redlock:k", "of another", "PX", "10000")
		if _, err := l.TryAcquire(t.Context(), "k"); !errors.Is(err, redlock.ErrHeld) {
			t.Fatalf("TryAcquire = %v", err)
		}
		if got, ok := nodes[2].Get("redlock:k"); ok {
			t.Errorf("node 3 still has %q", got)
		}
	})
}
