package adaptertest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/resp"
)

// channel is what the tests subscribe to.
const channel = "redlock:wake:test"

// slow is how long a receiver takes: longer than it takes to ask a server for a sign
// of life, a second after the last, and to give it up three seconds later.
const slow = 5 * time.Second

// TestSubscribe tests the subscriptions of all kinds of nodes: how they end, and
// that they are not taken for connections that votes come over.
func (a Adapter[N, Option]) TestSubscribe(t *testing.T) {
	t.Run("FrozenServer", a.subscriptionOfAFrozenServer)
	t.Run("SlowReceiver", a.subscriptionWaitsForASlowReceiver)
	t.Run("NotCounted", a.subscriptionIsNotCounted)
	t.Run("WithoutTheRight", a.subscribeWithoutTheRight)
}

// Subscribe subscribes until the end of the test. It returns when the server has
// confirmed, and then what is heard. The result of the node's Subscribe is sent to
// ended, which has room for it.
func Subscribe(t *testing.T, n redlock.Subscriber, receive func(string)) (ended <-chan error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	ready, result := make(chan struct{}), make(chan error, 1)
	go func() { result <- n.Subscribe(ctx, channel, func() { close(ready) }, receive) }()
	select {
	case <-ready:
	case err := <-result:
		t.Fatalf("Subscribe: %v", err)
	case <-time.After(patience):
		t.Fatalf("Subscribe is not ready after %v", patience)
	}
	return result
}

// SubscribeInVain subscribes where that cannot be, and returns why not. It fails the
// test if it can be.
func SubscribeInVain(t *testing.T, what string, n redlock.Subscriber) error {
	t.Helper()
	ended := make(chan error, 1)
	go func() {
		ended <- n.Subscribe(t.Context(), channel, func() { t.Errorf("%s: ready", what) }, func(string) {})
	}()
	return Ended(t, what, ended)
}

// subscriptionOfAFrozenServer: a server that hangs is found out, and is not
// subscribed to again behind our back when it goes on.
func (a Adapter[N, Option]) subscriptionOfAFrozenServer(t *testing.T) {
	t.Parallel() // it takes its time
	server := Start(t)
	subscriptions := map[string]<-chan error{}
	for name, node := range a.Nodes(t, server) {
		subscriptions[name] = Subscribe(t, node, func(string) {})
	}
	server.Freeze()
	for name, ended := range subscriptions {
		if err := Ended(t, name, ended); err != nil && !strings.Contains(err.Error(), "no sign of life") {
			t.Errorf("%s: Subscribe: %v", name, err)
		}
	}
	server.Thaw()
	await(t, "the server has no subscribers", func() bool { return server.Do("PUBLISH", channel, "m").Equal(resp.OfInt(0)) })
}

// subscriptionWaitsForASlowReceiver: whoever takes long with a message has not lost
// the server.
func (a Adapter[N, Option]) subscriptionWaitsForASlowReceiver(t *testing.T) {
	t.Parallel() // it takes its time
	server := Start(t)
	type subscription struct {
		heard chan string
		ended <-chan error
	}
	subscriptions := map[string]subscription{}
	for name, node := range a.Nodes(t, server) {
		heard := make(chan string, 2)
		ended := Subscribe(t, node, func(message string) {
			if message == "slow" {
				time.Sleep(slow) // not to wait for something: this is what is slow
			}
			heard <- message
		})
		subscriptions[name] = subscription{heard, ended}
	}
	messages := []string{"slow", "next"}
	for _, message := range messages {
		if got := server.Do("PUBLISH", channel, message); !got.Equal(resp.OfInt(int64(len(subscriptions)))) {
			t.Errorf("PUBLISH: %v", got)
		}
	}
	deadline := time.After(slow + patience)
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
				t.Fatalf("%s: nothing is heard after %v", name, patience)
			}
		}
	}
}

func (a Adapter[N, Option]) subscriptionIsNotCounted(t *testing.T) {
	server := Start(t)
	epochs := map[string]uint64{}
	nodes := a.Nodes(t, server)
	subscriptions := map[string]<-chan error{}
	for name, node := range nodes {
		if err := Ping(t, node); err != nil {
			t.Fatal(err)
		}
		epochs[name] = node.Epoch()
		subscriptions[name] = Subscribe(t, node, func(string) {})
		if err := Ping(t, node); err != nil || node.Epoch() != epochs[name] || epochs[name] == 0 {
			t.Errorf("%s: the epoch was %d, and is %d with a subscription (%v)", name, epochs[name], node.Epoch(), err)
		}
	}
	server.Kill()
	for name, node := range nodes {
		if err := Ended(t, name, subscriptions[name]); err != nil && !strings.HasPrefix(err.Error(), server.Addr()+": ") {
			t.Errorf("%s: Subscribe: %v", name, err)
		}
		_ = SubscribeInVain(t, name, node)
		if node.Epoch() != epochs[name] {
			t.Errorf("%s: the epoch was %d, and is %d after a subscription", name, epochs[name], node.Epoch())
		}
	}
}

func (a Adapter[N, Option]) subscribeWithoutTheRight(t *testing.T) {
	server := Start(t)
	nodes := a.Nodes(t, server)
	refused := func(words ...string) {
		t.Helper()
		for name, node := range nodes {
			err := SubscribeInVain(t, name, node)
			for _, word := range words {
				if err != nil && !strings.Contains(err.Error(), word) {
					t.Errorf("%s: Subscribe: %v, want %s", name, err, word)
				}
			}
		}
	}
	server.Do("ACL", "SETUSER", "default", "resetchannels")
	refused("NOPERM", "docs/ACL.md")
	server.Do("ACL", "SETUSER", "default", "allchannels", "resetpass", ">secret")
	server.Do("CLIENT", "KILL", "TYPE", "normal") // those that are let in already
	refused("NOAUTH", "password")
}
