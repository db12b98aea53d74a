package redlock_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/redlocktest"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// open returns a locker on the nodes, closed with the test.
func open(t *testing.T, nodes redlocktest.Nodes, change ...func(*redlock.Config)) *redlock.Locker {
	t.Helper()
	cfg := redlock.Config{Nodes: nodes.Connect(), Logger: quiet, Owner: t.Name()}
	for _, f := range change {
		f(&cfg)
	}
	l, err := redlock.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// keysOf lists what is on the nodes but registers of tokens.
func keysOf(nodes redlocktest.Nodes) []string {
	var keys []string
	for _, n := range nodes {
		for _, k := range n.Keys() {
			if !strings.HasPrefix(k, "{") {
				keys = append(keys, k)
			}
		}
	}
	return keys
}

func TestAcquireReleaseCycle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		nodes := redlocktest.NewNodes(5)
		a, b := open(t, nodes), open(t, nodes)

		first, err := a.Acquire(ctx, "orders/42")
		if err != nil {
			t.Fatal(err)
		}
		if got := first.Key(); got != "redlock:orders/42" {
			t.Errorf("Key() = %q", got)
		}
		if left := time.Until(first.Deadline()); left <= 9*time.Second || left > 9898*time.Millisecond {
			t.Errorf("Deadline() is %v away, want TTL - TTL/100 - 2 ms", left)
		}
		synctest.Wait()
		if got := keysOf(nodes); len(got) != 5 {
			t.Fatalf("keys on the nodes: %v", got)
		}

		_, err = b.TryAcquire(ctx, "orders/42")
		var heldErr *redlock.HeldError
		if !errors.As(err, &heldErr) || !errors.Is(err, redlock.ErrHeld) || errors.Is(err, redlock.ErrNoQuorum) {
			t.Fatalf("TryAcquire of a held lock: %v", err)
		}
		if heldErr.Holder != t.Name() || heldErr.Remaining <= 9*time.Second || heldErr.Remaining > 10*time.Second {
			t.Errorf("HeldError = %+v", heldErr)
		}

		if err := first.Release(ctx); err != nil {
			t.Fatal(err)
		}
		if err := context.Cause(first.Context()); !errors.Is(err, redlock.ErrReleased) {
			t.Errorf("cause after Release: %v", err)
		}
		if err := first.Release(ctx); err != nil {
			t.Errorf("second Release: %v", err)
		}
		if err := first.Extend(ctx); !errors.Is(err, redlock.ErrNotHeld) {
			t.Errorf("Extend after Release: %v", err)
		}
		second, err := b.TryAcquire(ctx, "orders/42")
		if err != nil {
			t.Fatal(err)
		}
		if second.Token() <= first.Token() {
			t.Errorf("token %d after %d", second.Token(), first.Token())
		}
		if token, ok := redlock.TokenFrom(second.Context()); !ok || token != second.Token() {
			t.Errorf("TokenFrom = %d, %t", token, ok)
		}
		if err := second.Release(ctx); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := keysOf(nodes); len(got) != 0 {
			t.Errorf("left on the nodes: %v", got)
		}
	})
}

// A waiter gets the lock soon after it is released, and at the end of a crashed
// holder's TTL.
func TestAcquireWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		nodes := redlocktest.NewNodes(3)
		a, b := open(t, nodes), open(t, nodes)
		holder, err := a.Acquire(ctx, "k")
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Second, func() { _ = holder.Release(ctx) })
		start := time.Now()
		waits := 0
		next, err := b.Acquire(ctx, "k", redlock.WithOnWait(func(err error) {
			waits++
			if !errors.Is(err, redlock.ErrHeld) {
				t.Errorf("waiting for %v", err)
			}
		}))
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < time.Second || took > 1005*time.Millisecond {
			t.Errorf("took the lock after %v, it was released after 1s", took)
		}
		if waits == 0 || waits > 2 {
			t.Errorf("it asked %d times for a lock that was held: once, and once more to stand in the queues", waits)
		}
		_ = next.Release(ctx)

		// A crashed holder, of another library at that: its key is there, and
		// nobody renews it.
		for _, n := range nodes {
			n.Exec("SET", "redlock:k", "a value of another library", "NX", "PX", "10000")
		}
		start = time.Now()
		next, err = b.Acquire(ctx, "k", redlock.WithOnWait(func(err error) {
			if !strings.Contains(err.Error(), "another client") {
				t.Errorf("waiting for %v", err)
			}
		}))
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < 10*time.Second || took > 10*time.Second+5*time.Millisecond {
			t.Errorf("took over a crashed holder's lock after %v, want its TTL", took)
		}
		_ = next.Release(ctx)
	})
}

// A lease that is not renewed ends at its deadline, and says so.
func TestLeaseEndsAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		nodes := redlocktest.NewNodes(3)
		start := time.Now()
		lease, err := open(t, nodes).Acquire(ctx, "k", redlock.WithoutRenewal())
		if err != nil {
			t.Fatal(err)
		}
		<-lease.Context().Done()
		if took := time.Since(start); took != 9898*time.Millisecond {
			t.Errorf("the context ended after %v, want TTL - TTL/100 - 2 ms", took)
		}
		if err := context.Cause(lease.Context()); !errors.Is(err, redlock.ErrLost) {
			t.Errorf("cause: %v", err)
		}
		if err := lease.Extend(ctx); !errors.Is(err, redlock.ErrLost) {
			t.Errorf("Extend: %v", err)
		}
		if err := lease.Release(ctx); !errors.Is(err, redlock.ErrLost) {
			t.Errorf("Release: %v", err)
		}
		synctest.Wait()
		if got := keysOf(nodes); len(got) != 0 {
			t.Errorf("left on the nodes: %v", got)
		}
	})
}

// Very many that give up at once, each with a place in the nodes' queues to leave, keep
// nobody from taking another lock.
func TestManyLeaveTheQueues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 4500
		nodes := redlocktest.NewNodes(3)
		a, b := open(t, nodes), open(t, nodes)
		for i := range many {
			if _, err := a.Acquire(t.Context(), strconv.Itoa(i), redlock.WithoutRenewal()); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for i := range many {
			all.Go(func() { _, _ = b.Acquire(ctx, strconv.Itoa(i)) })
		}
		time.Sleep(time.Second)
		for _, n := range nodes {
			n.Delay(10 * time.Millisecond)
		}
		cancel()
		all.Wait()
		lease, err := b.Acquire(t.Context(), "another")
		if err != nil {
			t.Fatal(err)
		}
		_ = lease.Release(t.Context())
	})
}
