package redlocktest_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/redlocktest"
	"github.com/redlock-go/redlock/resp"
)

func incr(t *testing.T, n redlock.Node) (int64, error) {
	t.Helper()
	replies, err := n.Do(t.Context(), []resp.Command{{"INCR", "n"}})
	if err != nil {
		return 0, err
	}
	return replies[0].Int, nil
}

func TestKillAndRevive(t *testing.T) {
	n := redlocktest.NewNode("n1")
	n.Exec("SET", "k", "v")
	n.Kill()
	_, err := incr(t, n)
	if !errors.Is(err, redlocktest.ErrDown) || !strings.Contains(err.Error(), "n1") {
		t.Fatalf("Do on a dead node: %v", err)
	}
	n.Revive()
	if got, err := incr(t, n); got != 1 || err != nil {
		t.Fatalf("after Revive: %d, %v", got, err)
	}
	if v, ok := n.Get("k"); v != "v" || !ok {
		t.Fatalf("Revive lost the key: %q %v", v, ok)
	}
	n.Kill()
	n.ReviveEmpty()
	if keys := n.Keys(); len(keys) != 0 {
		t.Fatalf("ReviveEmpty kept %v", keys)
	}
}

func TestNodeKnowsNewerCommands(t *testing.T) {
	n := redlocktest.NewNode("n1")
	for _, test := range []struct{ knows, delex, delifeq string }{
		{"", "ERR", "ERR"},
		{"DELEX", "", "ERR"},
		{"DELIFEQ", "ERR", ""},
		{"", "ERR", "ERR"},
	} {
		n.Knows(test.knows)
		n.Kill()
		n.ReviveEmpty()
		if got := n.Exec("DELEX", "k", "IFEQ", "v").Code(); got != test.delex {
			t.Errorf("DELEX of a node that knows %q: %q", test.knows, got)
		}
		if got := n.Exec("DELIFEQ", "k", "v").Code(); got != test.delifeq {
			t.Errorf("DELIFEQ of a node that knows %q: %q", test.knows, got)
		}
	}
	defer func() {
		if v := recover(); v == nil {
			t.Error("a node knows COPY")
		}
	}()
	n.Knows("COPY")
}

func TestFrozenNodeExecutesAtThaw(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := redlocktest.NewNode("n1")
		n.Freeze()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		defer cancel()
		begin := time.Now()
		if _, err := n.Do(ctx, []resp.Command{{"SET", "k", "late"}}); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Do on a frozen node: %v", err)
		}
		if took := time.Since(begin); took != 30*time.Millisecond {
			t.Errorf("Do returned after %v", took)
		}
		waited := make(chan error)
		go func() {
			_, err := n.Do(t.Context(), []resp.Command{{"SET", "k", "later"}})
			waited <- err
		}()
		synctest.Wait()
		if _, ok := n.Get("k"); ok || n.Batches() != 0 {
			t.Error("a frozen node executed a batch")
		}
		n.Thaw()
		if v, _ := n.Get("k"); v != "later" || n.Batches() != 2 {
			t.Errorf("after Thaw: %q, %d batches", v, n.Batches())
		}
		if err := <-waited; err != nil {
			t.Errorf("the call that waited: %v", err)
		}
	})
}

func TestKillLosesWhatIsOnItsWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := redlocktest.NewNode("n1")
		n.Freeze()
		waited := make(chan error)
		go func() {
			_, err := n.Do(t.Context(), []resp.Command{{"SET", "k", "v"}})
			waited <- err
		}()
		synctest.Wait()
		n.Kill()
		if err := <-waited; !errors.Is(err, redlocktest.ErrDown) {
			t.Errorf("the call that waited: %v", err)
		}
		n.Thaw()
		n.Revive()
		if keys := n.Keys(); len(keys) != 0 {
			t.Errorf("after the kill: %v", keys)
		}
	})
}

func TestDelayKeepsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := redlocktest.NewNode("n1")
		n.Delay(50 * time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		begin := time.Now()
		if _, err := n.Do(ctx, []resp.Command{{"SET", "k", "v"}}); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Do that is given up on its way: %v", err)
		}
		n.Delay(0)
		replies, err := n.Do(t.Context(), []resp.Command{{"GET", "k"}})
		if err != nil || !replies[0].Equal(resp.OfText("v")) {
			t.Errorf("a later batch overtook: %v %v", replies, err)
		}
		if took := time.Since(begin); took != 50*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		if replies, err = n.Do(t.Context(), []resp.Command{{"GET", "k"}}); err != nil || time.Since(begin) != 50*time.Millisecond {
			t.Errorf("the delay did not end: %v, %v", replies, err)
		}
	})
}

func TestExpiryFollowsTheBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := redlocktest.NewNode("n1")
		n.Exec("SET", "k", "v", "PX", "100")
		time.Sleep(100 * time.Millisecond)
		if _, ok := n.Get("k"); !ok {
			t.Error("expired too early")
		}
		time.Sleep(time.Millisecond)
		if _, ok := n.Get("k"); ok {
			t.Error("did not expire")
		}
	})
}

func TestFailNext(t *testing.T) {
	n := redlocktest.NewNode("n1")
	broken := errors.New("broken pipe")
	n.FailNext(2, broken)
	for range 2 {
		if _, err := incr(t, n); !errors.Is(err, broken) {
			t.Fatalf("got %v", err)
		}
	}
	if got, err := incr(t, n); got != 1 || err != nil {
		t.Fatalf("then: %d, %v", got, err)
	}
}

func TestHooks(t *testing.T) {
	n := redlocktest.NewNode("n1")
	cut := n.Connect()
	lost := errors.New("reply lost")
	var seen []string
	n.Hook(func(ctx context.Context, batch []resp.Command, next func(context.Context, []resp.Command) ([]resp.Reply, error)) ([]resp.Reply, error) {
		seen = append(seen, batch[0][0])
		return next(ctx, batch)
	})
	cut.Hook(func(ctx context.Context, batch []resp.Command, next func(context.Context, []resp.Command) ([]resp.Reply, error)) ([]resp.Reply, error) {
		if _, err := next(ctx, batch); err != nil {
			return nil, err
		}
		return nil, lost
	})
	if _, err := incr(t, cut); !errors.Is(err, lost) {
		t.Fatalf("through the hook: %v", err)
	}
	if got, err := incr(t, n); got != 2 || err != nil {
		t.Fatalf("on the other connection: %d, %v", got, err)
	}
	cut.Hook(nil)
	n.Hook(nil)
	if got, err := incr(t, cut); got != 3 || err != nil {
		t.Fatalf("without a hook: %d, %v", got, err)
	}
	if len(seen) != 2 {
		t.Fatalf("the node's hook saw %v", seen)
	}
}

func TestCloseEndsOneConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := redlocktest.NewNode("n1")
		other := n.Connect()
		n.Freeze()
		waited := make(chan error)
		go func() {
			_, err := incr(t, other)
			waited <- err
		}()
		synctest.Wait()
		for range 2 {
			if err := other.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		}
		if err := <-waited; !errors.Is(err, net.ErrClosed) {
			t.Errorf("the call under way: %v", err)
		}
		n.Thaw() // what was sent is executed all the same
		if got, err := incr(t, n); got != 2 || err != nil {
			t.Errorf("on the other connection: %d, %v", got, err)
		}
	})
}

func TestHistoryIsBounded(t *testing.T) {
	n := redlocktest.NewNode("n1")
	for range 5000 {
		if _, err := incr(t, n); err != nil {
			t.Fatal(err)
		}
	}
	if got := n.Batches(); got != 5000 {
		t.Errorf("%d batches counted", got)
	}
	if got := len(n.History()); got < 1000 || got > 2000 {
		t.Errorf("%d batches remembered", got)
	}
}
