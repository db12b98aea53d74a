package rueidis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/redlock-go/redlock/internal/script"
)

// On a subscription of a wrapped client, the server is asked for a sign of life
// pingAfter the last one, and the connection is given up after a silence of
// subscriptionSilence. Those of a node from Open know that themselves.
const (
	subscriptionPingAfter = time.Second
	subscriptionSilence   = 3 * time.Second
)

// Subscribe listens to a channel on a dedicated connection of the client; see
// [redlock.Subscriber]. It returns at once when ctx is done, with an error that is
// ctx.Err(), or after Close, with one that is net.ErrClosed; the connection is
// closed then, which rueidis takes a second for if the server hangs. A server
// that does not answer for three seconds is given up. It is not counted by
// [Wrapped.Epoch], as no vote comes over it.
func (w *Wrapped) Subscribe(ctx context.Context, channel string, ready func(), receive func(message string)) error {
	select {
	case <-w.closed:
		return w.errorOf(net.ErrClosed)
	default:
	}
	if err := errors.Join(w.refuse, ctx.Err()); err != nil {
		return w.errorOf(err)
	}
	s := &subscription{heard: make(chan heard), done: make(chan struct{}), ended: make(chan error, 1)}
	defer close(s.done)
	go s.run(w.client, channel)
	for {
		select {
		case h := <-s.heard:
			s.busy.Store(true)
			if h.confirmed {
				ready()
			} else {
				receive(h.message)
			}
			s.taken.Add(1)
			s.busy.Store(false)
		case err := <-s.ended:
			if ctx.Err() != nil { // rueidis may have noticed first
				err = ctx.Err()
			}
			return w.errorOf(err)
		case <-ctx.Done():
			return w.errorOf(ctx.Err())
		case <-w.closed:
			return w.errorOf(net.ErrClosed)
		}
	}
}

// subscription is a dedicated connection, and the goroutine that owns it: rueidis
// may connect, and close, without regard to a context.
type subscription struct {
	heard chan heard
	busy  atomic.Bool   // somebody takes what was heard, and nothing is read meanwhile
	taken atomic.Uint64 // how often that was done
	done  chan struct{} // closed: nobody listens any more
	ended chan error    // has room for the one error of run
}

// heard is what the server said: the confirmation, once, and then messages.
type heard struct {
	confirmed bool
	message   string
}

func (s *subscription) run(client rueidis.Client, channel string) {
	dedicated, _ := client.Dedicate()
	defer dedicated.Close()
	confirmed := false // of the one goroutine that reads
	lost := dedicated.SetPubSubHooks(rueidis.PubSubHooks{
		OnSubscription: func(sub rueidis.PubSubSubscription) {
			if sub.Kind == "subscribe" && !confirmed {
				confirmed = true
				s.tell(heard{confirmed: true})
			}
		},
		OnMessage: func(m rueidis.PubSubMessage) { s.tell(heard{message: m.Message}) },
	})
	wait := time.NewTimer(0)
	defer wait.Stop()
	for {
		select {
		case <-s.done:
			return
		case err := <-lost:
			s.ended <- ended(err)
			return
		case <-wait.C:
		}
		if err := s.subscribe(dedicated, channel); err != nil {
			s.ended <- ended(err)
			return
		}
		wait.Reset(subscriptionPingAfter)
	}
}

func (s *subscription) tell(h heard) {
	select {
	case s.heard <- h:
	case <-s.done:
	}
}

// subscribe is also the sign of life that is asked for. In RESP2, rueidis has a
// connection apart for what it subscribes to, on which nothing else can be
// asked; and a server confirms again what it has confirmed.
func (s *subscription) subscribe(dedicated rueidis.DedicatedClient, channel string) error {
	ctx, cancel := context.WithTimeout(context.Background(), subscriptionSilence)
	defer cancel()
	taken, busy := s.taken.Load(), s.busy.Load()
	err := dedicated.Do(ctx, dedicated.B().Subscribe().Channel(channel).Build()).Error()
	if err != nil && ctx.Err() != nil {
		if busy || s.busy.Load() || s.taken.Load() != taken {
			return nil // no wonder, if it was not read all the while
		}
		return fmt.Errorf("no sign of life for %v", subscriptionSilence)
	}
	return err
}

// ended says why a subscription has.
func ended(err error) error {
	if fault, ok := rueidis.IsRedisErr(err); ok {
		return script.ServerError(fault.Error())
	}
	if err == nil || errors.Is(err, rueidis.ErrClosing) {
		return errors.New("the client closed the connection")
	}
	return err
}
