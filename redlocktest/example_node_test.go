package redlocktest_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/redlocktest"
	"github.com/redlock-go/redlock/resp"
)

// A node in memory executes commands as a server does.
func ExampleNewNode() {
	node := redlocktest.NewNode("n1")
	fmt.Println(node.Do(context.Background(), []resp.Command{{"SET", "k", "v", "NX"}, {"GET", "k"}}))
	// Output: ["OK" "v"] <nil>
}

// Two processes, each with connections of its own to the same nodes.
func ExampleNodes_Connect() {
	nodes := redlocktest.NewNodes(3)
	var tokens []uint64
	for range 2 {
		locker, err := redlock.New(redlock.Config{Nodes: nodes.Connect()})
		if err != nil {
			log.Fatal(err)
		}
		lease, err := locker.Acquire(context.Background(), "orders/42")
		if err != nil {
			log.Fatal(err)
		}
		tokens = append(tokens, lease.Token())
		locker.Close() // closes its connections, and no node
	}
	fmt.Println(tokens[1] > tokens[0])
	// Output: true
}

// Connections to one node are closed apart from each other.
func ExampleNode_Connect() {
	node := redlocktest.NewNode("n1")
	one, other := node.Connect(), node.Connect()
	one.Close()
	fmt.Println(other.Do(context.Background(), []resp.Command{{"PING"}}))
	// Output: ["PONG"] <nil>
}

// What a lock leaves on a node: the key while it is held, and the highest token.
func ExampleNode_Keys() {
	nodes := redlocktest.NewNodes(1)
	locker, err := redlock.New(redlock.Config{Nodes: nodes.Connect(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		log.Fatal(err)
	}
	defer locker.Close()
	lease, err := locker.Acquire(context.Background(), "orders/42")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(nodes[0].Keys())
	lease.Release(context.Background())
	fmt.Println(nodes[0].Keys())
	// Output:
	// [redlock:orders/42 {redlock:orders/42}:t]
	// [{redlock:orders/42}:t]
}

// Get looks into a node past all faults.
func ExampleNode_Get() {
	node := redlocktest.NewNode("n1")
	node.Exec("SET", "k", "v")
	node.Kill()
	fmt.Println(node.Get("k"))
	fmt.Println(node.Get("another"))
	// Output:
	// v true
	//  false
}

// Batches tells what a piece of code costs the node.
func ExampleNode_Batches() {
	node := redlocktest.NewNode("n1")
	before := node.Batches()
	for range 3 {
		if _, err := node.Do(context.Background(), []resp.Command{{"GET", "k"}, {"PTTL", "k"}}); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(node.Batches() - before)
	// Output: 3
}

// History tells what a client has sent. What Exec did is no part of it.
func ExampleNode_History() {
	node := redlocktest.NewNode("n1")
	ctx := context.Background()
	node.Exec("SET", "k", "v")
	for _, batch := range [][]resp.Command{{{"GET", "k"}, {"PTTL", "k"}}, {{"DEL", "k"}}} {
		if _, err := node.Do(ctx, batch); err != nil {
			log.Fatal(err)
		}
	}
	for _, batch := range node.History() {
		fmt.Println(batch)
	}
	// Output:
	// [[GET k] [PTTL k]]
	// [[DEL k]]
}

// A node can be as new a server as is wanted.
func ExampleNode_Knows() {
	node := redlocktest.NewNode("n1")
	node.Exec("SET", "k", "mine")
	fmt.Println(node.Exec("DELEX", "k", "IFEQ", "mine").Code())
	node.Knows("DELEX") // Redis 8.4
	fmt.Println(node.Exec("DELEX", "k", "IFEQ", "yours"), node.Exec("DELEX", "k", "IFEQ", "mine"))
	// Output:
	// ERR
	// 0 1
}
