package rueidis_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"log"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/internal/redisd"
	"github.com/redlock-go/redlock/resp"
	"github.com/redlock-go/redlock/rueidis"
)

// A lock on three independent servers.
func Example() {
	nodes, err := rueidis.OpenAll("redis://a.example:6379", "rediss://user:password@b.example:6380", "unix:///run/redis/c.sock")
	if err != nil {
		log.Fatal(err)
	}
	locker, err := redlock.New(redlock.Config{Nodes: nodes})
	if err != nil {
		log.Fatal(err)
	}
	defer locker.Close() // closes the nodes too

	err = locker.Do(context.Background(), "orders/42", func(ctx context.Context, lease *redlock.Lease) error {
		return nil // the work, ended by ctx if the lock is lost
	})
	if err != nil {
		log.Print(err)
	}
}

// The servers need not be there yet, but every URL has to make sense: after an
// error no node is left open.
func ExampleOpenAll() {
	nodes, err := rueidis.OpenAll("redis://A.example", "rediss://user:password@b.example:6380", "unix:///run/redis/c.sock")
	if err != nil {
		log.Fatal(err)
	}
	for _, node := range nodes {
		fmt.Println(node.Name())
		node.Close()
	}
	// Output:
	// a.example:6379
	// b.example:6380
	// /run/redis/c.sock
}

// Open does not connect: a server that is down shows when it is needed.
func ExampleOpen() {
	server := start()
	defer server.Close()
	node, err := rueidis.Open("redis://" + server.Addr() + "/7")
	if err != nil {
		log.Fatal(err)
	}
	defer node.Close()

	fmt.Println(node.Do(context.Background(), []resp.Command{{"PING"}}))
	// Output: ["PONG"] <nil>
}

// The password is not in the URL, and may be another one at the next connection.
func ExampleWithCredentials() {
	server := start("--user", "app", "on", ">secret", "~*", "&*", "+@all")
	defer server.Close()
	fromVault := func() (user, password string) { return "app", "secret" }
	node, err := rueidis.Open("redis://"+server.Addr(), rueidis.WithCredentials(fromVault))
	if err != nil {
		log.Fatal(err)
	}
	defer node.Close()

	fmt.Println(node.Do(context.Background(), []resp.Command{{"ACL", "WHOAMI"}}))
	// Output: ["app"] <nil>
}

// A TLS configuration of the program's own is for rediss:// URLs only.
func ExampleWithTLS() {
	strict := &tls.Config{MinVersion: tls.VersionTLS13}
	node, err := rueidis.Open("rediss://a.example:6380", rueidis.WithTLS(strict))
	if err != nil {
		log.Fatal(err)
	}
	defer node.Close()
	fmt.Println(node.Name())

	_, err = rueidis.Open("redis://b.example:6379", rueidis.WithTLS(strict))
	fmt.Println(err)
	// Output:
	// a.example:6380
	// rueidis: b.example:6379: a TLS configuration for a URL without TLS: write rediss://
}

// start starts a server for an example.
func start(args ...string) *redisd.Server {
	server, err := redisd.Start(args...)
	if err != nil {
		log.Fatal(err)
	}
	return server
}
