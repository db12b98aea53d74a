package redlocktest

import (
	"context"
	"errors"
	"net"
	"slices"
	"time"

	"github.com/redlock-go/redlock/resp"
)

// ErrDown is the error of Do on a node that was killed.
var ErrDown = errors.New("connection refused: the test killed this node")

// Hook stands between a client and a node. It is called instead of Do, in the
// goroutine of its caller, and calls next to go on: it may look at the batch,
// alter it, hold it back, throw it away, send it twice, or alter or lose the
// replies. It should return when ctx is done.
type Hook func(ctx context.Context, batch []resp.Command, next func(context.Context, []resp.Command) ([]resp.Reply, error)) ([]resp.Reply, error)

// Hook sets the hook of all connections to the node; nil removes it.
func (n *Node) Hook(h Hook) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hook = h
}

// Hook sets the hook of this connection only, so that one client can be cut off
// from a node while others go on; nil removes it. It comes before the node's.
func (c *Conn) Hook(h Hook) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hook = h
}

// Kill makes the node dead, frozen or not: Do fails with [ErrDown] at once, what
// was on its way is lost, and subscriptions end.
func (n *Node) Kill() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dead, n.frozen = true, false
	for _, p := range n.queue {
		p.end(answer{err: ErrDown})
	}
	n.queue = nil
	n.cut(nil, ErrDown)
}

// Revive starts a dead node with the data that it had, less what has expired,
// as a server that keeps everything on disk. A locker cannot know that: unless
// its Config says Durable, the node does not vote until every lease is over that
// it may have forgotten.
func (n *Node) Revive() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.restart()
	n.model.Reload()
}

// ReviveEmpty starts a dead node without its data, as a server that keeps
// nothing on disk.
func (n *Node) ReviveEmpty() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.restart()
	n.model.Reset()
}

// restart makes the server a new run of itself. The caller holds n.mu.
func (n *Node) restart() {
	n.dead = false
	n.runs++
	n.booted = time.Now()
	n.cut(nil, ErrDown) // if it was alive
}

// Freeze makes the node hang, like a process that got a SIGSTOP: Do hangs until
// its context is done. What was sent is executed after Thaw, in order. So are
// subscriptions, but those that wait for three seconds are given up.
func (n *Node) Freeze() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.dead || n.frozen {
		return
	}
	n.frozen = true
	n.freezes++
	count := n.freezes
	time.AfterFunc(silence, func() { n.cutIfSilent(count) })
}

// Thaw ends Freeze. On return everything that was sent meanwhile is executed,
// whether anybody still waits for it or not.
func (n *Node) Thaw() {
	n.mu.Lock()
	n.frozen = false
	n.letGo()
	n.mu.Unlock()
	n.drain()
}

// Delay makes each batch from now on take the time d on its way to the node, and
// each message to a subscriber on its way back. Order is kept: a batch does not
// overtake one that was sent before it. 0 ends it.
func (n *Node) Delay(d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.delay = d
}

// FailNext makes the next count batches fail with err, which must not be nil,
// without being executed. A count of 0 ends it.
func (n *Node) FailNext(count int, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fail, n.failErr = count, err
}

// pending is a batch on its way to the node, or a SUBSCRIBE.
type pending struct {
	conn      *Conn
	batch     []resp.Command
	subscribe *subscription // nil: a batch
	due       time.Time
	answer    chan answer // has room for one
}

type answer struct {
	replies []resp.Reply
	err     error
}

// end gives the waiting Do its answer, if it has not had one.
func (p *pending) end(a answer) {
	select {
	case p.answer <- a:
	default:
	}
}

// send is what is behind the hooks: the way to the node, and its execution.
func (c *Conn) send(ctx context.Context, batch []resp.Command) ([]resp.Reply, error) {
	n := c.server
	n.mu.Lock()
	switch {
	case n.dead:
		n.mu.Unlock()
		return nil, ErrDown
	case n.fail > 0:
		n.fail--
		err := n.failErr
		n.mu.Unlock()
		return nil, err
	case !n.frozen && n.delay == 0 && len(n.queue) == 0:
		defer n.mu.Unlock()
		return n.exec(batch), nil
	}
	p := &pending{
		conn:   c,
		batch:  slices.Clone(batch), // it may be executed after this call
		due:    n.arrival(),
		answer: make(chan answer, 1),
	}
	n.queue = append(n.queue, p)
	n.mu.Unlock()
	// A timer and not a goroutine: it holds up no synctest bubble that ends.
	time.AfterFunc(time.Until(p.due), n.drain)
	if c.isClosed() { // it may have been closed before the batch was queued
		n.hangUp(c)
	}

	select {
	case a := <-p.answer:
		return a.replies, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// arrival is when what is sent now comes to the node. The caller holds n.mu.
func (n *Node) arrival() time.Time {
	if due := time.Now().Add(n.delay); due.After(n.lastDue) {
		n.lastDue = due
	}
	return n.lastDue
}

// drain executes what is due, in order, unless the node hangs.
func (n *Node) drain() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.frozen {
		return
	}
	now := time.Now()
	for len(n.queue) > 0 && !n.queue[0].due.After(now) {
		p := n.queue[0]
		n.queue = n.queue[1:]
		if p.subscribe != nil {
			p.subscribe.confirm()
			continue
		}
		p.end(answer{replies: n.exec(p.batch)})
	}
}

// hangUp ends the calls of Do and Subscribe on a connection that was closed. What
// they have sent is still on its way.
func (n *Node) hangUp(c *Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.queue {
		if p.conn == c {
			p.end(answer{err: net.ErrClosed})
		}
	}
	n.cut(c, net.ErrClosed)
}
