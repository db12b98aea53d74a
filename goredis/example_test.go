package goredis_test

import (
	"context"
	"log"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/goredis"
)

func ExampleOpenAll() {
	nodes, err := goredis.OpenAll("redis://a.example:6379", "rediss://user:password@b.example:6380", "unix:///run/redis/c.sock")
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

func ExampleWithCredentials() {
	secret := func() (user, password string) { return "redlock", "from a vault" }
	node, err := goredis.Open("redis://a.example:6379", goredis.WithCredentials(secret))
	if err != nil {
		log.Fatal(err)
	}
	defer node.Close()
}
