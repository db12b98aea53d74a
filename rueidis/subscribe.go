package rueidis

import (
	"context"
	"net"

	"github.com/redlock-go/redlock"
)

var (
	_ redlock.Subscriber = (*Node)(nil)
	_ redlock.Subscriber = (*Wrapped)(nil)
)

// Subscribe listens to a channel on a connection of its own; see
// [redlock.Subscriber]. It returns soon after ctx is done, with an error that is
// ctx.Err(), and soon after Close, with one that is net.ErrClosed. A connection
// on which nothing comes for three seconds, in spite of a PING each second, is
// given up. It is not counted by [Node.Epoch], as no vote comes over it.
//
// It is no connection of rueidis, which in RESP2 would keep a second one for
// requests open beside it.
func (n *Node) Subscribe(ctx context.Context, channel string, ready func(), receive func(message string)) error {
	n.mu.Lock()
	closed := n.closed
	n.mu.Unlock()
	if closed {
		return n.errorOf(net.ErrClosed)
	}
	if err := ctx.Err(); err != nil {
		return n.errorOf(err)
	}
	life, end := context.WithCancelCause(ctx)
	defer end(nil)
	defer context.AfterFunc(n.ctx, func() { end(net.ErrClosed) })()
	err := n.target.Subscribe(life, channel, ready, receive)
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return n.errorOf(err)
}
