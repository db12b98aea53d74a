package redlock_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/redlocktest"
	"github.com/redlock-go/redlock/resp"
)

// With Config.Shared, a lock that was held for a second is left free when it is released,
// although others wait for it: in the queue, in the holder's process, and as they come. A
// client that polls gets it. Half a second later it is the waiters' again.
func TestSharedLeavesAGap(t *testing.T) {
	for _, shared := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			ctx := t.Context()
			nodes := redlocktest.NewNodes(3)
			share := func(c *redlock.Config) { c.Shared, c.HandOvers = shared, -1 }
			mine, others, comes := open(t, nodes, share), open(t, nodes, share), open(t, nodes, share)
			first, err := mine.Acquire(ctx, "k")
			if err != nil {
				t.Fatal(err)
			}
			got := make(chan time.Time, 3)
			wait := func(l *redlock.Locker) {
				lease, err := l.Acquire(ctx, "k")
				if err != nil {
					t.Error(err)
					return
				}
				got <- time.Now()
				if err := lease.Release(ctx); err != nil {
					t.Error(err)
				}
			}
			go wait(mine)
			go wait(others)
			time.Sleep(1100 * time.Millisecond)
			if err := first.Release(ctx); err != nil {
				t.Fatal(err)
			}
			released := time.Now()
			go wait(comes)
			time.Sleep(200 * time.Millisecond)
			granted := 0
			for _, n := range nodes {
				replies, err := n.Do(ctx, []resp.Command{{"SET", "redlock:k", "another library's", "NX", "PX", "100"}})
				if err != nil {
					t.Fatal(err)
				}
				if replies[0].Equal(resp.OfText("OK")) {
					granted++
				}
			}
			switch {
			case !shared:
				if granted != 0 && len(got) == 0 {
					t.Error("not shared, and nobody has had it")
				}
			case granted != 3 || len(got) != 0:
				t.Errorf("%d of 3 nodes let another library have the key; %d of ours have had it", granted, len(got))
			}
			if shared {
				var held *redlock.HeldError
				if _, err := comes.TryAcquire(ctx, "k"); !errors.As(err, &held) || held.Holder != "another client" {
					t.Errorf("TryAcquire of what another library holds: %v", err)
				}
			}
			for range 3 {
				after := (<-got).Sub(released)
				if shared && (after < 500*time.Millisecond || after > 700*time.Millisecond) {
					t.Errorf("one of ours had it after %v", after)
				}
				if !shared && after > 200*time.Millisecond {
					t.Errorf("not shared, one had it after %v", after)
				}
			}
		})
	}
}
