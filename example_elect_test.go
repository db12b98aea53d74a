package redlock_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/redlocktest"
)

// A service that one of several machines does the work of. Each of them runs this.
func ExampleLocker_Elect() {
	locker := newLocker(redlocktest.NewNodes(5), "machine-1")
	defer locker.Close()
	ctx, shutdown := context.WithCancel(context.Background())

	err := locker.Elect(ctx, "scheduler", func(ctx context.Context) error {
		token, _ := redlock.TokenFrom(ctx)
		fmt.Println("leader, with a token to fence what is written:", token > 0)
		shutdown() // here, the service is told to stop
		<-ctx.Done()
		return nil
	})
	fmt.Println(errors.Is(err, context.Canceled), ctx.Err())
	// Output:
	// leader, with a token to fence what is written: true
	// true context canceled
}

// A leader that has reasons to give it up, and stands for election again.
func ExampleLocker_Elect_stepDown() {
	locker := newLocker(redlocktest.NewNodes(5), "machine-1")
	defer locker.Close()

	terms := 0
	err := locker.Elect(context.Background(), "scheduler", func(context.Context) error {
		if terms++; terms < 3 {
			return redlock.ErrStepDown
		}
		return nil // the work is done
	})
	fmt.Println(terms, err)
	// Output: 3 <nil>
}

func ExampleLocker_Leader() {
	nodes := redlocktest.NewNodes(5)
	alice, bob := newLocker(nodes, "alice"), newLocker(nodes, "bob")
	defer alice.Close()
	defer bob.Close()
	ctx := context.Background()

	leader, err := bob.Leader(ctx, "scheduler")
	fmt.Println(leader, err)
	err = alice.Elect(ctx, "scheduler", func(ctx context.Context) error {
		leader, err := bob.Leader(ctx, "scheduler")
		fmt.Println(leader.Holder, leader.IsNobody(), err)
		return nil
	})
	fmt.Println(err)
	// Output:
	// nobody leads <nil>
	// alice false <nil>
	// <nil>
}

func ExampleLocker_Watch() {
	nodes := redlocktest.NewNodes(5)
	alice, bob := newLocker(nodes, "alice"), newLocker(nodes, "bob")
	defer alice.Close()
	defer bob.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	seen := make(chan bool)
	go func() {
		_ = alice.Elect(ctx, "scheduler", func(context.Context) error {
			<-seen // lead until bob has seen it
			return nil
		})
	}()
	led := false
	for leader, err := range bob.Watch(ctx, "scheduler") {
		switch {
		case err != nil:
			fmt.Println("for now it is not known who leads:", err)
		case !leader.IsNobody():
			fmt.Println(leader.Holder, "leads")
			led = true
			close(seen)
		case led:
			fmt.Println("nobody leads any more")
			return // the end of the loop is that of the watch
		}
	}
	// Output:
	// alice leads
	// nobody leads any more
}

func ExampleLeader_IsNobody() {
	locker := newLocker(redlocktest.NewNodes(3), "example")
	defer locker.Close()
	leader, err := locker.Leader(context.Background(), "scheduler")
	fmt.Println(leader.IsNobody(), err)
	// Output: true <nil>
}

func ExampleLeaseFrom() {
	locker := newLocker(redlocktest.NewNodes(3), "example")
	defer locker.Close()
	work := func(ctx context.Context) error {
		lease, ok := redlock.LeaseFrom(ctx)
		fmt.Println(ok, time.Until(lease.Deadline()) > 5*time.Second)
		return nil
	}
	fmt.Println(locker.Elect(context.Background(), "scheduler", work))
	// Output:
	// true true
	// <nil>
}
