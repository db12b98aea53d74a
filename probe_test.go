package redlock_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/redlocktest"
	"github.com/redlock-go/redlock/resp"
)

// A machine died without a word and is back: each connection in the client's pool is
// dead, and found out by sending on it. What is owed to the node is paid after a round
// trip for each; a node whose connections cannot be made is asked ever less often.
func TestDeadConnectionsAreFoundOutAtOnce(t *testing.T) {
	const dead, trip = 20, time.Millisecond
	reset := error(syscall.ECONNRESET)
	if runtime.GOOS == "windows" {
		reset = syscall.Errno(10054) // WSAECONNRESET
	}
	read := func(err error) error { return fmt.Errorf("adapter: %w", &net.OpError{Op: "read", Err: err}) }
	for _, tc := range []struct {
		name string
		err  error
		soon bool
	}{
		{"reset", read(os.NewSyscallError("read", reset)), true},
		{"closed by the server", io.EOF, true},
		{"closed in the middle of a reply", fmt.Errorf("adapter: %w", io.ErrUnexpectedEOF), true},
		{"refused", &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, false},
		{"silent", read(os.ErrDeadlineExceeded), false},
		{"given up", context.DeadlineExceeded, false},
		{"anything else", errors.New("no idea"), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				nodes := redlocktest.NewNodes(3)
				for _, n := range nodes {
					n.Delay(trip)
				}
				l := open(t, nodes)
				lease, err := l.Acquire(t.Context(), "k")
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
				nodes[2].FailNext(dead, tc.err)
				if err := lease.Release(t.Context()); err != nil {
					t.Fatal(err)
				}
				released := time.Now()
				for len(nodes[2].Keys()) > 1 { // the register of tokens stays
					time.Sleep(trip)
				}
				took := time.Since(released)
				// The release itself, a probe for each of the others, one that is
				// answered, and the payment.
				if most := (dead + 3) * 2 * trip; tc.soon && took > most {
					t.Errorf("the key was there for %v, not %v", took, most)
				}
				if least := time.Second; !tc.soon && took < least {
					t.Errorf("a node that is not to be had was asked %d times in %v", dead, took)
				}
			})
		})
	}
}

// Where each new connection breaks at once, as behind a proxy that has lost its
// server, the pauses between probes grow all the same. A node that cannot tell new
// connections from old ones is asked a bounded number of times more.
func TestConnectionsThatBreakWhenNewAreProbedEverLess(t *testing.T) {
	for _, tc := range []struct {
		name  string
		tells bool
		most  int64
	}{
		{"the node counts its connections", true, 20},
		{"it does not", false, 20 + 64},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				nodes := redlocktest.NewNodes(3)
				proxied := &proxiedNode{Conn: nodes[2].Connect(), tells: tc.tells}
				l := open(t, nodes, func(cfg *redlock.Config) { cfg.Nodes[2] = proxied })
				lease, err := l.Acquire(t.Context(), "k")
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
				proxied.lost.Store(true)
				if err := lease.Release(t.Context()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(5 * time.Second)
				if n := proxied.asked.Load(); n > tc.most || n < 10 {
					t.Errorf("asked %d times in five seconds, not 10 to %d times", n, tc.most)
				}
			})
		})
	}
}

// proxiedNode is a node behind a proxy that accepts connections and closes them when
// its server is lost.
type proxiedNode struct {
	*redlocktest.Conn
	tells bool // its epoch counts them
	lost  atomic.Bool
	asked atomic.Int64
}

func (n *proxiedNode) Epoch() uint64 {
	if n.tells {
		return n.Conn.Epoch() + uint64(n.asked.Load())
	}
	return n.Conn.Epoch()
}

func (n *proxiedNode) Do(ctx context.Context, batch []resp.Command) ([]resp.Reply, error) {
	if n.lost.Load() {
		n.asked.Add(1)
		return nil, io.EOF
	}
	return n.Conn.Do(ctx, batch)
}
