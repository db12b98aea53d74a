package goredis_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"

	"github.com/redlock-go/redlock/goredis"
	"github.com/redlock-go/redlock/resp"
)

// A batch is sent once, in one piece, and its replies come in order. What the server
// refuses is a reply too, and not an error.
func ExampleNode_Do() {
	server := start()
	defer server.Close()
	node, err := goredis.Open("redis://" + server.Addr())
	if err != nil {
		log.Fatal(err)
	}
	defer node.Close()

	replies, err := node.Do(context.Background(), []resp.Command{
		{"SET", "k", "v", "NX"},
		{"SET", "k", "w", "NX"},
		{"INCR", "k"},
	})
	for _, reply := range replies {
		fmt.Println(reply)
	}
	fmt.Println(err)
	// Output:
	// "OK"
	// nil
	// error "ERR value is not an integer or out of range"
	// <nil>
}

// A node's name is what errors and logs call it: the server's address.
func ExampleNode_Name() {
	server := start()
	defer server.Close()
	node, err := goredis.Open("redis://" + server.Addr())
	if err != nil {
		log.Fatal(err)
	}
	defer node.Close()

	fmt.Println(node.Name() == server.Addr())
	// Output: true
}

// The epoch rises with each new connection: the server may have been restarted,
// and have forgotten what it held.
func ExampleNode_Epoch() {
	server := start()
	defer server.Close()
	node, err := goredis.Open("redis://" + server.Addr())
	if err != nil {
		log.Fatal(err)
	}
	defer node.Close()

	ctx, ping := context.Background(), []resp.Command{{"PING"}}

	before := node.Epoch()
	if _, err := node.Do(ctx, ping); err != nil {
		log.Fatal(err)
	}
	connected := node.Epoch()
	fmt.Println(before, connected > before)

	if err := server.Restart(); err != nil {
		log.Fatal(err)
	}
	for _, err := node.Do(ctx, ping); err != nil; { // the first call may find the old connection broken
		_, err = node.Do(ctx, ping)
	}
	fmt.Println(node.Epoch() > connected)
	// Output:
	// 0 true
	// true
}

// What is published when ready has been called is heard, until the context ends.
func ExampleNode_Subscribe() {
	server := start()
	defer server.Close()
	node, err := goredis.Open("redis://" + server.Addr())
	if err != nil {
		log.Fatal(err)
	}
	defer node.Close()

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	err = node.Subscribe(ctx, "news",
		func() { // ready
			if _, err := node.Do(ctx, []resp.Command{{"PUBLISH", "news", "hello"}}); err != nil {
				log.Fatal(err)
			}
		},
		func(message string) {
			fmt.Println(message)
			cancel()
		})
	fmt.Println(errors.Is(err, context.Canceled))
	// Output:
	// hello
	// true
}

// Close ends the calls that are under way, and those that come later fail.
func ExampleNode_Close() {
	server := start()
	defer server.Close()
	node, err := goredis.Open("redis://" + server.Addr())
	if err != nil {
		log.Fatal(err)
	}

	fmt.Println(node.Close(), node.Close()) // once is enough, twice does no harm
	_, err = node.Do(context.Background(), []resp.Command{{"PING"}})
	fmt.Println(errors.Is(err, net.ErrClosed))
	// Output:
	// <nil> <nil>
	// true
}
