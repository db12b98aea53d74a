// Package rueidis makes a [redlock.Node] of a Redis server with the client
// library rueidis.
package rueidis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/internal/nodeurl"
	"github.com/redlock-go/redlock/resp"
)

// Node is a [redlock.Node] on rueidis, with one ordered, pipelined connection
// that all batches share. Its methods may be called from many goroutines at once.
//
// It does not leave connecting to rueidis, which would connect in the goroutine,
// and within the deadline, of whichever call comes first, while the others wait
// for that one and not for their own contexts; which opens a client on a living
// server only; and whose connections come back by themselves. Each connection
// is a client of its own here, made in the background when a call finds none,
// and thrown away when it breaks.
type Node struct {
	target *nodeurl.Target
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	alive  sync.WaitGroup // of the goroutines that connect

	mu      sync.Mutex
	current *link    // nil: not connected
	attempt *attempt // nil: nobody is connecting
	closed  bool
}

var (
	_ redlock.Node    = (*Node)(nil)
	_ redlock.Epocher = (*Node)(nil)

	_ redlock.Exchanger = (*Node)(nil)
)

// attempt is one attempt to connect, for which any number of calls may wait.
type attempt struct {
	done chan struct{} // closed when link or err is set
	link *link
	err  error
}

func newNode(target *nodeurl.Target) *Node {
	ctx, cancel := context.WithCancel(context.Background())
	return &Node{target: target, ctx: ctx, cancel: cancel}
}

// Name returns the server's address, "host:port" or the path of its socket.
func (n *Node) Name() string { return n.target.Name() }

// Epoch is the number of connections made so far, but for those of subscriptions;
// see [redlock.Epocher].
func (n *Node) Epoch() uint64 { return n.target.Epoch() }

// Do sends the batch in one write and returns the replies. It returns an error
// that is ctx.Err() as soon as ctx is done; the connection stays in use, unless
// the server is silent for some seconds. After Close it returns an error that
// is net.ErrClosed.
func (n *Node) Do(ctx context.Context, batch []resp.Command) ([]resp.Reply, error) {
	if err := ctx.Err(); err != nil {
		return nil, n.errorOf(err)
	}
	return n.send(undated{ctx}, batch, nil)
}

// Exchange sends the batch in one write and returns the replies, in room if they
// have place there. It returns when they are there, or with an error when the server
// has been silent for some seconds; see [redlock.Exchanger].
func (n *Node) Exchange(batch []resp.Command, room []resp.Reply) ([]resp.Reply, error) {
	return n.send(context.Background(), batch, room[:0])
}

func (n *Node) send(ctx context.Context, batch []resp.Command, room []resp.Reply) ([]resp.Reply, error) {
	if len(batch) == 0 {
		return nil, nil
	}
	const tries = 3
	for try := 1; ; try++ {
		l, err := n.connected(ctx)
		if err != nil {
			return nil, n.errorOf(err)
		}
		replies, err := l.do(ctx, batch, room)
		if errors.Is(err, errGone) && try < tries { // it broke before the batch was sent
			_ = l.conn.Close()
			continue
		}
		if err != nil {
			return nil, n.errorOf(err)
		}
		return replies, nil
	}
}

// connected returns the connection, and makes one if there is none.
func (n *Node) connected(ctx context.Context) (*link, error) {
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		return nil, net.ErrClosed
	}
	if l := n.current; l != nil && !l.broken() {
		n.mu.Unlock()
		return l, nil
	}
	a := n.attempt
	if a == nil {
		a = &attempt{done: make(chan struct{})}
		n.attempt = a
		n.alive.Add(1)
		go n.connect(a)
	}
	n.mu.Unlock()
	select {
	case <-a.done:
		return a.link, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// dialTimeout bounds an attempt to connect. Whoever waits for it has a deadline
// of their own, which comes earlier.
const dialTimeout = 5 * time.Second

func (n *Node) connect(a *attempt) {
	defer n.alive.Done()
	ctx, cancel := context.WithTimeout(n.ctx, dialTimeout)
	defer cancel()
	a.link, a.err = open(ctx, n.target)
	n.mu.Lock()
	n.attempt = nil
	old := n.current
	n.current = a.link
	if n.closed {
		old, n.current = a.link, nil
		a.link, a.err = nil, net.ErrClosed
	}
	n.mu.Unlock()
	close(a.done)
	if old != nil {
		old.close()
	}
}

// Close ends the connections and the calls of Do and Subscribe that are under way.
// It is idempotent.
func (n *Node) Close() error {
	n.mu.Lock()
	n.closed = true
	l := n.current
	n.current = nil
	n.mu.Unlock()
	n.cancel()
	if l != nil {
		l.close()
	}
	n.alive.Wait()
	return nil
}

func (n *Node) errorOf(err error) error {
	if errors.Is(err, rueidis.ErrClosing) {
		err = net.ErrClosed
	}
	return fmt.Errorf("%s: %w", n.Name(), err)
}
