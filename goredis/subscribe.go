package goredis

import (
	"context"
	"errors"
	"net"
	"sync"

	"github.com/redlock-go/redlock"
)

var _ redlock.Subscriber = (*Node)(nil)

// Subscribe listens to a channel on a connection of its own; see
// [redlock.Subscriber]. It returns soon after ctx is done, with an error that is
// ctx.Err(), and soon after Close, with one that is net.ErrClosed. A connection
// on which nothing comes for three seconds, in spite of a PING each second, is
// given up. It is not counted by [Node.Epoch], as no vote comes over it.
func (n *Node) Subscribe(ctx context.Context, channel string, ready func(), receive func(message string)) error {
	select {
	case <-n.closed:
		return n.errorOf(net.ErrClosed)
	default:
	}
	if err := errors.Join(n.refuse, ctx.Err()); err != nil {
		return n.errorOf(err)
	}
	life, end := context.WithCancelCause(ctx)
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-n.closed:
			end(net.ErrClosed)
		case <-life.Done():
		}
	})
	defer watch.Wait()
	defer end(nil)

	var err error
	if n.target != nil {
		err = n.target.Subscribe(life, channel, ready, receive)
	} else {
		err = n.subscribeWrapped(life, channel, ready, receive)
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return n.errorOf(err)
}
