package redlocktest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redlock-go/redlock"
)

// silenceFound is how long a Subscriber may take to find out that its connection
// is silent: "within seconds".
const silenceFound = 10 * time.Second

// wireSubscribe is the part for a [redlock.Subscriber].
func wireSubscribe(t *testing.T, server *wireServer, node redlock.Node) {
	if _, ok := node.(redlock.Subscriber); !ok {
		t.Skip("no Subscriber: who waits for a lock on this node asks again by a timer")
	}
	for _, c := range []struct {
		name string
		run  func(*testing.T, *wireServer, redlock.Node)
	}{
		{"AtOnce", wireSubscribeAtOnce},
		{"Cut", wireSubscribeCut},
		{"Refused", wireSubscribeRefused},
		{"Hang", wireSubscribeHang},
		{"Silence", wireSubscribeSilence},
		{"ServerIsGone", wireSubscribeServerIsGone}, // the last, as it stops the server
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, server, node) })
	}
}

// wireSubscribeAtOnce sends the confirmation and a message in one packet.
func wireSubscribeAtOnce(t *testing.T, server *wireServer, node redlock.Node) {
	server.script("at once", wireScript{then: wireMessage("at once", "one") + wireMessage("at once", "") + wireMessage("at once", "three")})
	l := listen(t, node, "at once")
	l.awaitReady()
	for _, want := range []string{"one", "", "three"} {
		if got := l.awaitMessage(); got != want {
			t.Errorf("heard %q, want %q", got, want)
		}
	}
}

// wireSubscribeCut wants the subscription to end, and not to come back.
func wireSubscribeCut(t *testing.T, server *wireServer, node redlock.Node) {
	server.script("cut", wireScript{then: wireMessage("cut", "last words"), cut: true})
	server.script("cut in half", wireScript{then: "*3\r\n$7\r\nmess", cut: true})
	server.script("cut at once", wireScript{says: "*3\r\n", cut: true})
	for _, channel := range []string{"cut", "cut in half", "cut at once"} {
		l := listen(t, node, channel)
		if channel == "cut" && l.awaitMessage() != "last words" {
			t.Error("the message before the cut was lost")
		}
		err := l.awaitEnd(silenceFound)
		if errors.Is(err, context.Canceled) || errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: Subscribe: %v, which says what was not the case", channel, err)
		}
		select {
		case <-l.ready:
			if channel == "cut at once" {
				t.Errorf("%s: ready without a confirmation", channel)
			}
		default:
			if channel != "cut at once" {
				t.Errorf("%s: not ready in spite of a confirmation", channel)
			}
		}
		mustWork(t, node)
		if n := server.seen(channel); n != 1 {
			t.Errorf("%s: SUBSCRIBE was sent %d times", channel, n)
		}
	}
}

func wireSubscribeRefused(t *testing.T, server *wireServer, node redlock.Node) {
	for _, text := range []string{
		"NOPERM this user has no permissions to access one of the channels used as arguments",
		"NOAUTH Authentication required.",
		"ERR unknown command 'SUBSCRIBE'",
	} {
		code, _, _ := strings.Cut(text, " ")
		server.script(code, wireScript{says: "-" + text + "\r\n"})
		l := listen(t, node, code)
		if err := l.awaitEnd(soon); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("Subscribe: %v, want the server's words: %s", err, text)
		}
		if n := server.seen(code); n != 1 {
			t.Errorf("%s: SUBSCRIBE was sent %d times", code, n)
		}
	}
}

// wireSubscribeHang ends subscriptions whose server hangs.
func wireSubscribeHang(t *testing.T, server *wireServer, node redlock.Node) {
	server.script("hang", wireScript{deaf: true})
	server.script("hang at once", wireScript{says: "*3\r\n", deaf: true})
	for _, channel := range []string{"hang", "hang at once"} {
		l := listen(t, node, channel)
		server.awaitSeen(channel)
		l.cancel()
		begin := time.Now()
		if err := l.awaitEnd(soon); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: Subscribe: %v, want %v", channel, err, context.Canceled)
		}
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("%s: Subscribe returned %v after its context was done", channel, took)
		}
	}
}

// wireSubscribeSilence wants a server that hangs, or talks nonsense and then
// hangs, to be found out. A living one is not.
func wireSubscribeSilence(t *testing.T, server *wireServer, node redlock.Node) {
	scripts := map[string]wireScript{
		"unconfirmed":         {says: "*3\r\n", deaf: true},
		"confirmed":           {deaf: true},
		"half a message":      {then: "*3\r\n$7\r\nmessage\r\n$14\r\nhalf a message\r\n$100\r\nhalf", deaf: true},
		"another channel":     {says: wireArray(3, "subscribe", "c") + ":1\r\n", deaf: true},
		"web server":          {says: "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", deaf: true},
		"huge array":          {then: "*9999999999999\r\n", deaf: true},
		"huge message":        {then: "*3\r\n$7\r\nmessage\r\n$12\r\nhuge message\r\n$9999999999999\r\nx", deaf: true},
		"negative message":    {then: "*3\r\n$7\r\nmessage\r\n$16\r\nnegative message\r\n$-7\r\n", deaf: true},
		"short":               {then: "*1\r\n$7\r\nmessage\r\n", deaf: true},
		"numbers":             {then: "*3\r\n:1\r\n:2\r\n:3\r\n", deaf: true},
		"message unconfirmed": {says: wireMessage("message unconfirmed", "m"), deaf: true},
	}
	alive := listen(t, node, "alive")
	alive.awaitReady()
	var listeners []*listener
	for channel, script := range scripts {
		server.script(channel, script)
		listeners = append(listeners, listen(t, node, channel))
	}
	deadline := time.Now().Add(silenceFound)
	for _, l := range listeners {
		err := l.awaitEnd(time.Until(deadline))
		if errors.Is(err, context.Canceled) || errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: Subscribe: %v, which says what was not the case", l.channel, err)
		}
		if n := server.seen(l.channel); n != 1 {
			t.Errorf("%s: SUBSCRIBE was sent %d times", l.channel, n)
		}
		select {
		case message := <-l.heard:
			t.Errorf("%s: heard %.40q", l.channel, message)
		default:
		}
		select {
		case <-l.ready:
			if scripts[l.channel].says != "" {
				t.Errorf("%s: ready without a confirmation", l.channel)
			}
		default:
		}
	}
	select {
	case err := <-alive.ended:
		t.Errorf("the subscription on a living server: %v", err)
	default:
	}
	mustWork(t, node)
}

func wireSubscribeServerIsGone(t *testing.T, server *wireServer, node redlock.Node) {
	l := listen(t, node, "c")
	l.awaitReady()
	server.stop()
	if err := l.awaitEnd(silenceFound); err == nil {
		t.Error("the server is gone")
	}
	for i := range 5 {
		if err := listen(t, node, fmt.Sprint(i)).awaitEnd(soon); err == nil {
			t.Error("no server is there")
		}
	}
	server.start()
	// A call finds it at once: a node that is back has no time to lose.
	again := listen(t, node, "c")
	again.awaitReady()
	// Close ends a subscription whose server hangs.
	server.script("hang", wireScript{deaf: true})
	hanging := listen(t, node, "hang")
	hanging.awaitReady()
	if err := node.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	for _, l := range []*listener{again, hanging} {
		if err := l.awaitEnd(soon); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: Subscribe: %v, want %v", l.channel, err, net.ErrClosed)
		}
	}
}
