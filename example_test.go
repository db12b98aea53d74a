package redlock_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/redlocktest"
)

// newLocker stands for
//
//	nodes, err := goredis.OpenAll("redis://a:6379", "redis://b:6379", "redis://c:6379")
//	locker, err := redlock.New(redlock.Config{Nodes: nodes})
//
// on nodes in memory, so that the examples run anywhere, also where the machine is busy
// for longer than a node is waited for by default.
func newLocker(nodes redlocktest.Nodes, owner string) *redlock.Locker {
	locker, err := redlock.New(redlock.Config{Nodes: nodes.Connect(), NodeTimeout: 2 * time.Second, Owner: owner, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		panic(err)
	}
	return locker
}

func Example() {
	locker := newLocker(redlocktest.NewNodes(3), "example")
	defer locker.Close()

	err := locker.Do(context.Background(), "orders/42", func(ctx context.Context, lease *redlock.Lease) error {
		fmt.Println("alone with", lease.Key())
		return ctx.Err() // ctx ends no later than the lease does
	})
	fmt.Println(err)
	// Output:
	// alone with redlock:orders/42
	// <nil>
}

func ExampleNew() {
	locker, err := redlock.New(redlock.Config{
		Nodes: redlocktest.NewNodes(5).Connect(),
		TTL:   30 * time.Second,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer locker.Close()

	_, err = redlock.New(redlock.Config{TTL: time.Millisecond, Nodes: redlocktest.NewNodes(3).Connect()})
	fmt.Println(err != nil)
	// Output: true
}

func ExampleLocker_Acquire() {
	locker := newLocker(redlocktest.NewNodes(3), "example")
	defer locker.Close()

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	lease, err := locker.Acquire(ctx, "nightly-report")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer lease.Release(ctx)
	fmt.Println(lease.Key(), lease.Context().Err())
	// Output: redlock:nightly-report <nil>
}

func ExampleLocker_TryAcquire() {
	nodes := redlocktest.NewNodes(3)
	alice, bob := newLocker(nodes, "alice"), newLocker(nodes, "bob")
	defer alice.Close()
	defer bob.Close()
	ctx := context.Background()

	lease, _ := alice.TryAcquire(ctx, "migration")
	_, err := bob.TryAcquire(ctx, "migration")
	var held *redlock.HeldError
	if errors.As(err, &held) {
		fmt.Println("held by", held.Holder)
	}
	_ = lease.Release(ctx)
	_, err = bob.TryAcquire(ctx, "migration")
	fmt.Println(err)
	// Output:
	// held by alice
	// <nil>
}

func ExampleLocker_Do() {
	locker := newLocker(redlocktest.NewNodes(3), "example")
	defer locker.Close()

	err := locker.Do(context.Background(), "invoices", func(ctx context.Context, lease *redlock.Lease) error {
		select {
		case <-time.After(10 * time.Millisecond): // the work
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}, redlock.WithMaxHold(time.Hour))
	fmt.Println(err)
	// Output: <nil>
}

func ExampleLocker_Close() {
	locker := newLocker(redlocktest.NewNodes(3), "example")
	lease, _ := locker.Acquire(context.Background(), "k")
	fmt.Println(locker.Close())
	fmt.Println(errors.Is(context.Cause(lease.Context()), redlock.ErrReleased))
	// Output:
	// <nil>
	// true
}

func ExampleLease_Context() {
	nodes := redlocktest.NewNodes(3)
	locker := newLocker(nodes, "example")
	defer locker.Close()

	lease, _ := locker.Acquire(context.Background(), "k")
	for _, n := range nodes {
		n.Exec("FLUSHALL") // somebody wipes the nodes
	}
	_ = lease.Extend(context.Background())
	<-lease.Context().Done()
	fmt.Println(errors.Is(context.Cause(lease.Context()), redlock.ErrLost))
	// Output: true
}

func ExampleLease_Key() {
	locker := newLocker(redlocktest.NewNodes(3), "example")
	defer locker.Close()
	lease, _ := locker.Acquire(context.Background(), "orders/42")
	fmt.Println(lease.Key())
	// Output: redlock:orders/42
}

func ExampleLease_Token() {
	locker := newLocker(redlocktest.NewNodes(3), "example")
	defer locker.Close()
	ctx := context.Background()

	first, _ := locker.Acquire(ctx, "k")
	_ = first.Release(ctx)
	second, _ := locker.Acquire(ctx, "k")
	fmt.Println(second.Token() > first.Token())
	// Output: true
}

func ExampleLease_Deadline() {
	locker := newLocker(redlocktest.NewNodes(3), "example")
	defer locker.Close()
	lease, _ := locker.Acquire(context.Background(), "k")
	fmt.Println(time.Until(lease.Deadline()).Round(time.Second))
	// Output: 10s
}

func ExampleLease_Extend() {
	locker := newLocker(redlocktest.NewNodes(3), "example")
	defer locker.Close()
	ctx := context.Background()

	lease, _ := locker.Acquire(ctx, "k", redlock.WithoutRenewal())
	before := lease.Deadline()
	fmt.Println(lease.Extend(ctx), lease.Deadline().After(before))
	// Output: <nil> true
}

func ExampleLease_Release() {
	locker := newLocker(redlocktest.NewNodes(3), "example")
	defer locker.Close()
	ctx, cancel := context.WithCancel(context.Background())

	lease, _ := locker.Acquire(ctx, "k")
	cancel() // the request is over
	fmt.Println(lease.Release(ctx))
	fmt.Println(lease.Release(ctx)) // idempotent
	// Output:
	// <nil>
	// <nil>
}

func ExampleTokenFrom() {
	locker := newLocker(redlocktest.NewNodes(3), "example")
	defer locker.Close()
	_ = locker.Do(context.Background(), "k", func(ctx context.Context, lease *redlock.Lease) error {
		token, ok := redlock.TokenFrom(ctx) // deep in the code that writes
		fmt.Println(token == lease.Token(), ok)
		return nil
	})
	// Output: true true
}

func ExampleWithMaxHold() {
	locker := newLocker(redlocktest.NewNodes(3), "example")
	defer locker.Close()
	lease, _ := locker.Acquire(context.Background(), "k", redlock.WithMaxHold(50*time.Millisecond))
	<-lease.Context().Done()
	fmt.Println(errors.Is(context.Cause(lease.Context()), redlock.ErrLost))
	// Output: true
}

func ExampleWithoutRenewal() {
	locker := newLocker(redlocktest.NewNodes(3), "example")
	defer locker.Close()
	lease, _ := locker.Acquire(context.Background(), "k", redlock.WithoutRenewal())
	fmt.Println(time.Until(lease.Deadline()) < 10*time.Second) // and no longer
	// Output: true
}

func ExampleWithOnWait() {
	nodes := redlocktest.NewNodes(3)
	alice, bob := newLocker(nodes, "alice"), newLocker(nodes, "bob")
	defer alice.Close()
	defer bob.Close()
	lease, _ := alice.Acquire(context.Background(), "k")

	ctx, cancel := context.WithCancel(context.Background())
	_, err := bob.Acquire(ctx, "k", redlock.WithOnWait(func(err error) {
		var held *redlock.HeldError
		if errors.As(err, &held) {
			fmt.Println("waiting for", held.Holder)
		}
		cancel()
	}))
	fmt.Println(errors.Is(err, context.Canceled), errors.Is(err, redlock.ErrHeld))
	_ = lease.Release(context.Background())
	// Output:
	// waiting for alice
	// true true
}

func ExampleConfig_String() {
	fmt.Println(redlock.Config{Nodes: redlocktest.NewNodes(1).Connect(), TTL: time.Second, Owner: "me"})
	// Output:
	// redlock.Config{Nodes: [n1], TTL: 1s, NodeTimeout: 0s, Prefix: "", Owner: "me", LongestTTL: 0s, Durable: false, HandOvers: 0, Shared: false, TokenRetention: 0s}
}

func ExampleLocker_AcquireAll() {
	locker := newLocker(redlocktest.NewNodes(3), "example")
	defer locker.Close()
	ctx := context.Background()

	// Two accounts at once. Somebody who takes them the other way round waits, and
	// nobody waits for ever.
	lease, err := locker.AcquireAll(ctx, []string{"account/7", "account/3"})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = locker.TryAcquire(ctx, "account/3")
	fmt.Println(errors.Is(err, redlock.ErrHeld), lease.Keys())
	fmt.Println(lease.Release(ctx))
	// Output:
	// true [redlock:account/7 redlock:account/3]
	// <nil>
}

func ExampleLocker_TryAcquireAll() {
	locker := newLocker(redlocktest.NewNodes(3), "example")
	defer locker.Close()
	ctx := context.Background()

	lease, err := locker.Acquire(ctx, "account/3")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = locker.TryAcquireAll(ctx, []string{"account/7", "account/3"})
	var held *redlock.HeldError
	fmt.Println(errors.As(err, &held), held.Key)
	fmt.Println(lease.Release(ctx))
	// Output:
	// true redlock:account/3
	// <nil>
}

func ExampleLease_Keys() {
	locker := newLocker(redlocktest.NewNodes(3), "example")
	defer locker.Close()
	lease, err := locker.AcquireAll(context.Background(), []string{"b", "a"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(lease.Keys())
	fmt.Println(lease.Release(context.Background()))
	// Output:
	// [redlock:b redlock:a]
	// <nil>
}
