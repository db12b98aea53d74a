package redlock_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/redlocktest"
)

// The machine is suspended for longer than the lease lasts. Its timers know
// nothing of that; at waking the lease is over all the same, at once for who asks,
// and within a tenth of a second for who waits.
func TestSuspendedMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		l := open(t, nodes)
		asking := acquire(t, l, "asking")
		waiting := acquire(t, l, "waiting")
		synctest.Wait()
		l.Suspend(9 * time.Second)
		if err := asking.Context().Err(); err != nil {
			t.Errorf("after 9s of 10: %v", err)
		}
		l.Suspend(time.Second)
		if asking.Context().Err() == nil {
			t.Error("the lease is over, and Err says nothing")
		}
		start := time.Now()
		<-waiting.Context().Done()
		if took := time.Since(start); took > 100*time.Millisecond {
			t.Errorf("told after %v", took)
		}
		for _, lease := range []*redlock.Lease{asking, waiting} {
			if err := context.Cause(lease.Context()); !errors.Is(err, redlock.ErrLost) {
				t.Errorf("cause: %v", err)
			}
		}
	})
}
