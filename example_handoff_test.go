package redlock_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/redlocktest"
)

func ExampleLease_Handoff() {
	nodes := redlocktest.NewNodes(3)
	before, after := newLocker(nodes, "the old process"), newLocker(nodes, "the new one")
	defer after.Close()
	ctx := context.Background()

	lease, _ := before.Acquire(ctx, "deploy")
	text, err := lease.Handoff() // keep it in a file that only its user may read
	fmt.Println(err, errors.Is(context.Cause(lease.Context()), redlock.ErrHandedOver))
	_ = before.Close() // the key stays on the nodes

	resumed, err := after.Resume(ctx, text)
	fmt.Println(err, resumed.Key(), resumed.Token() == lease.Token())
	_ = resumed.Release(ctx)
	// Output:
	// <nil> true
	// <nil> redlock:deploy true
}

func ExampleLocker_Resume() {
	nodes := redlocktest.NewNodes(3)
	locker := newLocker(nodes, "example")
	defer locker.Close()
	ctx := context.Background()

	lease, _ := locker.Acquire(ctx, "k")
	text, _ := lease.Handoff()
	_, err := locker.TryAcquire(ctx, "k")
	fmt.Println("on its way:", errors.Is(err, redlock.ErrHeld))

	lease, _ = locker.Resume(ctx, text, redlock.WithMaxHold(time.Hour))
	_, err = locker.Resume(ctx, text) // a text serves once
	fmt.Println("again:", errors.Is(err, redlock.ErrLost))
	fmt.Println(lease.Release(ctx))
	// Output:
	// on its way: true
	// again: true
	// <nil>
}

func ExampleLocker_Prolong() {
	locker := newLocker(redlocktest.NewNodes(3), "example")
	defer locker.Close()
	ctx := context.Background()

	lease, _ := locker.Acquire(ctx, "k")
	text, _ := lease.Handoff()
	// Nobody's process holds it now; whoever has the text can have it live on.
	until, err := locker.Prolong(ctx, text)
	fmt.Println(err, time.Until(until).Round(time.Second))
	// Output: <nil> 10s
}

func ExampleReadHandoff() {
	locker := newLocker(redlocktest.NewNodes(3), "example")
	defer locker.Close()
	lease, _ := locker.Acquire(context.Background(), "deploy")
	text, _ := lease.Handoff()

	handed, err := redlock.ReadHandoff(text)
	fmt.Println(err, handed.Key, handed.TTL, handed.Token == lease.Token())
	// Output: <nil> redlock:deploy 10s true
}
