package redlock_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/redlocktest"
)

func ExampleLocker_AcquireRead() {
	locker := newLocker(redlocktest.NewNodes(3), "example")
	defer locker.Close()
	ctx := context.Background()

	first, err := locker.AcquireRead(ctx, "catalogue")
	if err != nil {
		fmt.Println(err)
		return
	}
	second, err := locker.AcquireRead(ctx, "catalogue")
	fmt.Println("two read at once:", first.Shared(), second.Shared(), err)

	_, err = locker.TryAcquireWrite(ctx, "catalogue")
	var held *redlock.HeldError
	fmt.Println("held by", errors.As(err, &held), held.Holder)

	_ = first.Release(ctx)
	_ = second.Release(ctx)
	writer, err := locker.AcquireWrite(ctx, "catalogue")
	fmt.Println(writer.Shared(), err, writer.Token() > first.Token())
	// Output:
	// two read at once: true true <nil>
	// held by true readers
	// false <nil> true
}

func ExampleLocker_TryAcquireRead() {
	locker := newLocker(redlocktest.NewNodes(3), "example")
	defer locker.Close()
	ctx := context.Background()

	writer, err := locker.AcquireWrite(ctx, "catalogue")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer writer.Release(ctx)

	_, err = locker.TryAcquireRead(ctx, "catalogue")
	fmt.Println(errors.Is(err, redlock.ErrHeld))
	// Output: true
}

// AcquireWrite is Acquire by a name that says what it is for, beside AcquireRead.
func ExampleLocker_AcquireWrite() {
	locker := newLocker(redlocktest.NewNodes(3), "example")
	defer locker.Close()
	ctx := context.Background()

	writer, err := locker.AcquireWrite(ctx, "catalogue")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = locker.TryAcquire(ctx, "catalogue")
	fmt.Println(errors.Is(err, redlock.ErrHeld), writer.Release(ctx))
	// Output: true <nil>
}

func ExampleLocker_TryAcquireWrite() {
	locker := newLocker(redlocktest.NewNodes(3), "example")
	defer locker.Close()

	writer, err := locker.TryAcquireWrite(context.Background(), "catalogue")
	fmt.Println(writer != nil, err)
	// Output: true <nil>
}

// A writer that has written lets readers in, and reads on itself: nobody can write in
// between.
func ExampleLease_Downgrade() {
	locker := newLocker(redlocktest.NewNodes(3), "example")
	defer locker.Close()
	ctx := context.Background()

	lease, err := locker.AcquireWrite(ctx, "catalogue")
	if err != nil {
		fmt.Println(err)
		return
	}
	// … write the catalogue …
	if err := lease.Downgrade(ctx); err != nil {
		fmt.Println(err)
		return
	}
	// … and check what was written, as others do …
	reader, err := locker.AcquireRead(ctx, "catalogue")
	fmt.Println(lease.Shared(), reader.Token() > lease.Token(), err)
	_, err = locker.TryAcquireWrite(ctx, "catalogue")
	fmt.Println(errors.Is(err, redlock.ErrHeld))
	// Output:
	// true true <nil>
	// true
}

func ExampleLease_Shared() {
	locker := newLocker(redlocktest.NewNodes(3), "example")
	defer locker.Close()

	lease, err := locker.AcquireRead(context.Background(), "catalogue")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("this lease is for reading:", lease.Shared())
	// Output: this lease is for reading: true
}

func ExampleSharedFrom() {
	locker := newLocker(redlocktest.NewNodes(3), "example")
	defer locker.Close()

	lease, err := locker.AcquireWrite(context.Background(), "catalogue")
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := lease.Context() // deep below, only the context is known
	fmt.Println("to read only:", redlock.SharedFrom(ctx))
	_ = lease.Downgrade(ctx)
	fmt.Println("to read only:", redlock.SharedFrom(ctx))
	// Output:
	// to read only: false
	// to read only: true
}
