package redlock_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/redlocktest"
	"github.com/redlock-go/redlock/resp"
)

// leases acquires that many, of keys of their own, all at the same time.
func leases(t *testing.T, l *redlock.Locker, n int) []*redlock.Lease {
	t.Helper()
	list := make([]*redlock.Lease, n)
	for i := range list {
		list[i] = acquire(t, l, fmt.Sprintf("lease/%05d", i))
	}
	return list
}

// extensions counts the calls that extend, and the keys that they extend.
type extensions struct{ calls, keys, underWay, most atomic.Int64 }

func (x *extensions) hook(ctx context.Context, batch []resp.Command, next func(context.Context, []resp.Command) ([]resp.Reply, error)) ([]resp.Reply, error) {
	keys := int64(0)
	for _, cmd := range batch {
		switch {
		case cmd[0] != "EVALSHA":
		case cmd[1] == script.ExtendScript.SHA:
			x.calls.Add(1)
			keys++
		case cmd[1] == script.ExtendManyScript.SHA:
			n, _ := strconv.ParseInt(cmd[2], 10, 64)
			x.calls.Add(1)
			keys += n / 2
		}
	}
	x.keys.Add(keys)
	if now := x.underWay.Add(keys); now > x.most.Load() {
		x.most.Store(now)
	}
	defer x.underWay.Add(-keys)
	return next(ctx, batch)
}

// Leases that were acquired together are not renewed together, and those that are
// renewed at about the same time share a call.
func TestRenewalsAreSpreadAndShareCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 2000
		nodes := redlocktest.NewNodes(3)
		l := open(t, nodes)
		list := leases(t, l, many)
		synctest.Wait()
		var seen extensions
		nodes[0].Hook(seen.hook)
		goneBy := int64(0)
		for range 12 {
			time.Sleep(time.Second)
			keys := seen.keys.Load()
			if keys-goneBy > many*8/10 {
				t.Errorf("%d of %d leases were renewed in one second", keys-goneBy, many)
			}
			goneBy = keys
			for _, lease := range list {
				if left := time.Until(lease.Deadline()); left < 6500*time.Millisecond {
					t.Fatalf("a renewal is late: the deadline of %s is in %v", lease.Key(), left)
				}
			}
		}
		calls, keys := seen.calls.Load(), seen.keys.Load()
		if keys < 3*many {
			t.Errorf("%d renewals of %d leases in 12 s", keys, many)
		}
		if calls > keys/10 {
			t.Errorf("%d calls for %d renewals", calls, keys)
		}
	})
}

// When the machine wakes, every lease is due. They are renewed as the nodes can take
// them, soon, and none is lost; also if the nodes then do not answer for some time.
func TestRenewalsOfACrowdThatIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 5000
		nodes := redlocktest.NewNodes(3)
		l := open(t, nodes)
		list := leases(t, l, many)
		var seen extensions
		nodes[0].Hook(seen.hook)
		for _, n := range nodes {
			n.Delay(20 * time.Millisecond)
		}
		renewed := func(within time.Duration) {
			t.Helper()
			time.Sleep(within)
			for _, lease := range list {
				if left := time.Until(lease.Deadline()); left < 6*time.Second {
					t.Fatalf("the deadline of %s is in %v", lease.Key(), left)
				}
			}
		}
		l.Suspend(4 * time.Second)
		renewed(time.Second)
		if most := seen.most.Load(); most > 1024 {
			t.Errorf("%d renewals were under way to one node at once", most)
		}

		before := seen.keys.Load()
		for _, n := range nodes {
			n.Freeze()
		}
		time.Sleep(7 * time.Second)
		for _, n := range nodes {
			n.Thaw()
		}
		if tries := seen.keys.Load() - before; tries > 10*many {
			t.Errorf("%d renewals were tried in an outage, of %d leases", tries, many)
		}
		renewed(1500 * time.Millisecond)
	})
}

// A node that hangs delays nobody's renewal, and costs no lease.
func TestRenewalsWithANodeThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		l := open(t, nodes)
		list := leases(t, l, 500)
		time.Sleep(5 * time.Second)
		nodes[1].Freeze()
		for range 20 {
			time.Sleep(time.Second)
			for _, lease := range list {
				if left := time.Until(lease.Deadline()); left < 6500*time.Millisecond {
					t.Fatalf("a renewal is late: the deadline of %s is in %v", lease.Key(), left)
				}
			}
		}
	})
}

// One key of a shared call is another's, or holds what is no lock: that is the matter
// of its own lease.
func TestRenewalIsEachLeasesOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		l := open(t, nodes)
		list := leases(t, l, 200)
		for _, n := range nodes {
			n.Exec("SET", list[7].Key(), "another's")
			n.Exec("DEL", list[11].Key())
			n.Exec("ZADD", list[11].Key(), "1", "x")
		}
		time.Sleep(30 * time.Second)
		for i, lease := range list {
			if lost := lease.Context().Err() != nil; lost != (i == 7 || i == 11) {
				t.Errorf("lease %d: %v", i, context.Cause(lease.Context()))
			}
		}
	})
}

// On a long way requests do not wait for those before them to return.
func TestALongWayIsUsedSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const roundTrip = 10 * time.Millisecond
		nodes := redlocktest.NewNodes(3)
		for _, n := range nodes {
			n.Delay(roundTrip)
		}
		l := open(t, nodes)
		for range 600 { // to find out
			_ = acquire(t, l, "k").Release(t.Context())
		}
		took := make(chan time.Duration, 8)
		for i := range cap(took) {
			time.Sleep(roundTrip / 5)
			go func() {
				begin := time.Now()
				if _, err := l.TryAcquire(t.Context(), fmt.Sprint("k", i)); err != nil {
					t.Error(err)
				}
				took <- time.Since(begin)
			}()
		}
		for range cap(took) {
			if d := <-took; d > roundTrip {
				t.Errorf("an acquisition took %v, and a round trip %v", d, roundTrip)
			}
		}
	})
}

// What waits behind a batch that hangs is not sent when it is too late, and said not
// to have been: nothing has to be cleaned up after it.
func TestWhatIsQueuedBehindAHangIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(1)
		l := open(t, nodes)
		_ = acquire(t, l, "k").Release(t.Context())
		nodes[0].Freeze()
		errs := make(chan error, 2)
		for _, name := range []string{"sent", "queued"} {
			go func() {
				_, err := l.TryAcquire(t.Context(), name)
				errs <- err
			}()
			synctest.Wait()
		}
		for range cap(errs) {
			if err := <-errs; err == nil {
				t.Error("a frozen node granted a key")
			}
		}
		nodes[0].Thaw()
		time.Sleep(time.Second)
		for _, batch := range nodes[0].History() {
			for _, cmd := range batch {
				if slices.Contains(cmd, "redlock:queued") {
					t.Errorf("sent after its deadline: %q", cmd)
				}
			}
		}
		if keys := keysOf(nodes); len(keys) > 0 {
			t.Errorf("left: %v", keys)
		}
	})
}
