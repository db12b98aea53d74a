package redlock_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/redlocktest"
)

func ExampleLocker_Inspect() {
	nodes := redlocktest.NewNodes(3)
	nodes[2].Kill()
	alice, operator := newLocker(nodes, "alice"), newLocker(nodes, "operator")
	defer alice.Close()
	defer operator.Close()
	ctx := context.Background()

	_, _ = alice.Acquire(ctx, "orders/42")
	in, err := operator.Inspect(ctx, "orders/42")
	if err != nil {
		fmt.Println(err) // too few nodes answered
		return
	}
	fmt.Println(in.Verdict, "by", in.Holder.Label, "on", in.Holder.Nodes, "nodes")
	for _, n := range in.Nodes {
		fmt.Println(n.Node, n.Answered, n.Label)
	}
	// Output:
	// held by alice on 2 nodes
	// n1 true alice
	// n2 true alice
	// n3 false
}

func ExampleLocker_List() {
	nodes := redlocktest.NewNodes(3)
	locker := newLocker(nodes, "alice")
	defer locker.Close()
	ctx := context.Background()

	for _, name := range []string{"orders/42", "invoices/7"} {
		_, _ = locker.Acquire(ctx, name)
	}
	for entry, err := range locker.List(ctx, "orders/") {
		if err != nil {
			fmt.Println(err) // some may be missing
			break
		}
		fmt.Println(entry.Name, entry.Verdict, "by", entry.Holder.Label)
	}
	// Output: orders/42 held by alice
}

// One of those who have a slot is stuck: it is taken from that one, and the others keep theirs.
func ExampleShare_Holder() {
	nodes := redlocktest.NewNodes(3)
	alice, bob, operator := newLocker(nodes, "alice"), newLocker(nodes, "bob"), newLocker(nodes, "operator")
	defer alice.Close()
	defer bob.Close()
	defer operator.Close()
	ctx := context.Background()

	stuck, _ := alice.AcquireSlot(ctx, "transcode", 2)
	other, _ := bob.AcquireSlot(ctx, "transcode", 2)
	in, _ := operator.Inspect(ctx, "transcode")
	for _, slot := range in.Slots {
		if slot.Label == "alice" {
			_, err := operator.ForceRelease(ctx, slot.Holder())
			fmt.Println(err)
		}
	}
	<-stuck.Context().Done()
	fmt.Println(other.Context().Err())
	// Output:
	// <nil>
	// <nil>
}

func ExampleLocker_ForceRelease() {
	nodes := redlocktest.NewNodes(3)
	alice, operator := newLocker(nodes, "alice"), newLocker(nodes, "operator")
	defer alice.Close()
	defer operator.Close()
	ctx := context.Background()

	lease, _ := alice.Acquire(ctx, "report")
	in, _ := operator.Inspect(ctx, "report")
	token, err := operator.ForceRelease(ctx, *in.Holder) // whom a person has looked at
	fmt.Println(err, token > lease.Token())

	<-lease.Context().Done()
	fmt.Println(errors.Is(lease.Release(ctx), redlock.ErrLost)) // nothing is left of it after that

	_, err = operator.ForceRelease(ctx, *in.Holder)
	fmt.Println(errors.Is(err, redlock.ErrNotHeld))
	// Output:
	// <nil> true
	// true
	// true
}
