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

func acquire(t *testing.T, l *redlock.Locker, name string, opts ...redlock.Option) *redlock.Lease {
	t.Helper()
	lease, err := l.Acquire(t.Context(), name, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return lease
}

// A lease is renewed for as long as it is held, and keeps its token.
func TestRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(5)
		l := open(t, nodes)
		lease := acquire(t, l, "k")
		token := lease.Token()
		time.Sleep(time.Minute)
		if err := lease.Context().Err(); err != nil {
			t.Fatalf("after a minute: %v", context.Cause(lease.Context()))
		}
		if left := time.Until(lease.Deadline()); left < 6*time.Second {
			t.Errorf("deadline in %v", left)
		}
		if lease.Token() != token {
			t.Errorf("token changed from %d to %d", token, lease.Token())
		}
		if err := lease.Release(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A renewal that fails is tried again until the deadline: an outage shorter than
// that costs nothing.
func TestRenewalRidesOutAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(5)
		lease := acquire(t, open(t, nodes), "k")
		time.Sleep(3 * time.Second)
		for _, n := range nodes {
			n.FailNext(1000, errors.New("connection reset by peer"))
		}
		time.Sleep(5 * time.Second)
		for _, n := range nodes {
			n.FailNext(0, nil)
		}
		time.Sleep(20 * time.Second)
		if lease.Context().Err() != nil {
			t.Fatalf("lost: %v", context.Cause(lease.Context()))
		}
	})
}

// RU-1 in virtual time: the nodes hang, so that no renewal ever ends. The lease
// ends at its deadline all the same.
func TestHangingRenewalDoesNotHoldTheDeadlineBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		lease := acquire(t, open(t, nodes), "k")
		time.Sleep(4 * time.Second) // renewed once
		deadline := lease.Deadline()
		for _, n := range nodes {
			n.Freeze()
		}
		<-lease.Context().Done()
		if late := time.Since(deadline); late > 0 {
			t.Errorf("the context ended %v after the deadline", late)
		}
		err := context.Cause(lease.Context())
		if !errors.Is(err, redlock.ErrLost) || !errors.Is(err, redlock.ErrNoQuorum) || !strings.Contains(err.Error(), "n2") {
			t.Errorf("cause: %v", err)
		}
	})
}

// Nodes that lost the key do not vote for an extension (I9), and are repaired.
func TestExtendNeedsNodesThatRetainedTheKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		nodes := redlocktest.NewNodes(5)
		lease := acquire(t, open(t, nodes), "k", redlock.WithoutRenewal())
		synctest.Wait()
		value, _ := nodes[0].Get("redlock:k")

		nodes[0].Exec("DEL", "redlock:k")
		nodes[1].Exec("DEL", "redlock:k")
		if err := lease.Extend(ctx); err != nil {
			t.Fatalf("with three nodes that retained the key: %v", err)
		}
		synctest.Wait()
		for i, n := range nodes {
			if got, _ := n.Get("redlock:k"); got != value {
				t.Errorf("node %d holds %q after the repair", i+1, got)
			}
		}
		// The two that were repaired do not vote before a round succeeded
		// without them: now two of the others lose the key as well.
		nodes[2].Exec("DEL", "redlock:k")
		nodes[3].Exec("DEL", "redlock:k")
		err := lease.Extend(ctx)
		if !errors.Is(err, redlock.ErrLost) {
			t.Errorf("continuity was forged: Extend = %v", err)
		}
		if cause := context.Cause(lease.Context()); !errors.Is(cause, redlock.ErrLost) {
			t.Errorf("cause: %v", cause)
		}
		synctest.Wait()
		if got := keysOf(nodes); len(got) != 0 {
			t.Errorf("left on the nodes: %v", got)
		}
	})
}

// The nodes lose their data one after another: the lease survives by repair.
func TestRepairCarriesALeaseOverRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(5)
		lease := acquire(t, open(t, nodes), "k")
		other := open(t, nodes)
		for _, n := range nodes {
			time.Sleep(11 * time.Second)
			n.Kill()
			time.Sleep(100 * time.Millisecond)
			n.ReviveEmpty()
			if _, err := other.TryAcquire(t.Context(), "k"); !errors.Is(err, redlock.ErrHeld) {
				t.Errorf("somebody else got in: %v", err)
			}
		}
		time.Sleep(11 * time.Second)
		if lease.Context().Err() != nil {
			t.Fatalf("lost: %v", context.Cause(lease.Context()))
		}
		if got := len(keysOf(nodes)); got != 5 {
			t.Errorf("%d nodes hold the key", got)
		}
	})
}

func TestMaxHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		l := open(t, nodes)
		start := time.Now()
		lease := acquire(t, l, "k", redlock.WithMaxHold(25*time.Second))
		<-lease.Context().Done()
		if took := time.Since(start).Round(time.Millisecond); took != 25*time.Second {
			t.Errorf("held for %v", took)
		}
		if err := context.Cause(lease.Context()); !errors.Is(err, redlock.ErrLost) || !strings.Contains(err.Error(), "max hold") {
			t.Errorf("cause: %v", err)
		}
		synctest.Wait()
		if got := keysOf(nodes); len(got) != 0 {
			t.Errorf("left on the nodes: %v", got)
		}
	})
}

// When the parent context ends, so does the lease's, and the lease is not renewed
// any more.
func TestParentContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		l := open(t, nodes)
		parent, cancel := context.WithCancelCause(t.Context())
		lease, err := l.Acquire(parent, "k")
		if err != nil {
			t.Fatal(err)
		}
		why := errors.New("the job was stopped")
		cancel(why)
		<-lease.Context().Done()
		if got := context.Cause(lease.Context()); !errors.Is(got, why) {
			t.Errorf("cause: %v", got)
		}
		time.Sleep(5 * time.Second)
		if got := len(keysOf(nodes)); got != 3 {
			t.Errorf("%d keys: the lease itself goes on until its deadline", got)
		}
		time.Sleep(6 * time.Second)
		if got := keysOf(nodes); len(got) != 0 {
			t.Errorf("renewed though nobody needs it: %v", got)
		}
	})
}

// Release works although the caller's context is over.
func TestReleaseAfterTheContextEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		l := open(t, nodes)
		ctx, cancel := context.WithCancel(t.Context())
		lease, err := l.Acquire(ctx, "k")
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if err := lease.Release(ctx); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := keysOf(nodes); len(got) != 0 {
			t.Errorf("left on the nodes: %v", got)
		}
	})
}

// A lease whose keys were taken from under it is reported at release.
func TestReleaseOfALeaseThatWasGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		lease := acquire(t, open(t, nodes), "k", redlock.WithoutRenewal())
		synctest.Wait()
		nodes[0].Exec("DEL", "redlock:k")
		nodes[1].Exec("SET", "redlock:k", "of another", "PX", "10000")
		if err := lease.Release(t.Context()); !errors.Is(err, redlock.ErrLost) {
			t.Errorf("Release = %v", err)
		}
		synctest.Wait()
		if got, _ := nodes[1].Get("redlock:k"); got != "of another" {
			t.Errorf("another's key was removed: %q", got)
		}
	})
}

func TestReleaseWithoutAQuorum(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		lease := acquire(t, open(t, nodes), "k")
		synctest.Wait()
		nodes[0].Kill()
		nodes[2].Freeze()
		start := time.Now()
		err := lease.Release(t.Context())
		var quorum *redlock.QuorumError
		if !errors.As(err, &quorum) || quorum.Op != "release" || quorum.Need != 2 || quorum.Got != 1 || len(quorum.Nodes) != 2 {
			t.Fatalf("Release = %#v", err)
		}
		if took := time.Since(start); took > 50*time.Millisecond {
			t.Errorf("Release took %v", took)
		}
		if !errors.Is(err, redlocktest.ErrDown) {
			t.Errorf("the node's own cause is lost: %v", err)
		}
		// What is owed is paid when the node is back.
		nodes[2].Thaw()
		nodes[0].Revive()
		time.Sleep(time.Second)
		if got := keysOf(nodes); len(got) != 0 {
			t.Errorf("left on the nodes: %v", got)
		}
	})
}

// The registers of the nodes disagree, and those that A and B have in common is
// one: increment-and-max would give B a token below A's.
func TestTokensGrowAcrossQuorums(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		far := time.Now().Add(time.Hour).UnixMicro() // another client's clock is ahead
		nodes[1].Exec("ZADD", "{redlock:k}:t", "GT", "CH", resp.OfInt(far).String(), "t")
		nodes[2].Kill()
		a := acquire(t, open(t, nodes), "k")
		if a.Token() <= uint64(far) {
			t.Errorf("token %d, but node 2 has seen %d", a.Token(), far)
		}
		if err := a.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		nodes[2].Revive()
		time.Sleep(12 * time.Second) // its quarantine
		nodes[1].Kill()              // the majority that knows the high token is down to node 1
		b := acquire(t, open(t, nodes), "k")
		if b.Token() <= a.Token() {
			t.Errorf("token %d after %d", b.Token(), a.Token())
		}
	})
}

// A register that was spoiled makes the acquisition fail, and says so.
func TestTokensAtTheirEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		for _, n := range nodes {
			n.Exec("ZADD", "{redlock:k}:t", "9007199254740992", "t")
		}
		_, err := open(t, nodes).Acquire(t.Context(), "k")
		if !errors.Is(err, redlock.ErrNoQuorum) || !strings.Contains(err.Error(), "2^53") {
			t.Errorf("Acquire = %v", err)
		}
		synctest.Wait()
		if got := keysOf(nodes); len(got) != 0 {
			t.Errorf("left on the nodes: %v", got)
		}
	})
}
