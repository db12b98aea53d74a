package redlocktest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/resp"
)

// subscribeTests are for a Node that is a [redlock.Subscriber].
var subscribeTests = []struct {
	name string
	run  func(*testing.T, *fixture)
}{
	{"Ready", conformSubscribeReady},
	{"Order", conformSubscribeOrder},
	{"TwoChannels", conformTwoChannels},
	{"DoneContext", conformSubscribeDoneContext},
	{"Close", conformSubscribeClose},
	{"Goroutines", conformSubscribeGoroutines},
}

// conformSubscribe runs them, or says that there is nothing to test.
func conformSubscribe(t *testing.T, open func(*testing.T) redlock.Node) {
	if _, ok := newFixture(t, open).node.(redlock.Subscriber); !ok {
		t.Skip("no Subscriber: who waits for a lock on this node asks again by a timer")
	}
	for _, c := range subscribeTests {
		t.Run(c.name, func(t *testing.T) { c.run(t, newFixture(t, open)) })
	}
}

// listener is a call of Subscribe under way.
type listener struct {
	t       *testing.T
	channel string
	cancel  context.CancelFunc
	ready   chan struct{} // closed by ready
	heard   chan string
	ended   chan error // its result, once
}

// listen subscribes. What Subscribe calls is watched: in which order, and that
// it is one at a time, and nothing after its return.
func listen(t *testing.T, node redlock.Node, channel string) *listener {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	l := &listener{
		t: t, channel: channel, cancel: cancel,
		ready: make(chan struct{}), heard: make(chan string, 10_000), ended: make(chan error, 1),
	}
	var mu sync.Mutex
	var isReady, isOver bool
	note := func(what string, ok func() bool) {
		if !mu.TryLock() {
			t.Errorf("%s: %s is called while another call is under way", channel, what)
			return
		}
		defer mu.Unlock()
		if isOver || !ok() {
			t.Errorf("%s: %s is called with ready before %v, after the return of Subscribe %v", channel, what, isReady, isOver)
		}
	}
	go func() {
		err := node.(redlock.Subscriber).Subscribe(ctx, channel, func() {
			note("ready", func() bool { return !isReady })
			isReady = true
			close(l.ready)
		}, func(message string) {
			note("receive", func() bool { return isReady })
			l.heard <- message
		})
		mu.Lock()
		isOver = true
		mu.Unlock()
		if err == nil {
			t.Errorf("%s: Subscribe returned no error", channel)
		}
		l.ended <- err
	}()
	return l
}

func (l *listener) awaitReady() {
	l.t.Helper()
	select {
	case <-l.ready:
	case err := <-l.ended:
		l.t.Fatalf("%s: Subscribe: %v", l.channel, err)
	case <-time.After(soon):
		l.t.Fatalf("%s: not confirmed within %v", l.channel, soon)
	}
}

func (l *listener) awaitMessage() string {
	l.t.Helper()
	select {
	case message := <-l.heard:
		return message
	case err := <-l.ended:
		l.t.Fatalf("%s: the subscription ended: %v", l.channel, err)
	case <-time.After(soon):
		l.t.Fatalf("%s: no message within %v", l.channel, soon)
	}
	return ""
}

// awaitEnd returns what Subscribe returned, within a time.
func (l *listener) awaitEnd(within time.Duration) error {
	l.t.Helper()
	select {
	case err := <-l.ended:
		return err
	case <-time.After(within):
		l.t.Fatalf("%s: Subscribe did not return within %v", l.channel, within)
	}
	return nil
}

// publish returns how many subscribers the server found.
func (f *fixture) publish(channel, message string) int64 {
	f.t.Helper()
	reply := f.do(resp.Command{"PUBLISH", channel, message})[0]
	if reply.Kind != resp.Int {
		f.t.Fatalf("PUBLISH: %v", reply)
	}
	return reply.Int
}

// awaitNobody waits until the server has seen that the subscriber is gone.
func (f *fixture) awaitNobody(channel string) {
	f.t.Helper()
	for deadline := time.Now().Add(soon); f.publish(channel, "anybody?") != 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			f.t.Fatalf("%s: the server has a subscriber %v after the end of Subscribe", channel, soon)
		}
	}
}

// another is a further node of the same server.
func (f *fixture) another() *fixture {
	f.t.Helper()
	other := newFixture(f.t, f.open)
	other.prefix = f.prefix
	return other
}

// conformSubscribeReady publishes all the while that a subscription begins.
func conformSubscribeReady(t *testing.T, f *fixture) {
	other, channel := f.another(), f.key("c")
	if got := other.publish(channel, "before"); got != 0 {
		t.Errorf("%d receivers before Subscribe", got)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			ctx, cancel := context.WithTimeout(t.Context(), soon)
			_, err := other.node.Do(ctx, []resp.Command{{"PUBLISH", channel, "early"}})
			cancel()
			if err != nil {
				t.Errorf("Do: %v", err)
				return
			}
		}
	})
	l := listen(t, f.node, channel)
	l.awaitReady()
	close(stop)
	wg.Wait()
	for _, from := range []*fixture{other, f} { // Do works beside the subscription
		if got := from.publish(channel, "message"); got != 1 {
			t.Errorf("%d receivers, want 1", got)
		}
		for message := ""; message != "message"; {
			if message = l.awaitMessage(); message != "early" && message != "message" {
				t.Errorf("a message that nobody sent: %q", message)
			}
		}
	}
	l.cancel()
	if err := l.awaitEnd(soon); !errors.Is(err, context.Canceled) {
		t.Errorf("Subscribe: %v, want %v", err, context.Canceled)
	}
	other.awaitNobody(channel)

	again := listen(t, f.node, channel)
	again.awaitReady()
	if got := f.publish(channel, "again"); got != 1 || again.awaitMessage() != "again" {
		t.Errorf("%d receivers of a second subscription", got)
	}
}

func conformSubscribeOrder(t *testing.T, f *fixture) {
	const batches, size = 60, 50
	channel := f.key("c")
	l := listen(t, f.node, channel)
	l.awaitReady()
	large := strings.Repeat("\r\n$-1\r\n\x00\xff", 64<<10/9)
	text := func(i int) string {
		switch i % 100 {
		case 99:
			return fmt.Sprint(i, large)
		case 98:
			return ""
		}
		return fmt.Sprint(i)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for b := range batches {
			batch := make([]resp.Command, size)
			for i := range batch {
				batch[i] = resp.Command{"PUBLISH", channel, text(b*size + i)}
			}
			ctx, cancel := context.WithTimeout(t.Context(), soon)
			replies, err := f.node.Do(ctx, batch)
			cancel()
			if err != nil {
				t.Errorf("Do: %v", err)
				return
			}
			for _, r := range replies {
				if !r.Equal(resp.OfInt(1)) {
					t.Errorf("PUBLISH: %v, want 1", r)
					return
				}
			}
		}
	})
	defer wg.Wait()
	for i := range batches * size {
		if got, want := l.awaitMessage(), text(i); got != want {
			t.Fatalf("message %d is %.40q and %d bytes long, want %.40q and %d", i, got, len(got), want, len(want))
		}
	}
}

func conformTwoChannels(t *testing.T, f *fixture) {
	one, two := listen(t, f.node, f.key("1")), listen(t, f.node, f.key("2"))
	one.awaitReady()
	two.awaitReady()
	for range 10 {
		if f.publish(two.channel, "to two") != 1 || f.publish(one.channel, "to one") != 1 {
			t.Error("a channel has no subscriber")
		}
		if a, b := one.awaitMessage(), two.awaitMessage(); a != "to one" || b != "to two" {
			t.Errorf("the first channel heard %q, the second %q", a, b)
		}
	}
	one.cancel()
	if err := one.awaitEnd(soon); !errors.Is(err, context.Canceled) {
		t.Errorf("Subscribe: %v", err)
	}
	f.awaitNobody(one.channel)
	if f.publish(two.channel, "still") != 1 || two.awaitMessage() != "still" {
		t.Error("the second subscription ended with the first")
	}
}

func conformSubscribeDoneContext(t *testing.T, f *fixture) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	expired, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	expiring, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	for _, ctx := range []context.Context{cancelled, expired, expiring} {
		begin := time.Now()
		err := f.node.(redlock.Subscriber).Subscribe(ctx, f.key("c"), func() {
			if ctx != expiring {
				t.Error("ready is called although the context was done before")
			}
		}, func(string) {})
		if !errors.Is(err, ctx.Err()) || err == nil {
			t.Errorf("Subscribe: %v, want %v", err, ctx.Err())
		}
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("Subscribe returned %v after its context was done", took)
		}
	}
	f.awaitNobody(f.key("c"))
}

func conformSubscribeClose(t *testing.T, f *fixture) {
	other := f.another()
	l := listen(t, f.node, f.key("c"))
	l.awaitReady()
	if err := f.node.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := l.awaitEnd(soon); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Subscribe: %v, want %v", err, net.ErrClosed)
	}
	other.awaitNobody(f.key("c"))
	late := listen(t, f.node, f.key("c"))
	if err := late.awaitEnd(soon); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Subscribe after Close: %v, want %v", err, net.ErrClosed)
	}
}

// conformSubscribeGoroutines leaves room for those of other tests, which may run
// at the same time: what each subscription leaves behind adds up.
func conformSubscribeGoroutines(t *testing.T, f *fixture) {
	const rounds = 30
	f.do(resp.Command{"PING"})
	before := runtime.NumGoroutine()
	for range rounds {
		l := listen(t, f.node, f.key("c"))
		l.awaitReady()
		l.cancel()
		if err := l.awaitEnd(soon); !errors.Is(err, context.Canceled) {
			t.Errorf("Subscribe: %v", err)
		}
	}
	for deadline := time.Now().Add(soon); runtime.NumGoroutine() >= before+rounds; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("there were %d goroutines, and are %d after %d subscriptions", before, runtime.NumGoroutine(), rounds)
		}
	}
}
