package goredis_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"

	"github.com/redis/go-redis/v9"

	"github.com/redlock-go/redlock/goredis"
	"github.com/redlock-go/redlock/resp"
)

// A client that the program has anyway becomes a node, and stays open when that is
// closed.
func ExampleWrap() {
	server := start()
	defer server.Close()
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), ContextTimeoutEnabled: true, DialerRetries: 1})
	defer client.Close()
	node := goredis.Wrap(client)

	ctx := context.Background()
	fmt.Println(node.Do(ctx, []resp.Command{{"PING"}}))
	node.Close()
	_, err := node.Do(ctx, []resp.Command{{"PING"}})
	fmt.Println(errors.Is(err, net.ErrClosed))
	fmt.Println(client.Ping(ctx))
	// Output:
	// ["PONG"] <nil>
	// true
	// ping: PONG
}

// The client below a node is there for what go-redis knows of it.
func ExampleNode_Client() {
	node, err := goredis.Open("redis://user:password@a.example:6379/7")
	if err != nil {
		log.Fatal(err)
	}
	defer node.Close()
	fmt.Println(node.Client().Options().Addr, node.Client().PoolStats().TotalConns)
	// Output: a.example:6379 0
}
