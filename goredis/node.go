// Package goredis makes a [redlock.Node] of a Redis server with the client
// library go-redis.
package goredis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/internal/nodeurl"
	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/resp"
)

// Node is a [redlock.Node] on a go-redis client. Its methods may be called from
// many goroutines at once.
type Node struct {
	name   string
	client *redis.Client
	owned  bool
	target *nodeurl.Target // nil: wrapped
	epoch  func() uint64
	refuse error // why the client is no node, nil if it is one

	closeOnce sync.Once
	closeErr  error
	closed    chan struct{}
}

var (
	_ redlock.Node    = (*Node)(nil)
	_ redlock.Epocher = (*Node)(nil)
)

func newNode(name string, client *redis.Client, owned bool, epoch func() uint64) *Node {
	return &Node{name: name, client: client, owned: owned, epoch: epoch, closed: make(chan struct{})}
}

// Wrap makes a node of a client that the program already has. Close leaves the
// client open. It adds a hook to the client, which counts its new connections.
//
// Whatever the client's settings, a batch is sent once only, and Do returns when
// its context is done. These settings are worth a look:
//
//   - ContextTimeoutEnabled: true, or a node that hangs holds a connection of
//     the pool for ReadTimeout (5 s by default) per request.
//   - ReadTimeout: not -1 or -2, or it holds them for ever.
//   - PoolSize: what other parts of the program do with the client takes
//     connections that the lock then waits for, up to its own deadline.
//   - DialerRetries: 1, as the lock itself comes back to a node that is down.
//
// Subscribe makes a PubSub of the client's, a connection beside the pool.
//
// A failover client (Sentinel) is not one primary but whichever is promoted: all
// calls of Do fail.
func Wrap(client *redis.Client) *Node {
	o := client.Options()
	dials := &dialCounter{}
	client.AddHook(dials)
	n := newNode(nodeurl.Address(o.Addr), client, false, dials.n.Load)
	if o.Addr == "FailoverClient" {
		n.refuse = errors.New("a failover client is no node of a lock, as a promoted replica may not have its keys: " +
			"use a client of each primary, independent of each other")
	}
	return n
}

// Name returns the server's address, "host:port" or the path of its socket.
func (n *Node) Name() string { return n.name }

// Epoch is the number of connections made so far, but for those of subscriptions;
// see [redlock.Epocher].
func (n *Node) Epoch() uint64 { return n.epoch() }

// Client returns the go-redis client below. It is the node's own, unless it came
// from [Wrap].
func (n *Node) Client() *redis.Client { return n.client }

// Do sends the batch as one pipeline and returns the replies. It returns an
// error that is ctx.Err() soon after ctx is done; a connection on which replies
// are still due then is closed when they are late by the client's ReadTimeout,
// or with ctx's deadline. After Close it returns an error that is net.ErrClosed.
func (n *Node) Do(ctx context.Context, batch []resp.Command) ([]resp.Reply, error) {
	select {
	case <-n.closed:
		return nil, n.errorOf(net.ErrClosed)
	default:
	}
	if err := errors.Join(n.refuse, ctx.Err()); err != nil {
		return nil, n.errorOf(err)
	}
	if len(batch) == 0 {
		return nil, nil
	}
	commands := make([]once, len(batch))
	pipe := n.client.Pipeline()
	for i, cmd := range batch {
		args := make([]any, len(cmd))
		for j, arg := range cmd {
			args[j] = arg
		}
		commands[i].Cmd = redis.NewCmd(ctx, args...)
		if err := pipe.Process(ctx, &commands[i]); err != nil {
			return nil, n.errorOf(err)
		}
	}
	// go-redis heeds the deadline of a context, but not its cancellation, while
	// it waits for a reply; and a client that was wrapped may heed neither.
	done := make(chan error, 1)
	go func() {
		// A server that breaks the protocol can make go-redis panic. The
		// connections that Open makes keep such replies from it.
		defer func() {
			if v := recover(); v != nil {
				done <- fmt.Errorf("go-redis panicked: %v", v)
			}
		}()
		_, err := pipe.Exec(ctx)
		done <- err
	}()
	select {
	case err := <-done:
		// The connection has the context's deadline, and may notice it first.
		if deadline, ok := ctx.Deadline(); ok && errors.Is(err, os.ErrDeadlineExceeded) && !time.Now().Before(deadline) {
			err = context.DeadlineExceeded
		}
		if err != nil && !isReply(err) {
			return nil, n.errorOf(err)
		}
	case <-ctx.Done():
		return nil, n.errorOf(ctx.Err())
	case <-n.closed:
		return nil, n.errorOf(net.ErrClosed)
	}
	replies := make([]resp.Reply, len(batch))
	for i := range commands {
		reply, err := replyOf(commands[i].Val(), commands[i].Err())
		if err != nil {
			return nil, n.errorOf(err)
		}
		replies[i] = reply
	}
	return replies, nil
}

// Close closes the client, unless it came from [Wrap], and ends the calls of Do and
// Subscribe that are under way. It is idempotent.
func (n *Node) Close() error {
	n.closeOnce.Do(func() {
		close(n.closed)
		if n.owned {
			n.closeErr = n.client.Close()
		}
	})
	return n.closeErr
}

// errorOf names the node, and turns a server's refusal to let us in into one
// that says what to do.
func (n *Node) errorOf(err error) error {
	if fault := redis.Error(nil); errors.As(err, &fault) && !errors.As(err, new(script.ServerError)) {
		err = script.ServerError(fault.Error())
	}
	return fmt.Errorf("%s: %w", n.name, err)
}

// dialCounter is a hook that counts a client's new connections.
type dialCounter struct{ n atomic.Uint64 }

// DialHook counts.
func (c *dialCounter) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if d := subscriptionDialOf(ctx); d != nil {
			return d.dial(ctx, network, addr, next)
		}
		conn, err := next(ctx, network, addr)
		if err == nil {
			c.n.Add(1)
		}
		return conn, err
	}
}

// ProcessHook does nothing.
func (c *dialCounter) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

// ProcessPipelineHook does nothing.
func (c *dialCounter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// once is a command that go-redis never sends twice, whatever the MaxRetries of
// the client.
type once struct{ *redis.Cmd }

// NoRetry says so.
func (once) NoRetry() bool { return true }
