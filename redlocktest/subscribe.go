package redlocktest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"time"

	"github.com/redlock-go/redlock"
)

// silence is how long a node may hang before its subscriptions are given up, as
// a client does that asks for signs of life and gets none.
const silence = 3 * time.Second

var (
	errSilent = fmt.Errorf("no sign of life for %v", silence)
	errCut    = errors.New("connection reset: the test cut this subscription")
)

// subscription is a connection that listens to a channel. Its fields belong to
// the node's mutex, but for wake.
type subscription struct {
	conn    *Conn
	channel string
	wake    chan struct{} // has room for one: something below has changed

	confirmed bool
	told      bool // that it is confirmed
	mailbox   []push
	ended     error // once set, it stays
}

// push is a message on its way to a subscriber.
type push struct {
	message string
	due     time.Time
	held    bool // by a frozen node
}

var _ redlock.Subscriber = (*Conn)(nil)

// Subscribe listens to a channel; see [redlock.Subscriber]. Faults reach it as
// they would reach a connection of its own: Kill, a restart and Close end it, a
// frozen node says nothing, and after three seconds of that it ends, Delay
// delays its messages too. What is published with [Node.Exec] arrives as well.
func (c *Conn) Subscribe(ctx context.Context, channel string, ready func(), receive func(message string)) error {
	c.mu.Lock()
	closed, hook := c.closed, c.subscribeHook
	c.mu.Unlock()
	if closed {
		return c.errorOf(net.ErrClosed)
	}
	if err := ctx.Err(); err != nil {
		return c.errorOf(err)
	}
	c.server.mu.Lock()
	outer := c.server.subscribeHook
	c.server.mu.Unlock()

	next := c.subscribe
	for _, h := range []SubscribeHook{outer, hook} {
		if h == nil {
			continue
		}
		inner := next
		next = func(ctx context.Context, channel string, ready func(), receive func(string)) error {
			return h(ctx, channel, ready, receive, inner)
		}
	}
	return c.errorOf(next(ctx, channel, ready, receive))
}

// subscribe is what is behind the hooks. All calls of ready and receive are made
// in the caller's goroutine.
func (c *Conn) subscribe(ctx context.Context, channel string, ready func(), receive func(string)) error {
	n := c.server
	s := &subscription{conn: c, channel: channel, wake: make(chan struct{}, 1)}
	if err := n.join(s); err != nil {
		return err
	}
	defer n.leave(s)
	if c.isClosed() { // it may have been closed before the node knew of s
		return net.ErrClosed
	}

	patience := time.NewTimer(silence) // for the confirmation
	defer patience.Stop()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		event := n.next(s)
		switch {
		case event.ended != nil:
			return event.ended
		case event.confirmed:
			patience.Stop()
			ready()
			continue
		case event.due:
			receive(event.message)
			continue
		}
		var later <-chan time.Time
		if event.wait > 0 {
			later = time.After(event.wait)
		}
		select {
		case <-s.wake:
		case <-later:
		case <-ctx.Done():
		case <-patience.C:
			return errSilent
		}
	}
}

// event is the next thing that happens to a subscription: one of the first three,
// or nothing yet.
type event struct {
	ended     error
	confirmed bool
	due       bool // a message is there
	message   string
	wait      time.Duration // until the next message is there; 0 if none is on its way
}

// next takes the next event off the subscription.
func (n *Node) next(s *subscription) event {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case s.ended != nil:
		return event{ended: s.ended}
	case !s.told:
		s.told = s.confirmed
		return event{confirmed: s.confirmed}
	case len(s.mailbox) == 0 || s.mailbox[0].held:
		return event{}
	}
	first := s.mailbox[0]
	if wait := time.Until(first.due); wait > 0 {
		return event{wait: wait}
	}
	s.mailbox = s.mailbox[1:]
	return event{due: true, message: first.message}
}

// join sends a SUBSCRIBE on its way. It is executed like a batch, when its time
// comes, unless the subscription has ended by then.
func (n *Node) join(s *subscription) error {
	n.mu.Lock()
	if n.dead {
		n.mu.Unlock()
		return ErrDown
	}
	n.subscriptions = append(n.subscriptions, s)
	if !n.frozen && n.delay == 0 && len(n.queue) == 0 {
		s.confirm()
		n.mu.Unlock()
		return nil
	}
	p := &pending{conn: s.conn, subscribe: s, due: n.arrival(), answer: make(chan answer, 1)}
	n.queue = append(n.queue, p)
	n.mu.Unlock()
	time.AfterFunc(time.Until(p.due), n.drain)
	return nil
}

// leave takes the subscription off the node, which from now on does not count it.
func (n *Node) leave(s *subscription) {
	n.mu.Lock()
	defer n.mu.Unlock()
	s.end(net.ErrClosed)
	for i, other := range n.subscriptions {
		if other == s {
			n.subscriptions = append(n.subscriptions[:i:i], n.subscriptions[i+1:]...)
			return
		}
	}
}

// publish is PUBLISH. The caller holds n.mu.
func (n *Node) publish(channel, message string) int {
	receivers := 0
	for _, s := range n.subscriptions {
		if !s.confirmed || s.ended != nil || s.channel != channel {
			continue
		}
		receivers++
		p := push{message: message, due: time.Now().Add(n.delay), held: n.frozen}
		if last := len(s.mailbox) - 1; last >= 0 && p.due.Before(s.mailbox[last].due) {
			p.due = s.mailbox[last].due // a connection keeps its order
		}
		s.mailbox = append(s.mailbox, p)
		s.signal()
	}
	return receivers
}

// channels lists what somebody is subscribed to. The caller holds n.mu.
func (n *Node) channels() []string {
	found := make(map[string]bool)
	for _, s := range n.subscriptions {
		if s.confirmed && s.ended == nil {
			found[s.channel] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// letGo sends what a frozen node held back. The caller holds n.mu.
func (n *Node) letGo() {
	for _, s := range n.subscriptions {
		for i := range s.mailbox {
			s.mailbox[i].held = false
		}
		s.signal()
	}
}

// cut ends subscriptions: those of one connection, or all of them if c is nil.
// The caller holds n.mu.
func (n *Node) cut(c *Conn, err error) {
	for _, s := range n.subscriptions {
		if c == nil || s.conn == c {
			s.end(err)
		}
	}
}

// cutIfSilent cuts the subscriptions if the node still hangs as it did when it
// was frozen for the count-th time.
func (n *Node) cutIfSilent(count int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.frozen && n.freezes == count {
		n.cut(nil, errSilent)
	}
}

func (s *subscription) confirm() {
	s.confirmed = true
	s.signal()
}

func (s *subscription) end(err error) {
	if s.ended == nil {
		s.ended = err
		s.signal()
	}
}

func (s *subscription) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// SubscribeHook stands between a client and a node's subscriptions. It is called
// instead of Subscribe, in the goroutine of its caller, and calls next to go on:
// it may refuse, hold back or lose messages, or cut the subscription by a
// context of its own. It should return when ctx is done.
type SubscribeHook func(ctx context.Context, channel string, ready func(), receive func(message string),
	next func(ctx context.Context, channel string, ready func(), receive func(message string)) error) error

// HookSubscribe sets the hook of all subscriptions that begin from now on; nil
// removes it.
func (n *Node) HookSubscribe(h SubscribeHook) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.subscribeHook = h
}

// HookSubscribe sets the hook of this connection's subscriptions that begin from
// now on; nil removes it. It comes before the node's.
func (c *Conn) HookSubscribe(h SubscribeHook) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.subscribeHook = h
}

// CutSubscriptions breaks the connections of all subscriptions, and no others.
// What was on its way to them is lost.
func (n *Node) CutSubscriptions() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut(nil, errCut)
}
