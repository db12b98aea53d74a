package traffic

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/redlocktest"
	"github.com/redlock-go/redlock/rig/clock"
)

// TestOurLeaseTellsExpiryFromLoss: one that ran out was valid until its deadline; one
// that was lost was given back before that, so that another may have it.
func TestOurLeaseTellsExpiryFromLoss(t *testing.T) {
	for _, lost := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			nodes := redlocktest.NewNodes(3)
			l, err := redlock.New(redlock.Config{Nodes: nodes.Connect(), TTL: time.Second})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			var opts []redlock.Option
			if !lost {
				opts = append(opts, redlock.WithoutRenewal())
			}
			held, err := l.Acquire(context.Background(), "lock", opts...)
			if err != nil {
				t.Fatal(err)
			}
			lease := ourLease{held, false, func() {}}
			if until, ok := lease.Valid(); !ok || until <= clock.Now() {
				t.Fatalf("new, and valid until %v: %v", until, ok)
			}
			if lost {
				for _, n := range nodes {
					n.Exec("FLUSHALL")
				}
			}
			<-held.Context().Done()
			time.Sleep(2 * time.Second) // of the bubble's: now it is past the deadline either way
			if until, ok := lease.Valid(); ok || (until == 0) != lost {
				t.Fatalf("lost before its deadline: %v; valid until %v: %v", lost, until, ok)
			}
			if lease.Overstays() {
				t.Error("it overstays")
			}
		})
	}
}
