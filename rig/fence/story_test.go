//go:build unix

package fence_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/fence"
	"github.com/redlock-go/redlock/redlocktest"
)

// account is the resource of the examples: what a client does with it under the
// token of its lease.
type account struct {
	read  func(ctx context.Context, token uint64) (balance int, err error)
	write func(ctx context.Context, token uint64, balance int) error
}

// pausedClient is the classic story, with real leases. Both clients use the lock
// as they should, but A is paused for longer than its lease.
func pausedClient(account account) {
	nodes := redlocktest.NewNodes(3) // each client has connections of its own to them

	a, endA := acquire(nodes, 100*time.Millisecond, redlock.WithoutRenewal())
	defer endA()
	// A paused process does not look at its context, and a packet that is under way
	// has none. So A goes on with a context that does not end with the lease.
	paused := context.WithoutCancel(a.Context())
	balance, err := account.read(paused, a.Token())
	check(err)
	fmt.Printf("A reads %d, to take 10 away, and is paused\n", balance)
	<-a.Context().Done()

	b, endB := acquire(nodes, 10*time.Second)
	defer endB()
	balance, err = account.read(b.Context(), b.Token())
	check(err)
	fmt.Printf("B reads %d, to add 50, and writes 150\n", balance)
	check(account.write(b.Context(), b.Token(), 150))

	var stale *fence.StaleError
	switch err := account.write(paused, a.Token(), 90); {
	case err == nil:
		fmt.Println("A wakes and writes 90: accepted")
	case errors.As(err, &stale) && stale.Token == a.Token() && stale.Newest == b.Token():
		fmt.Println("A wakes and writes 90: refused, for B's token is newer")
	default:
		check(err)
	}
	balance, err = account.read(b.Context(), b.Token())
	check(err)
	fmt.Printf("The balance is %d.\n", balance)
}

// acquire stands for a process that takes the lock of account 7.
func acquire(nodes redlocktest.Nodes, ttl time.Duration, opts ...redlock.Option) (*redlock.Lease, func()) {
	locker, err := redlock.New(redlock.Config{Nodes: nodes.Connect(), TTL: ttl})
	check(err)
	lease, err := locker.Acquire(context.Background(), "accounts/7", opts...)
	check(err)
	return lease, func() { check(locker.Close()) }
}

func check(err error) {
	if err != nil {
		log.Panic(err)
	}
}
