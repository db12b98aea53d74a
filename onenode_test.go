package redlock_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/redlocktest"
)

// TestOneNode: most users begin with a single server, and everything works there.
func TestOneNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		nodes := redlocktest.NewNodes(1)
		a, b := open(t, nodes), open(t, nodes)

		lease, err := a.Acquire(ctx, "x")
		ok(t, err)
		next := make(chan *redlock.Lease)
		go func() {
			l, err := b.Acquire(ctx, "x")
			if err != nil {
				t.Error(err)
			}
			next <- l
		}()
		time.Sleep(2 * redlock.DefaultTTL) // renewed, and waited for
		ok(t, lease.Release(ctx))
		second := <-next
		if second.Token() <= lease.Token() {
			t.Errorf("token %d after %d", second.Token(), lease.Token())
		}

		text, err := second.Handoff()
		ok(t, err)
		third, err := a.Resume(ctx, text)
		ok(t, err)
		ok(t, third.Release(ctx))

		set, err := a.AcquireAll(ctx, []string{"x", "y"})
		ok(t, err)
		if _, err := b.TryAcquire(ctx, "y"); !errors.Is(err, redlock.ErrHeld) {
			t.Errorf("one of a set: %v", err)
		}
		ok(t, set.Release(ctx))

		// What is lost: the node comes back empty, and with it the lock, for the time of one
		// quarantine.
		held, err := a.Acquire(ctx, "x")
		ok(t, err)
		nodes[0].ReviveEmpty()
		back := time.Now()
		<-held.Context().Done()
		for {
			lease, err = b.TryAcquire(ctx, "x")
			if err == nil {
				break
			}
			if !errors.Is(err, redlock.ErrNoQuorum) && !errors.Is(err, redlock.ErrHeld) || time.Since(back) > 3*redlock.DefaultTTL {
				t.Fatalf("%v after the node came back: %v", time.Since(back), err)
			}
			time.Sleep(time.Second)
		}
		if after := time.Since(back); after < redlock.DefaultTTL {
			t.Errorf("a node that has forgotten what it granted grants again after %v", after)
		}
		ok(t, lease.Release(ctx))
	})
}
