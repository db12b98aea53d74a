package redlocktest_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/redlocktest"
	"github.com/redlock-go/redlock/resp"
)

// listener is a subscription under way in a bubble.
type listener struct {
	stop context.CancelFunc

	mu    sync.Mutex
	ready time.Duration // when it was confirmed; -1 if it was not
	heard []string
	at    []time.Duration
	ended error // nil: not yet
	after time.Duration
}

func listen(t *testing.T, n redlock.Subscriber, channel string) *listener {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	l := &listener{ready: -1, stop: cancel}
	begin := time.Now()
	note := func(what func(after time.Duration)) {
		l.mu.Lock()
		defer l.mu.Unlock()
		what(time.Since(begin))
	}
	go func() {
		err := n.Subscribe(ctx, channel, func() {
			note(func(after time.Duration) { l.ready = after })
		}, func(message string) {
			note(func(after time.Duration) { l.heard, l.at = append(l.heard, message), append(l.at, after) })
		})
		note(func(after time.Duration) { l.ended, l.after = err, after })
	}()
	synctest.Wait()
	return l
}

// pass lets time pass, and then whatever happens at its end.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (l *listener) want(t *testing.T, messages ...string) {
	t.Helper()
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Equal(l.heard, messages) {
		t.Errorf("heard %q, want %q", l.heard, messages)
	}
}

func (l *listener) wantEnd(t *testing.T, want error, after time.Duration) {
	t.Helper()
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !errors.Is(l.ended, want) || l.after != after {
		t.Errorf("it ended with %v after %v, want %v after %v", l.ended, l.after, want, after)
	}
}

func TestSubscribe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := redlocktest.NewNode("n1")
		other := n.Connect()
		first, second, elsewhere := listen(t, n, "c"), listen(t, other, "c"), listen(t, other, "d")
		if first.ready != 0 {
			t.Error("not confirmed at once")
		}
		if got := n.Exec("PUBLISH", "c", "one"); !got.Equal(resp.OfInt(2)) {
			t.Errorf("PUBLISH by Exec: %v", got)
		}
		if got, err := n.Connect().Do(t.Context(), []resp.Command{{"PUBLISH", "c", "two"}, {"PUBLISH", "e", "none"}}); err != nil ||
			!got[0].Equal(resp.OfInt(2)) || !got[1].Equal(resp.OfInt(0)) {
			t.Errorf("PUBLISH by Do: %v, %v", got, err)
		}
		first.want(t, "one", "two")
		second.want(t, "one", "two")
		first.stop()
		first.wantEnd(t, context.Canceled, 0)
		if got := n.Exec("PUBLISH", "c", "three"); !got.Equal(resp.OfInt(1)) {
			t.Errorf("PUBLISH after one has left: %v", got)
		}
		if err := other.Close(); err != nil {
			t.Error(err)
		}
		second.wantEnd(t, net.ErrClosed, 0)
		elsewhere.wantEnd(t, net.ErrClosed, 0)
		first.want(t, "one", "two")
		elsewhere.want(t)
		if err := other.Subscribe(t.Context(), "c", nil, nil); !errors.Is(err, net.ErrClosed) || !strings.Contains(err.Error(), "n1") {
			t.Errorf("Subscribe after Close: %v", err)
		}
	})
}

func TestRestartEndsSubscriptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := redlocktest.NewNode("n1")
		n.Delay(time.Millisecond)
		l := listen(t, n, "c")
		pass(time.Millisecond)
		n.Exec("PUBLISH", "c", "lost on its way")
		n.Kill()
		l.wantEnd(t, redlocktest.ErrDown, time.Millisecond)
		refused := listen(t, n, "c")
		refused.wantEnd(t, redlocktest.ErrDown, 0)
		n.Revive()
		if got := n.Exec("PUBLISH", "c", "nobody"); !got.Equal(resp.OfInt(0)) {
			t.Errorf("PUBLISH after the restart: %v", got)
		}
		l.want(t)
		n.Delay(0)
		again := listen(t, n, "c")
		n.Exec("PUBLISH", "c", "m")
		again.want(t, "m")
		n.ReviveEmpty() // a restart of one that lives
		again.wantEnd(t, redlocktest.ErrDown, 0)
	})
}

func TestFrozenNodeHoldsMessagesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := redlocktest.NewNode("n1")
		l := listen(t, n, "c")
		n.Freeze()
		n.Exec("PUBLISH", "c", "one")
		late := listen(t, n, "c")
		pass(2 * time.Second)
		l.want(t)
		n.Thaw()
		n.Exec("PUBLISH", "c", "two")
		l.want(t, "one", "two")
		late.want(t, "two")
		if late.ready != 2*time.Second {
			t.Errorf("confirmed by a frozen node after %v", late.ready)
		}
		pass(2 * time.Second) // what hung has come to life again: no silence
		n.Freeze()
		pass(2 * time.Second)
		l.want(t, "one", "two")
		if l.ended != nil {
			t.Errorf("it ended with %v", l.ended)
		}
		never := listen(t, n, "c")
		pass(time.Second)
		for _, l := range []*listener{l, late, never} {
			if synctest.Wait(); l.ended == nil || !strings.Contains(l.ended.Error(), "no sign of life") {
				t.Errorf("silence is not noticed: %v", l.ended)
			}
		}
		if never.ready >= 0 {
			t.Error("confirmed by a frozen node")
		}
		n.Thaw()
		if got := n.Exec("PUBLISH", "c", "nobody"); !got.Equal(resp.OfInt(0)) {
			t.Errorf("PUBLISH after all were given up: %v", got)
		}
	})
}

func TestDelayHoldsForMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := redlocktest.NewNode("n1")
		n.Delay(50 * time.Millisecond)
		l := listen(t, n, "c")
		pass(50 * time.Millisecond)
		n.Exec("PUBLISH", "c", "one")
		n.Delay(0)
		n.Exec("PUBLISH", "c", "two") // does not overtake
		l.want(t)
		pass(50 * time.Millisecond)
		n.Exec("PUBLISH", "c", "three")
		l.want(t, "one", "two", "three")
		if want := []time.Duration{1e8, 1e8, 1e8}; l.ready != 5e7 || !slices.Equal(l.at, want) {
			t.Errorf("confirmed after %v, heard after %v", l.ready, l.at)
		}
	})
}

func TestCutSubscriptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := redlocktest.NewNode("n1")
		l := listen(t, n, "c")
		epoch := n.Epoch()
		n.CutSubscriptions()
		synctest.Wait()
		if l.ended == nil {
			t.Error("it did not end")
		}
		if got := n.Exec("PUBLISH", "c", "nobody"); !got.Equal(resp.OfInt(0)) {
			t.Errorf("PUBLISH after the cut: %v", got)
		}
		if got, err := incr(t, n); got != 1 || err != nil || n.Epoch() != epoch {
			t.Errorf("the node's other connections: %d, %v, epoch %d, was %d", got, err, n.Epoch(), epoch)
		}
		again := listen(t, n, "c")
		n.Exec("PUBLISH", "c", "m")
		again.want(t, "m")
	})
}

func TestSubscribeHooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := redlocktest.NewNode("n1")
		other := n.Connect()
		lossy := func(ctx context.Context, channel string, ready func(), _ func(string),
			next func(context.Context, string, func(), func(string)) error,
		) error {
			return next(ctx, channel, ready, func(string) {})
		}
		refused := errors.New("NOPERM")
		n.HookSubscribe(lossy)
		other.HookSubscribe(func(context.Context, string, func(), func(string),
			func(context.Context, string, func(), func(string)) error,
		) error {
			return refused
		})
		deaf := listen(t, n, "c")
		no := listen(t, other, "c")
		no.wantEnd(t, refused, 0)
		if got := n.Exec("PUBLISH", "c", "lost"); !got.Equal(resp.OfInt(1)) || deaf.ready != 0 {
			t.Errorf("PUBLISH: %v, confirmed after %v", got, deaf.ready)
		}
		deaf.want(t)
		n.HookSubscribe(nil)
		other.HookSubscribe(nil)
		l := listen(t, other, "c")
		n.Exec("PUBLISH", "c", "m")
		l.want(t, "m")
	})
}
