package rueidis_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"

	driver "github.com/redis/rueidis"

	"github.com/redlock-go/redlock/resp"
	"github.com/redlock-go/redlock/rueidis"
)

// A client that the program has anyway becomes a node.
func ExampleWrap() {
	server := start()
	defer server.Close()
	client, err := driver.NewClient(driver.ClientOption{
		InitAddress: []string{server.Addr()}, ForceSingleClient: true, DisableCache: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	node := rueidis.Wrap(client)
	defer node.Close()

	fmt.Println(node.Do(context.Background(), []resp.Command{{"PING"}}))
	// Output: ["PONG"] <nil>
}

// The node is closed, the program's client is not.
func ExampleWrapped_Close() {
	server := start()
	defer server.Close()
	client := connect(server.Addr())
	defer client.Close()
	node := rueidis.Wrap(client)

	ctx := context.Background()
	fmt.Println(node.Close())
	_, err := node.Do(ctx, []resp.Command{{"PING"}})
	fmt.Println(errors.Is(err, net.ErrClosed))
	fmt.Println(client.Do(ctx, client.B().Ping().Build()).ToString())
	// Output:
	// <nil>
	// true
	// PONG <nil>
}

// A batch is sent once, in one piece, and its replies come in order. What the server
// refuses is a reply too, and not an error.
func ExampleWrapped_Do() {
	server := start()
	defer server.Close()
	client := connect(server.Addr())
	defer client.Close()
	node := rueidis.Wrap(client)
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
func ExampleWrapped_Name() {
	server := start()
	defer server.Close()
	client := connect(server.Addr())
	defer client.Close()
	node := rueidis.Wrap(client)
	defer node.Close()

	fmt.Println(node.Name() == server.Addr())
	// Output: true
}

// The epoch rises with each new connection: the server may have been restarted,
// and have forgotten what it held.
func ExampleWrapped_Epoch() {
	server := start()
	defer server.Close()
	client := connect(server.Addr())
	defer client.Close()
	node := rueidis.Wrap(client)
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
func ExampleWrapped_Subscribe() {
	server := start()
	defer server.Close()
	client := connect(server.Addr())
	defer client.Close()
	node := rueidis.Wrap(client)
	defer node.Close()

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	err := node.Subscribe(ctx, "news",
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

// connect makes the program's own client, as in the example of Wrap.
func connect(addr string) driver.Client {
	client, err := driver.NewClient(driver.ClientOption{
		InitAddress: []string{addr}, ForceSingleClient: true, DisableCache: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	return client
}
