package fence_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/fence"
	"github.com/redlock-go/redlock/redlocktest"
)

// A token has one spelling, and nothing else is taken for one.
func ExampleParse() {
	token, err := fence.Parse("33") // os.Getenv("REDLOCK_TOKEN"), for one
	fmt.Println(token, err)

	for _, s := range []string{"", "0", "007", "-1", "9007199254740992"} { // the last is above MaxToken
		_, err := fence.Parse(s)
		fmt.Printf("%q: %v\n", s, errors.Is(err, fence.ErrNotToken))
	}
	// Output:
	// 33 <nil>
	// "": true
	// "0": true
	// "007": true
	// "-1": true
	// "9007199254740992": true
}

// What one program formats, the other parses.
func ExampleFormat() {
	text := fence.Format(fence.MaxToken)
	token, err := fence.Parse(text)
	fmt.Println(text, token == fence.MaxToken, err)
	// Output: 9007199254740991 true <nil>
}

// A resource of your own keeps the highest token that it admitted, here in a map. In earnest
// the comparison, the register and the write must be one atomic step.
func ExampleVerdict() {
	newest := make(map[string]uint64)
	write := func(resource string, token uint64) error {
		if err := fence.Verdict(resource, token, newest[resource]); err != nil {
			return err
		}
		newest[resource] = token
		return nil
	}

	fmt.Println(write("accounts/7", 33))
	fmt.Println(write("accounts/7", 33)) // one holder writes many times
	fmt.Println(write("accounts/7", 34))
	fmt.Println(write("accounts/7", 33))
	// Output:
	// <nil>
	// <nil>
	// <nil>
	// fence: token 33 for "accounts/7" is stale: 34 has been admitted
}

// A program that `redlock run` started works under its parent's lease.
func ExampleWithToken() {
	token, err := fence.Parse("33") // os.Getenv("REDLOCK_TOKEN")
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := fence.WithToken(context.Background(), token)

	fmt.Println(fence.TokenFrom(ctx))
	fmt.Println(fence.SharedFrom(ctx))
	fmt.Println(fence.TokenFrom(context.Background()))
	// Output:
	// 33 true
	// false
	// 0 false
}

// The context of a lease carries its token to wherever the work is done.
func ExampleTokenFrom() {
	lease, end := acquire(redlocktest.NewNodes(3), redlock.DefaultTTL)
	defer end()

	token, ok := fence.TokenFrom(lease.Context())
	fmt.Println(token == lease.Token(), ok)
	// Output: true true
}

// A writer that goes on as a reader is one from then on, in the contexts that it has, too.
func ExampleSharedFrom() {
	locker, err := redlock.New(redlock.Config{Nodes: redlocktest.NewNodes(3).Connect()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer locker.Close()
	lease, err := locker.AcquireWrite(context.Background(), "accounts/7")
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := lease.Context()
	fmt.Println(fence.SharedFrom(ctx))

	err = lease.Downgrade(context.Background())
	fmt.Println(fence.SharedFrom(ctx), err)
	// Output:
	// false
	// true <nil>
}
