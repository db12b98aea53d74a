package rueidis_test

import (
	"context"
	"strings"
	"testing"
	"time"

	client "github.com/redis/rueidis"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/internal/redisserver"
	"github.com/redlock-go/redlock/resp"
	"github.com/redlock-go/redlock/rueidis"
)

// subscribing is a node that subscribes and counts connections.
type subscribing interface {
	redlock.Node
	redlock.Subscriber
	redlock.Epocher
}

// kinds are a node that was opened, and wrapped clients.
func kinds(t *testing.T, server *redisserver.Server) map[string]subscribing {
	t.Helper()
	nodes := map[string]subscribing{
		"Open":       open(t, "redis://"+server.Addr()).(*rueidis.Node),
		"Wrap RESP3": wrap(t, client.ClientOption{InitAddress: []string{server.Addr()}}),
		"Wrap RESP2": wrap(t, client.ClientOption{InitAddress: []string{server.Addr()}, AlwaysRESP2: true, DisableCache: true}),
	}
	for name, n := range nodes {
		t.Cleanup(func() {
			if err := n.Close(); err != nil {
				t.Errorf("%s: Close: %v", name, err)
			}
		})
	}
	return nodes
}

// subscribe returns when the server has confirmed, and then what is heard.
func subscribe(t *testing.T, n redlock.Subscriber, receive func(string)) (ended <-chan error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	ready, result := make(chan struct{}), make(chan error, 1)
	go func() { result <- n.Subscribe(ctx, "redlock:wake:test", func() { close(ready) }, receive) }()
	select {
	case <-ready:
	case err := <-result:
		t.Fatalf("Subscribe: %v", err)
	case <-time.After(10 * time.Second):
		t.Fatal("Subscribe is not ready after 10 s")
	}
	return result
}

// A server that hangs is found out, and is not subscribed to again behind our
// back when it goes on.
func TestSubscriptionOfAFrozenServer(t *testing.T) {
	server := start(t)
	subscriptions := map[string]<-chan error{}
	for name, node := range kinds(t, server) {
		subscriptions[name] = subscribe(t, node, func(string) {})
	}
	server.Freeze()
	deadline := time.After(10 * time.Second)
	for name, ended := range subscriptions {
		select {
		case err := <-ended:
			if !strings.Contains(err.Error(), "no sign of life") {
				t.Errorf("%s: Subscribe: %v", name, err)
			}
		case <-deadline:
			t.Fatalf("%s: the silence is not noticed after 10 s", name)
		}
	}
	server.Thaw()
	for deadline := time.Now().Add(10 * time.Second); server.Do("PUBLISH", "redlock:wake:test", "m").Int != 0; {
		if time.Now().After(deadline) {
			t.Fatal("the server has subscribers")
		}
	}
}

// Whoever takes long with a message has not lost the server.
func TestSubscriptionWaitsForASlowReceiver(t *testing.T) {
	server := start(t)
	type subscription struct {
		heard chan string
		ended <-chan error
	}
	subscriptions := map[string]subscription{}
	for name, node := range kinds(t, server) {
		heard := make(chan string, 2)
		ended := subscribe(t, node, func(message string) {
			if message == "slow" {
				time.Sleep(4 * time.Second) // not to wait for something: this is what is slow
			}
			heard <- message
		})
		subscriptions[name] = subscription{heard, ended}
	}
	messages := []string{"slow", "next"}
	for _, message := range messages {
		if got := server.Do("PUBLISH", "redlock:wake:test", message); !got.Equal(resp.OfInt(int64(len(subscriptions)))) {
			t.Errorf("PUBLISH: %v", got)
		}
	}
	deadline := time.After(15 * time.Second)
	for name, s := range subscriptions {
		for _, message := range messages {
			select {
			case got := <-s.heard:
				if got != message {
					t.Errorf("%s: heard %q, want %q", name, got, message)
				}
			case err := <-s.ended:
				t.Fatalf("%s: Subscribe: %v", name, err)
			case <-deadline:
				t.Fatalf("%s: nothing is heard after 15 s", name)
			}
		}
	}
}

func TestSubscriptionIsNotCounted(t *testing.T) {
	server := start(t)
	epochs := map[string]uint64{}
	nodes := kinds(t, server)
	subscriptions := map[string]<-chan error{}
	for name, node := range nodes {
		if err := ping(t, node); err != nil {
			t.Fatal(err)
		}
		epochs[name] = node.Epoch()
		subscriptions[name] = subscribe(t, node, func(string) {})
		if err := ping(t, node); err != nil || node.Epoch() != epochs[name] || epochs[name] == 0 {
			t.Errorf("%s: the epoch was %d, and is %d with a subscription (%v)", name, epochs[name], node.Epoch(), err)
		}
	}
	server.Kill()
	for name, node := range nodes {
		if err := <-subscriptions[name]; err == nil || !strings.HasPrefix(err.Error(), server.Addr()+": ") {
			t.Errorf("%s: Subscribe: %v", name, err)
		}
		if err := node.Subscribe(t.Context(), "redlock:wake:test", func() {}, func(string) {}); err == nil {
			t.Errorf("%s: no server is there", name)
		}
		if node.Epoch() != epochs[name] {
			t.Errorf("%s: the epoch was %d, and is %d after a subscription", name, epochs[name], node.Epoch())
		}
	}
}

func TestSubscribeWithoutTheRight(t *testing.T) {
	server := start(t)
	nodes := kinds(t, server)
	refused := func(name string, words ...string) {
		t.Helper()
		err := nodes[name].Subscribe(t.Context(), "redlock:wake:test", func() { t.Errorf("%s: ready", name) }, func(string) {})
		for _, word := range words {
			if err == nil || !strings.Contains(err.Error(), word) {
				t.Errorf("%s: Subscribe: %v, want %s", name, err, word)
			}
		}
	}
	server.Do("ACL", "SETUSER", "default", "resetchannels")
	for name := range nodes {
		refused(name, "NOPERM", "docs/ACL.md")
	}
	server.Do("ACL", "SETUSER", "default", "allchannels", "resetpass", ">secret")
	server.Do("CLIENT", "KILL", "TYPE", "normal") // those that are let in already
	for name := range nodes {
		refused(name, "NOAUTH", "password")
	}
}
