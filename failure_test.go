package redlock_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/redlocktest"
)

// TestReservedIsTold: a lock that nobody holds and the nodes keep for a waiter is said to
// be reserved, also where it is one node of an outage that says so.
func TestReservedIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(5)
		l := open(t, nodes)
		kept := script.ProcessID{7}.Waiter(1, 1).Reservation()
		for _, n := range nodes {
			n.Exec("SET", "redlock:k", kept, "PX", "450")
		}
		_, err := l.TryAcquire(t.Context(), "k")
		var held *redlock.HeldError
		if !errors.As(err, &held) || !held.Reserved || held.Holder != "the next in the queue" || held.Remaining != 450*time.Millisecond {
			t.Fatalf("%v (%+v)", err, held)
		}
		if want := `redlock: "redlock:k" is reserved for the next in the queue, for 450ms at most`; err.Error() != want {
			t.Errorf("got  %s\nwant %s", err, want)
		}

		for _, n := range nodes[:3] {
			n.Kill()
		}
		_, err = l.TryAcquire(t.Context(), "k")
		if !errors.Is(err, redlock.ErrNoQuorum) || strings.Count(err.Error(), ": reserved for the next in the queue") != 2 {
			t.Errorf("%v", err)
		}
	})
}
