package goredis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// On a subscription of a wrapped client, the server is asked for a sign of life
// every pingAfter, and the connection is given up after silence without any.
// Those of a node from Open know that themselves.
const (
	pingAfter = time.Second
	silence   = 3 * time.Second
)

// subscribeWrapped subscribes by the client's own means, as only the client knows
// how to connect and to log in.
//
// A go-redis PubSub comes back by itself, in the middle of the call that finds
// its connection broken; this one's second connection is refused.
func (n *Node) subscribeWrapped(ctx context.Context, channel string, ready func(), receive func(message string)) error {
	// Without the deadline, which a connection would notice before ctx does.
	inner, cancel := context.WithCancel(context.WithValue(context.WithoutCancel(ctx), subscriptionDialKey{}, &subscriptionDial{}))
	defer cancel()
	s := &wrappedSubscription{
		pubsub: n.client.Subscribe(inner),
		sent:   make(chan struct{}),
		heard:  make(chan any),
		done:   make(chan struct{}),
		ended:  make(chan error, 1),
	}
	s.reader.Go(func() { s.read(inner, channel) })
	defer s.close()

	tick := time.NewTicker(pingAfter)
	defer tick.Stop()
	confirmed, last := false, time.Now() // last: a sign of life
	for {
		select {
		case said := <-s.heard:
			switch said := said.(type) {
			case *redis.Subscription:
				if !confirmed {
					confirmed = true
					ready()
				}
			case *redis.Message:
				receive(said.Payload)
			}
			last = time.Now() // after receive, as nothing was read meanwhile
			continue
		case err := <-s.ended:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
		if time.Since(last) > silence {
			return fmt.Errorf("no sign of life for %v", silence)
		}
		if confirmed {
			s.ping(inner)
		}
	}
}

// wrappedSubscription is a PubSub and the goroutine that reads from it.
type wrappedSubscription struct {
	pubsub *redis.PubSub
	sent   chan struct{} // closed: the SUBSCRIBE has left, and Close does not wait for it
	heard  chan any
	done   chan struct{} // closed: nobody listens any more
	ended  chan error    // has room for the one error of read
	reader sync.WaitGroup
}

func (s *wrappedSubscription) read(ctx context.Context, channel string) {
	var err error
	defer func() {
		// A server that breaks the protocol can make go-redis panic.
		if v := recover(); v != nil {
			err = fmt.Errorf("go-redis panicked: %v", v)
		}
		s.ended <- err
	}()
	err = s.subscribe(ctx, channel)
	for err == nil {
		var said any
		if said, err = s.pubsub.Receive(ctx); err != nil {
			return
		}
		select {
		case s.heard <- said:
		case <-s.done:
			return
		}
	}
}

func (s *wrappedSubscription) subscribe(ctx context.Context, channel string) error {
	defer close(s.sent)
	return s.pubsub.Subscribe(ctx, channel)
}

// ping asks for a sign of life. If it fails, the reader finds out.
func (s *wrappedSubscription) ping(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, pingAfter)
	defer cancel()
	_ = s.pubsub.Ping(ctx)
}

// close ends the connection, and waits for the reader, unless that is still
// connecting: go-redis may not heed a context in that, but a time limit of the
// client's. Then the connection is closed when it is there.
func (s *wrappedSubscription) close() {
	close(s.done)
	select {
	case <-s.sent:
		_ = s.pubsub.Close()
		s.reader.Wait()
	default:
		go func() {
			<-s.sent
			_ = s.pubsub.Close()
		}()
	}
}

// subscriptionDial is the one connection that a subscription may make.
type subscriptionDial struct{ made atomic.Bool }

type subscriptionDialKey struct{}

// subscriptionDialOf returns nil if it is not a subscription that connects.
func subscriptionDialOf(ctx context.Context) *subscriptionDial {
	d, _ := ctx.Value(subscriptionDialKey{}).(*subscriptionDial)
	return d
}

var errNoSecond = errors.New("a subscription that was lost does not come back by itself")

func (d *subscriptionDial) dial(ctx context.Context, network, addr string, next redis.DialHook) (net.Conn, error) {
	if d.made.Swap(true) {
		return nil, errNoSecond
	}
	return next(ctx, network, addr)
}
