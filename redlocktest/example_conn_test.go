package redlocktest_test

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/redlock-go/redlock/redlocktest"
	"github.com/redlock-go/redlock/resp"
)

// The replies come in the order of the commands; what the node refuses is a reply
// too, and not an error.
func ExampleConn_Do() {
	conn := redlocktest.NewNode("n1").Connect()
	defer conn.Close()
	fmt.Println(conn.Do(context.Background(), []resp.Command{
		{"SET", "k", "v", "NX"},
		{"SET", "k", "w", "NX"},
		{"GET", "k"},
	}))
	// Output: ["OK" nil "v"] <nil>
}

// All connections to a node have its name.
func ExampleConn_Name() {
	node := redlocktest.NewNode("n1")
	fmt.Println(node.Name(), node.Connect().Name())
	// Output: n1 n1
}

// The epoch changes when the node is restarted, which may have made it forget.
func ExampleConn_Epoch() {
	node := redlocktest.NewNode("n1")
	conn := node.Connect()
	before := conn.Epoch()
	node.Freeze()
	node.Thaw()
	fmt.Println(conn.Epoch() == before)
	node.Kill()
	node.Revive()
	fmt.Println(conn.Epoch() == before)
	// Output:
	// true
	// false
}

// One connection is closed; the node, and what it holds, stay.
func ExampleConn_Close() {
	node := redlocktest.NewNode("n1")
	conn := node.Connect()
	node.Exec("SET", "k", "v")
	fmt.Println(conn.Close())
	_, err := conn.Do(context.Background(), []resp.Command{{"GET", "k"}})
	fmt.Println(errors.Is(err, net.ErrClosed), node.Keys())
	// Output:
	// <nil>
	// true [k]
}

// A subscription listens from when it is ready until its context ends.
func ExampleConn_Subscribe() {
	node := redlocktest.NewNode("n1")
	ctx, cancel := context.WithCancel(context.Background())
	err := node.Connect().Subscribe(ctx, "news",
		func() { node.Exec("PUBLISH", "news", "hello") },
		func(message string) {
			fmt.Println(message)
			cancel()
		})
	fmt.Println(errors.Is(err, context.Canceled))
	// Output:
	// hello
	// true
}

// One client may not subscribe, another one may.
func ExampleConn_HookSubscribe() {
	node := redlocktest.NewNode("n1")
	denied, allowed := node.Connect(), node.Connect()
	denied.HookSubscribe(func(context.Context, string, func(), func(string),
		func(context.Context, string, func(), func(string)) error,
	) error {
		return errors.New("NOPERM")
	})
	ctx, cancel := context.WithCancel(context.Background())
	ready := func() {
		fmt.Println("listening")
		cancel()
	}
	fmt.Println(denied.Subscribe(ctx, "news", ready, nil))
	fmt.Println(allowed.Subscribe(ctx, "news", ready, nil))
	// Output:
	// redlocktest: node n1: NOPERM
	// listening
	// redlocktest: node n1: context canceled
}
