package redlocktest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/redlocktest"
	"github.com/redlock-go/redlock/resp"
)

// A lock on five nodes in memory, and a second process that wants it too.
func ExampleNewNodes() {
	nodes := redlocktest.NewNodes(5)
	first, err := redlock.New(redlock.Config{Nodes: nodes.Connect(), Owner: "first"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer first.Close()
	second, err := redlock.New(redlock.Config{Nodes: nodes.Connect(), Owner: "second"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer second.Close()

	ctx := context.Background()
	lease, err := first.Acquire(ctx, "orders/42")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = second.TryAcquire(ctx, "orders/42")
	var held *redlock.HeldError
	fmt.Println(errors.As(err, &held), held.Holder)
	fmt.Println(lease.Release(ctx))
	// Output:
	// true first
	// <nil>
}

// Two of three nodes die, and the lock says which and why.
func ExampleNode_Kill() {
	nodes := redlocktest.NewNodes(3)
	locker, err := redlock.New(redlock.Config{Nodes: nodes.Connect(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer locker.Close()
	nodes[0].Kill()
	nodes[2].Kill()

	_, err = locker.Acquire(context.Background(), "orders/42")
	fmt.Println(errors.Is(err, redlock.ErrNoQuorum), errors.Is(err, redlocktest.ErrDown))
	// Output: true true
}

// A lease is lost in virtual time: no test has to wait for it.
func ExampleNode_Freeze() {
	test := func(t *testing.T) { synctest.Test(t, loseTheLease) }
	_ = test // is TestLoseTheLease of yours
}

func TestLoseTheLease(t *testing.T) { synctest.Test(t, loseTheLease) }

func loseTheLease(t *testing.T) {
	nodes := redlocktest.NewNodes(3)
	locker, err := redlock.New(redlock.Config{Nodes: nodes.Connect(), TTL: 10 * time.Second, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer locker.Close()
	lease, err := locker.Acquire(t.Context(), "orders/42")
	if err != nil {
		t.Fatal(err)
	}
	nodes[0].Freeze()
	nodes[1].Freeze()
	<-lease.Context().Done() // ten seconds later, at once
	if cause := context.Cause(lease.Context()); !errors.Is(cause, redlock.ErrLost) {
		t.Errorf("the cause is %v", cause)
	}
	nodes[0].Thaw()
	nodes[1].Thaw()
}

// A reply is lost after the node has executed the batch: what a client makes of
// a "yes" that it never heard can be tested so.
func ExampleNode_Hook() {
	node := redlocktest.NewNode("n1")
	node.Hook(func(ctx context.Context, batch []resp.Command, next func(context.Context, []resp.Command) ([]resp.Reply, error)) ([]resp.Reply, error) {
		if _, err := next(ctx, batch); err != nil {
			return nil, err
		}
		return nil, io.ErrUnexpectedEOF
	})
	_, err := node.Do(context.Background(), []resp.Command{{"SET", "k", "v", "NX"}})
	value, _ := node.Get("k")
	fmt.Println(err)
	fmt.Println(value)
	// Output:
	// redlocktest: node n1: unexpected EOF
	// v
}

// One client is cut off from a node, the other is not.
func ExampleConn_Hook() {
	node := redlocktest.NewNode("n1")
	cut, whole := node.Connect(), node.Connect()
	cut.Hook(func(context.Context, []resp.Command, func(context.Context, []resp.Command) ([]resp.Reply, error)) ([]resp.Reply, error) {
		return nil, errors.New("no route to host")
	})
	ping := []resp.Command{{"PING"}}
	_, err := cut.Do(context.Background(), ping)
	fmt.Println(err)
	replies, err := whole.Do(context.Background(), ping)
	fmt.Println(replies, err)
	// Output:
	// redlocktest: node n1: no route to host
	// ["PONG"] <nil>
}

// What a node holds can be looked at, and written, past all faults.
func ExampleNode_Exec() {
	node := redlocktest.NewNode("n1")
	node.Freeze()
	node.Exec("SET", "redlock:orders/42", "somebody else", "PX", "5000")
	fmt.Println(node.Exec("GET", "redlock:orders/42"), node.Keys())
	// Output: "somebody else" [redlock:orders/42]
}

// The next batches fail, without being executed.
func ExampleNode_FailNext() {
	node := redlocktest.NewNode("n1")
	node.FailNext(1, errors.New("broken pipe"))
	for range 2 {
		_, err := node.Do(context.Background(), []resp.Command{{"INCR", "n"}})
		fmt.Println(err)
	}
	fmt.Println(node.Get("n"))
	// Output:
	// redlocktest: node n1: broken pipe
	// <nil>
	// 1 true
}

// Any implementation of redlock.Node can be tested so; here it is one in memory.
func ExampleConformance() {
	node := redlocktest.NewNode("n1")
	test := func(t *testing.T) {
		redlocktest.Conformance(t, func(*testing.T) redlock.Node { return node.Connect() })
	}
	_ = test // is TestConformance of yours
}

// An implementation that speaks to a server over a network passes this too.
func ExampleWireConformance() {
	test := func(t *testing.T) {
		redlocktest.WireConformance(t, func(_ *testing.T, addr string) redlock.Node { return &plain{addr: addr} })
	}
	_ = test // is TestWireConformance of yours
}

// The connection that a node pushes over breaks, and its other connections do not.
// A lock takes that as what it is: a wake-up may have been missed.
func ExampleNode_CutSubscriptions() {
	node := redlocktest.NewNode("n1")
	ready, heard, ended := make(chan bool), make(chan string), make(chan error)
	go func() {
		ended <- node.Subscribe(context.Background(), "news",
			func() { close(ready) },
			func(message string) { heard <- message })
	}()
	<-ready
	fmt.Println(node.Exec("PUBLISH", "news", "hello"), <-heard)
	node.CutSubscriptions()
	fmt.Println(<-ended)
	fmt.Println(node.Exec("PUBLISH", "news", "is anybody there?"))
	// Output:
	// 1 hello
	// redlocktest: node n1: connection reset: the test cut this subscription
	// 0
}

// All messages of one node get lost on their way, while the node counts the
// subscriber as one that got them.
func ExampleNode_HookSubscribe() {
	node := redlocktest.NewNode("n1")
	ctx, cancel := context.WithCancel(context.Background())
	node.HookSubscribe(func(ctx context.Context, channel string, ready func(), receive func(string),
		next func(context.Context, string, func(), func(string)) error,
	) error {
		return next(ctx, channel, ready, func(message string) {
			fmt.Println("lost:", message)
			cancel()
		})
	})
	err := node.Subscribe(ctx, "news",
		func() { fmt.Println("receivers:", node.Exec("PUBLISH", "news", "hello")) },
		func(message string) { fmt.Println("heard:", message) })
	fmt.Println(err)
	// Output:
	// receivers: 1
	// lost: hello
	// redlocktest: node n1: context canceled
}
