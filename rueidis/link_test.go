package rueidis_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redlock-go/redlock/internal/redisserver"
	"github.com/redlock-go/redlock/resp"
	"github.com/redlock-go/redlock/rueidis"
)

// TestFullConnectionEmptiesWhenTheServerGoesOn: calls to a frozen server fill the
// connection until it takes no more. When the server goes on, so does the node,
// on the same connection and at once.
func TestFullConnectionEmptiesWhenTheServerGoesOn(t *testing.T) {
	s := redisserver.Start(t)
	n, err := rueidis.Open("redis://" + s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
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
