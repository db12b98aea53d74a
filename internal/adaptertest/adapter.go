// Package adaptertest tests what makes a node of a client library, such as the
// modules goredis and rueidis, on real servers: what its Open makes of a URL, what
// it makes of clients that the program has, how their subscriptions end, and that
// nothing is left running. What every node must do, whatever it is made of, is in
// redlocktest, whose suites are run from here.
//
// It is standard library only, so that every module of this repository can use it.
package adaptertest

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/internal/redisserver"
	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/resp"
)

// patience is how long anything may take that must happen on a loaded machine.
const patience = 10 * time.Second

// Node is what all nodes of the adapters are.
type Node interface {
	redlock.Node
	redlock.Subscriber
	redlock.Epocher
}

// Adapter is the one surface that all adapters have, and ways to wrap a client.
type Adapter[N Node, Option any] struct {
	Open            func(url string, opts ...Option) (N, error)
	OpenAll         func(urls ...string) ([]redlock.Node, error)
	WithTLS         func(*tls.Config) Option
	WithCredentials func(func() (user, password string)) Option

	// Wrap wraps a client of the server at addr that has the settings which the
	// library has of itself, among them RESP3. The client is closed with the test,
	// which fails if the node closed it. WrapRESP2 does the same with RESP2.
	Wrap, WrapRESP2 func(t *testing.T, addr string) Node
}

// open opens a node that is closed with the test.
func (a Adapter[N, Option]) open(t testing.TB, url string, opts ...Option) N {
	t.Helper()
	n, err := a.Open(url, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return n
}

// Nodes returns a node of each kind by the kind's name: opened, and wrapped. They
// are closed with the test.
func (a Adapter[N, Option]) Nodes(t *testing.T, server *redisserver.Server) map[string]Node {
	t.Helper()
	nodes := map[string]Node{
		"Open":       a.open(t, "redis://"+server.Addr()),
		"Wrap RESP3": a.Wrap(t, server.Addr()),
		"Wrap RESP2": a.WrapRESP2(t, server.Addr()),
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

// Start starts a server that votes at once: it is noted to be a new one, in each
// of the databases that the tests use.
func Start(t *testing.T, args ...string) *redisserver.Server {
	t.Helper()
	server := redisserver.Start(t, args...)
	_, info, _ := strings.Cut(server.Do("INFO", "server").Text, "run_id:")
	runID, _, _ := strings.Cut(info, "\r\n")
	for _, db := range []string{"0", "2", "3"} {
		server.DoAll([]string{"SELECT", db}, script.Admit(runID)[0])
	}
	return server
}

// Ping asks the node's server for a sign of life.
func Ping(t *testing.T, n redlock.Node) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	replies, err := n.Do(ctx, []resp.Command{{"PING"}})
	if err == nil && !replies[0].Equal(resp.OfText("PONG")) {
		err = fmt.Errorf("PING: %v", replies[0])
	}
	return err
}

// await polls for a state, and ends the test if it does not come about.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// AwaitBlocked returns when one call of a command that waits on the server, such as
// BLPOP, is under way there.
func AwaitBlocked(t *testing.T, server *redisserver.Server) {
	t.Helper()
	await(t, "the server has a client that waits", func() bool {
		return strings.Contains(server.Do("INFO", "clients").Text, "\nblocked_clients:1\r\n")
	})
}

// Ended returns the error that something under way ends with. It fails the test if
// there is none, and ends it if that goes on.
func Ended(t *testing.T, what string, ended <-chan error) error {
	t.Helper()
	select {
	case err := <-ended:
		if err == nil {
			t.Errorf("%s: it ended without an error", what)
		}
		return err
	case <-time.After(patience):
		t.Fatalf("%s: no end within %v", what, patience)
		return nil
	}
}
