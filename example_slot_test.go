package redlock_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/redlocktest"
)

func ExampleLocker_AcquireSlot() {
	locker := newLocker(redlocktest.NewNodes(5), "example")
	defer locker.Close()
	ctx := context.Background()

	// Three at a time may use the printer.
	for range 3 {
		if _, err := locker.AcquireSlot(ctx, "printer", 3); err != nil {
			fmt.Println(err)
		}
	}
	_, err := locker.TryAcquireSlot(ctx, "printer", 3)
	fmt.Println(errors.Is(err, redlock.ErrHeld))
	// Output: true
}

func ExampleLocker_TryAcquireSlot() {
	locker := newLocker(redlocktest.NewNodes(3), "example")
	defer locker.Close()
	ctx := context.Background()

	lease, err := locker.TryAcquireSlot(ctx, "licence", 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = locker.TryAcquireSlot(ctx, "licence", 1)
	var held *redlock.HeldError
	if errors.As(err, &held) {
		fmt.Println(held.Key, "is held by", held.Holder)
	}
	fmt.Println(lease.Release(ctx))
	// Output:
	// redlock:licence is held by 1 of 1 holders
	// <nil>
}

func ExampleLease_Slot() {
	locker := newLocker(redlocktest.NewNodes(3), "example")
	defer locker.Close()

	gpus := []string{"gpu0", "gpu1"}
	lease, err := locker.AcquireSlot(context.Background(), "gpus", len(gpus))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(gpus[lease.Slot()])) // it is ours until lease.Context() ends
	// Output: 4
}
