package redlock_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/redlocktest"
	"github.com/redlock-go/redlock/resp"
)

// inspect is who holds the lock.
func inspect(t *testing.T, l *redlock.Locker, name string) redlock.Holder {
	t.Helper()
	in, err := l.Inspect(t.Context(), name)
	if err != nil || in.Holder == nil {
		t.Fatalf("%+v, %v", in, err)
	}
	return *in.Holder
}

func acquired(t *testing.T, l *redlock.Locker, name string, opts ...redlock.Option) *redlock.Lease {
	t.Helper()
	lease, err := l.Acquire(t.Context(), name, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return lease
}

// within waits for the lease's end and returns why, and fails the test if it took longer.
func within(t *testing.T, d time.Duration, lease *redlock.Lease) error {
	t.Helper()
	start := time.Now()
	<-lease.Context().Done()
	if took := time.Since(start); took > d {
		t.Errorf("it ended after %v, and not within %v", took, d)
	}
	return context.Cause(lease.Context())
}

// The evicted lease ends at the push, the one who waits has the lock, and all tokens are in
// order (F1, F2, F3).
func TestForceRelease(t *testing.T) {
	for _, n := range []int{1, 3, 5} {
		synctest.Test(t, func(t *testing.T) {
			nodes := redlocktest.NewNodes(n)
			for _, n := range nodes {
				n.Delay(time.Millisecond)
			}
			alice, bob, eve := open(t, nodes), open(t, nodes), open(t, nodes)
			lease := acquired(t, alice, "k")
			other := acquired(t, alice, "other")
			time.Sleep(time.Second)
			next := make(chan *redlock.Lease, 1)
			go func() { next <- acquired(t, bob, "k") }()
			time.Sleep(time.Second)

			seen := inspect(t, eve, "k")
			token, err := eve.ForceRelease(t.Context(), seen)
			if err != nil {
				t.Fatal(err)
			}
			cause := within(t, time.Millisecond, lease)
			if !errors.Is(cause, redlock.ErrEvicted) || !errors.Is(cause, redlock.ErrLost) || !strings.Contains(cause.Error(), "by "+t.Name()) {
				t.Errorf("the lease ended with %v", cause)
			}
			if err := lease.Release(t.Context()); !errors.Is(err, redlock.ErrEvicted) {
				t.Errorf("Release = %v", err)
			}
			if err := lease.Extend(t.Context()); !errors.Is(err, redlock.ErrEvicted) {
				t.Errorf("Extend = %v", err)
			}
			start := time.Now()
			second := <-next
			if took := time.Since(start); took > 5*time.Millisecond {
				t.Errorf("the next one waited for %v", took)
			}
			if lease.Token() >= token || token >= second.Token() {
				t.Errorf("tokens %d, %d, %d are not in order", lease.Token(), token, second.Token())
			}
			if other.Context().Err() != nil {
				t.Errorf("another lease ended too: %v", context.Cause(other.Context()))
			}

			// The newer holder is not hit, by whatever is known of the old one.
			time.Sleep(time.Second)
			_, err = eve.ForceRelease(t.Context(), seen)
			var held *redlock.HeldError
			if !errors.As(err, &held) || held.Holder != t.Name() || second.Context().Err() != nil {
				t.Errorf("a second time: %v; %v", err, second.Context().Err())
			}
			if err := second.Release(t.Context()); err != nil {
				t.Errorf("the newer holder lost it: %v", err)
			}
			if _, err = eve.ForceRelease(t.Context(), seen); !errors.Is(err, redlock.ErrNotHeld) {
				t.Errorf("a third time: %v", err)
			}
			if err := other.Release(t.Context()); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Millisecond) // a call returns at the majority
			if got := keysOf(nodes); len(got) != 0 {
				t.Errorf("left on the nodes: %v", got)
			}
		})
	}
}

// Without a push the lease ends at its next renewal, within a third of the TTL, as one
// that was lost; one that is not renewed, at its deadline.
func TestForceReleaseUnheard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		for _, n := range nodes {
			n.HookSubscribe(func(ctx context.Context, _ string, _ func(), _ func(string), _ func(context.Context, string, func(), func(string)) error) error {
				<-ctx.Done()
				return ctx.Err()
			})
		}
		alice, eve := open(t, nodes), open(t, nodes)
		renewed, once := acquired(t, alice, "k"), acquired(t, alice, "once", redlock.WithoutRenewal())
		for _, lease := range []*redlock.Lease{renewed, once} {
			time.Sleep(time.Second)
			name := strings.TrimPrefix(lease.Key(), "redlock:")
			deadline := lease.Deadline()
			if _, err := eve.ForceRelease(t.Context(), inspect(t, eve, name)); err != nil {
				t.Fatal(err)
			}
			most := 10*time.Second/3 + 50*time.Millisecond
			if lease == once {
				most = time.Until(deadline)
			}
			if cause := within(t, most, lease); !errors.Is(cause, redlock.ErrLost) || errors.Is(cause, redlock.ErrEvicted) {
				t.Errorf("it ended with %v", cause)
			}
		}
		time.Sleep(time.Second)
		if got := keysOf(nodes); len(got) != 0 {
			t.Errorf("left on the nodes: %v", got)
		}
	})
}

// With too few nodes nothing is done, if that is known before.
func TestForceReleaseOfAMinority(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		alice, eve := open(t, nodes), open(t, nodes)
		lease := acquired(t, alice, "k", redlock.WithoutRenewal())
		time.Sleep(time.Second)
		seen := inspect(t, eve, "k")
		nodes[0].Kill()
		nodes[1].Kill()
		if _, err := eve.ForceRelease(t.Context(), seen); !errors.Is(err, redlock.ErrNoQuorum) || !errors.Is(err, redlocktest.ErrDown) {
			t.Errorf("with two nodes dead: %v", err)
		}
		if _, ok := nodes[2].Get("redlock:k"); !ok || lease.Context().Err() != nil {
			t.Error("something was done")
		}
	})
}

// A node that lost its registers does not help to find a token above the holder's, whether it is
// known to have restarted or is just being found out.
func TestForceReleaseAsksNoAmnesiac(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		alice, eve := open(t, nodes), open(t, nodes)
		for _, n := range nodes { // its token is ahead of all clocks
			n.Exec("ZADD", "{redlock:k}:t", "5000000000000000", "t")
		}
		lease := acquired(t, alice, "k", redlock.WithoutRenewal())
		time.Sleep(time.Second)
		seen := inspect(t, eve, "k")
		nodes[0].Kill()
		nodes[0].ReviveEmpty()
		nodes[1].Kill()
		for range 2 {
			token, err := eve.ForceRelease(t.Context(), seen)
			if !errors.Is(err, redlock.ErrNoQuorum) || token != 0 || lease.Context().Err() != nil {
				t.Errorf("token %d, %v; the lease has %d", token, err, lease.Token())
			}
		}
		nodes[1].Revive()
		time.Sleep(12 * time.Second) // both vote again
		for _, n := range nodes {
			n.Exec("SET", seen.Key, "v", "PX", "1000")
		}
		if token, err := eve.ForceRelease(t.Context(), inspect(t, eve, "k")); err != nil || token <= lease.Token() {
			t.Errorf("token %d, %v; the old lease had %d", token, err, lease.Token())
		}
	})
}

// One of those who have slots is taken from, and the others keep theirs. Who waits has the slot, with a
// token above the one that is returned.
func TestForceReleaseOfASlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		alice, bob, eve := open(t, nodes), open(t, nodes), open(t, nodes)
		slot := func(l *redlock.Locker) *redlock.Lease {
			lease, err := l.AcquireSlot(t.Context(), "k", 2)
			if err != nil {
				t.Error(err)
			}
			return lease
		}
		first, second := slot(alice), slot(alice)
		alone := acquired(t, alice, "k") // of that name, and another thing
		time.Sleep(time.Second)
		next := make(chan *redlock.Lease, 1)
		go func() { next <- slot(bob) }()
		time.Sleep(time.Second)
		in, err := eve.Inspect(t.Context(), "k")
		if err != nil || len(in.Slots) != 2 {
			t.Fatalf("%+v, %v", in, err)
		}
		seen := in.Slots[first.Slot()].Holder()
		if _, err := eve.ForceRelease(t.Context(), redlock.Holder{Key: seen.Key, ID: seen.ID, Label: "slots"}); err == nil || !strings.Contains(err.Error(), "say which") {
			t.Errorf("all of them: %v", err)
		}
		token, err := eve.ForceRelease(t.Context(), seen)
		if err != nil {
			t.Fatal(err)
		}
		if cause := within(t, time.Millisecond, first); !errors.Is(cause, redlock.ErrEvicted) {
			t.Errorf("the lease ended with %v", cause)
		}
		third := <-next
		if third.Slot() != first.Slot() || first.Token() >= token || token >= third.Token() {
			t.Errorf("slot %d after %d; tokens %d, %d, %d", third.Slot(), first.Slot(), first.Token(), token, third.Token())
		}
		if _, err := eve.ForceRelease(t.Context(), seen); !errors.Is(err, redlock.ErrHeld) {
			t.Errorf("a second time: %v", err)
		}
		time.Sleep(20 * time.Second)
		for _, lease := range []*redlock.Lease{second, third, alone} {
			if err := lease.Release(t.Context()); err != nil {
				t.Errorf("slot %d: %v", lease.Slot(), err)
			}
		}
		if _, err := eve.ForceRelease(t.Context(), seen); !errors.Is(err, redlock.ErrNotHeld) {
			t.Errorf("a third time: %v", err)
		}
	})
}

// One of those who read is taken from, and the others read on. The writer that waits gets it after
// the last of them.
func TestForceReleaseOfAReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		alice, bob, eve := open(t, nodes), open(t, nodes), open(t, nodes)
		read := func() *redlock.Lease {
			lease, err := alice.AcquireRead(t.Context(), "k")
			if err != nil {
				t.Fatal(err)
			}
			return lease
		}
		first, second := read(), read()
		time.Sleep(time.Second)
		next := make(chan *redlock.Lease, 1)
		go func() { next <- acquired(t, bob, "k") }()
		time.Sleep(time.Second)
		in, err := eve.Inspect(t.Context(), "k")
		if err != nil || len(in.Readers) != 2 {
			t.Fatalf("%+v, %v", in, err)
		}
		if _, err := eve.ForceRelease(t.Context(), *in.Holder); err == nil || !strings.Contains(err.Error(), "say which") {
			t.Errorf("all of them: %v", err)
		}
		// Whose is whose their values do not say: the first that ends is the one.
		token, err := eve.ForceRelease(t.Context(), in.Readers[0].Holder())
		if err != nil || token <= first.Token() || token <= second.Token() {
			t.Fatalf("token %d, after %d and %d; %v", token, first.Token(), second.Token(), err)
		}
		evicted, other := first, second
		select {
		case <-first.Context().Done():
		case <-second.Context().Done():
			evicted, other = second, first
		}
		if cause := context.Cause(evicted.Context()); !errors.Is(cause, redlock.ErrEvicted) {
			t.Errorf("the lease ended with %v", cause)
		}
		if _, err := eve.ForceRelease(t.Context(), in.Readers[0].Holder()); !errors.Is(err, redlock.ErrNotHeld) {
			t.Errorf("a second time: %v", err)
		}
		time.Sleep(20 * time.Second)
		if err := other.Context().Err(); err != nil || len(next) > 0 {
			t.Fatalf("the other reader: %v; %d writers have it", context.Cause(other.Context()), len(next))
		}
		if err := other.Release(t.Context()); err != nil {
			t.Error(err)
		}
		start := time.Now()
		writer := <-next
		if took := time.Since(start); took > time.Millisecond || writer.Token() <= token {
			t.Errorf("the writer waited for %v, and has token %d after %d", took, writer.Token(), token)
		}
		if _, err := eve.ForceRelease(t.Context(), in.Readers[1].Holder()); !errors.Is(err, redlock.ErrHeld) || writer.Context().Err() != nil {
			t.Errorf("after the writer came: %v", err)
		}
	})
}

// If it turns out when it is half done, a push from the node that was reached ends the lease all the
// same, and the others are freed when they answer again.
func TestForceReleaseHalfDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		alice, eve := open(t, nodes), open(t, nodes)
		lease := acquired(t, alice, "k", redlock.WithoutRenewal())
		time.Sleep(time.Second)
		seen := inspect(t, eve, "k")
		for _, n := range nodes[:2] {
			n.Hook(freezeAfterLook(n))
		}
		_, err := eve.ForceRelease(t.Context(), seen)
		var q *redlock.QuorumError
		if !errors.As(err, &q) || q.Op != "evict" || q.Got != 1 || q.Need != 2 || len(q.Nodes) != 2 {
			t.Errorf("with two nodes silent: %v", err)
		}
		if cause := within(t, time.Millisecond, lease); !errors.Is(cause, redlock.ErrEvicted) {
			t.Errorf("it ended with %v", cause)
		}
		for _, n := range nodes[:2] {
			n.Hook(nil)
			n.Thaw()
		}
		time.Sleep(time.Second)
		if got := keysOf(nodes); len(got) != 0 {
			t.Errorf("left on the nodes: %v", got)
		}
	})
}

// freezeAfterLook freezes the node behind the next batch that asks for a register.
func freezeAfterLook(n *redlocktest.Node) redlocktest.Hook {
	return func(ctx context.Context, batch []resp.Command, next func(context.Context, []resp.Command) ([]resp.Reply, error)) ([]resp.Reply, error) {
		replies, err := next(ctx, batch)
		if batch[0][0] == "ZSCORE" {
			n.Freeze()
		}
		return replies, err
	}
}

// The holder may be one of another library, which cannot be told; a made-up one is refused.
func TestForceReleaseOfAStranger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		l := open(t, nodes)
		for _, n := range nodes {
			n.Exec("SET", "redlock:k", "some\x00value", "PX", "60000")
		}
		next := make(chan *redlock.Lease, 1)
		go func() { next <- acquired(t, l, "k") }()
		time.Sleep(time.Second)
		seen := inspect(t, l, "k")
		if !seen.Foreign || seen.Label != "another client" || !strings.HasPrefix(seen.ID, "other-") || !seen.Since.IsZero() {
			t.Errorf("seen %+v", seen)
		}
		token, err := l.ForceRelease(t.Context(), seen)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		lease := <-next
		if took := time.Since(start); took > 150*time.Millisecond || lease.Token() <= token {
			t.Errorf("the next one waited for %v, tokens %d, %d", took, token, lease.Token())
		}
		if _, err := l.ForceRelease(t.Context(), redlock.Holder{Key: "redlock:k", ID: seen.ID}); err == nil || lease.Context().Err() != nil {
			t.Errorf("with a holder that nobody has shown: %v", err)
		}
	})
}

// One lock of several is taken: the lease is over as a whole, pushed or not.
func TestForceReleaseOfOneOfSeveral(t *testing.T) {
	for _, deaf := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			nodes := redlocktest.NewNodes(3)
			if deaf {
				for _, n := range nodes {
					n.HookSubscribe(func(ctx context.Context, _ string, _ func(), _ func(string), _ func(context.Context, string, func(), func(string)) error) error {
						<-ctx.Done()
						return ctx.Err()
					})
				}
			}
			alice, eve := open(t, nodes), open(t, nodes)
			lease, err := alice.AcquireAll(t.Context(), []string{"a", "b"})
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			token, err := eve.ForceRelease(t.Context(), inspect(t, eve, "b"))
			if err != nil || token <= lease.Token() {
				t.Fatalf("token %d, the lease has %d, %v", token, lease.Token(), err)
			}
			cause := within(t, 10*time.Second/3+50*time.Millisecond, lease)
			if errors.Is(cause, redlock.ErrEvicted) == deaf || !errors.Is(cause, redlock.ErrLost) {
				t.Errorf("deaf %t: it ended with %v", deaf, cause)
			}
			time.Sleep(time.Second)
			if got := keysOf(nodes); len(got) != 0 {
				t.Errorf("left on the nodes: %v", got)
			}
		})
	}
}

// A process that holds locks for moments does not listen; one that holds one for longer does,
// by one subscription a node, however many it holds.
func TestWhoListens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		l := open(t, nodes)
		listening := func() int {
			return len(nodes[0].Exec("PUBSUB", "CHANNELS", "redlock:wake:*").Items)
		}
		for range 100 {
			lease := acquired(t, l, "k")
			time.Sleep(10 * time.Millisecond)
			_ = lease.Release(t.Context())
		}
		if n := listening(); n != 0 {
			t.Errorf("%d channels, for leases that last 10ms", n)
		}
		for _, name := range []string{"a", "b", "c"} {
			acquired(t, l, name)
		}
		time.Sleep(300 * time.Millisecond)
		if n := listening(); n != 1 {
			t.Errorf("%d channels, for leases that last", n)
		}
	})
}
