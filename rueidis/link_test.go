package rueidis_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/redlock-go/redlock/internal/adaptertest"
	"github.com/redlock-go/redlock/internal/redisserver"
	"github.com/redlock-go/redlock/resp"
	"github.com/redlock-go/redlock/rueidis"
)

// open opens a node of the server that is closed with the test.
func open(t *testing.T, s *redisserver.Server) *rueidis.Node {
	t.Helper()
	n, err := rueidis.Open("redis://" + s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return n
}

// exchange calls Exchange, and sends its error to ended.
func exchange(n *rueidis.Node, cmd ...string) (ended <-chan error) {
	result := make(chan error, 1)
	go func() {
		_, err := n.Exchange([]resp.Command{cmd}, nil)
		result <- err
	}()
	return result
}

// TestFullConnectionEmptiesWhenTheServerGoesOn: calls to a frozen server fill the
// connection until it takes no more. When the server goes on, so does the node,
// on the same connection and at once.
func TestFullConnectionEmptiesWhenTheServerGoesOn(t *testing.T) {
	s := redisserver.Start(t)
	n := open(t, s)
	ping := func(within time.Duration) error {
		ctx, cancel := context.WithTimeout(context.Background(), within)
		defer cancel()
		_, err := n.Do(ctx, []resp.Command{{"PING"}})
		return err
	}
	if err := ping(5 * time.Second); err != nil {
		t.Fatal(err)
	}
	epoch := n.Epoch()
	s.Freeze()
	busy := false
	for begin := time.Now(); !busy && time.Since(begin) < 2*time.Second; {
		err := ping(time.Microsecond)
		busy = err != nil && !errors.Is(err, context.DeadlineExceeded)
	}
	if !busy {
		t.Fatal("the connection took whatever came")
	}
	s.Thaw()
	for begin := time.Now(); ; {
		err := ping(100 * time.Millisecond)
		if err == nil {
			break
		}
		if time.Since(begin) > 2*time.Second {
			t.Fatalf("the server answers again, and the node does not: %v", err)
		}
	}
	if n.Epoch() != epoch {
		t.Fatal("it took a new connection")
	}
}

// TestExchange: Exchange says what Do says, whoever else calls meanwhile; when the
// server hangs, it ends with the connection, Do beside it with its context, and Close
// ends it at once.
func TestExchange(t *testing.T) {
	s := redisserver.Start(t)
	n := open(t, s)
	batch := []resp.Command{{"SET", "k", "v", "NX", "GET"}, {"INCR", "k"}, {"TIME"}, {"GET", "k"}}
	room := make([]resp.Reply, 3, 8)
	for _, k := range []string{"first", "second"} { // the second meets what the first left
		batch[0][1], batch[1][1], batch[3][1] = k, k, k
		got, err := n.Exchange(batch, room)
		if err != nil || len(got) != len(batch) || &got[0] != &room[:1][0] {
			t.Fatalf("%v, %v", got, err)
		}
		if got[0].Kind != resp.Nil || got[1].Kind != resp.Error || len(got[2].Items) != 2 || got[3].Text != "v" {
			t.Errorf("replies: %v", got)
		}
	}
	var calls sync.WaitGroup
	for i := range 50 {
		calls.Go(func() {
			want := strconv.Itoa(i)
			for range 20 {
				replies, err := n.Exchange([]resp.Command{{"ECHO", want}}, nil)
				if i%2 == 0 {
					replies, err = n.Do(t.Context(), []resp.Command{{"ECHO", want}})
				}
				if err != nil || len(replies) != 1 || replies[0].Text != want {
					t.Errorf("%v, %v; want %s", replies, err, want)
				}
			}
		})
	}
	calls.Wait()

	s.Freeze()
	hangs := exchange(n, "PING")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := n.Do(ctx, []resp.Command{{"PING"}}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Do beside it: %v", err)
	}
	_ = adaptertest.Ended(t, "Exchange with a frozen server", hangs)
}

// TestExchangeIsEndedByClose, with a call that writes and reads by itself.
func TestExchangeIsEndedByClose(t *testing.T) {
	s := redisserver.Start(t)
	n := open(t, s)
	if _, err := n.Exchange([]resp.Command{{"PING"}}, nil); err != nil {
		t.Fatal(err)
	}
	hangs := exchange(n, "BLPOP", "nobody pushes", "0")
	adaptertest.AwaitBlocked(t, s)
	s.Freeze()
	begin := time.Now()
	_ = n.Close()
	_ = adaptertest.Ended(t, "Exchange with a frozen server", hangs)
	if took := time.Since(begin); took > time.Second {
		t.Errorf("it took %v", took)
	}
}
