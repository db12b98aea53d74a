package redlocktest_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redlock-go/redlock/redlocktest"
	"github.com/redlock-go/redlock/resp"
)

// Each batch takes its time on the way to the node.
func ExampleNode_Delay() {
	node := redlocktest.NewNode("n1")
	node.Delay(20 * time.Millisecond)
	begin := time.Now()
	fmt.Println(node.Do(context.Background(), []resp.Command{{"PING"}}))
	fmt.Println(time.Since(begin) >= 20*time.Millisecond)
	// Output:
	// ["PONG"] <nil>
	// true
}

// A node that hangs has lost nothing: what was sent is executed when it goes on.
func ExampleNode_Thaw() {
	node := redlocktest.NewNode("n1")
	node.Freeze()
	replies := make(chan []resp.Reply)
	go func() {
		got, _ := node.Do(context.Background(), []resp.Command{{"INCR", "n"}})
		replies <- got
	}()
	fmt.Println(node.Keys())
	node.Thaw()
	fmt.Println(<-replies, node.Keys())
	// Output:
	// []
	// [1] [n]
}

// A server that keeps everything on disk comes back with it.
func ExampleNode_Revive() {
	node := redlocktest.NewNode("n1")
	node.Exec("SET", "k", "v")
	ctx, get := context.Background(), []resp.Command{{"GET", "k"}}

	node.Kill()
	_, err := node.Do(ctx, get)
	fmt.Println(errors.Is(err, redlocktest.ErrDown))
	node.Revive()
	fmt.Println(node.Do(ctx, get))
	// Output:
	// true
	// ["v"] <nil>
}

// A server that keeps nothing on disk has forgotten who holds a lock.
func ExampleNode_ReviveEmpty() {
	node := redlocktest.NewNode("n1")
	node.Exec("SET", "redlock:orders/42", "its holder")
	node.Kill()
	node.ReviveEmpty()
	fmt.Println(node.Keys())
	// Output: []
}
