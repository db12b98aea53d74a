package redlock_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/redlocktest"
)

// reads are the commands that only read.
var reads = []string{"GET", "PTTL", "ZSCORE", "ZRANGE", "TIME", "SCAN", "INFO"}

// onlyReads fails the test if a node was told anything else since it had so many batches.
func onlyReads(t *testing.T, nodes redlocktest.Nodes, since []int) {
	t.Helper()
	for i, n := range nodes {
		for _, batch := range n.History()[since[i]:] {
			for _, cmd := range batch {
				if !slices.Contains(reads, cmd[0]) {
					t.Errorf("%s was told %q", n.Name(), cmd)
				}
			}
		}
	}
}

func batches(nodes redlocktest.Nodes) []int {
	counts := make([]int, len(nodes))
	for i, n := range nodes {
		counts[i] = n.Batches()
	}
	return counts
}

// What there is to say of a lock that is held and waited for is said, by reading.
func TestInspect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		alice, bob, eve := open(t, nodes), open(t, nodes), open(t, nodes)
		took := time.Now()
		lease, err := alice.Acquire(t.Context(), "k")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		waits := make(chan error, 2)
		for _, l := range []*redlock.Locker{bob, eve} {
			time.Sleep(time.Second)
			go func() {
				_, err := l.Acquire(ctx, "k")
				waits <- err
			}()
		}
		time.Sleep(500 * time.Millisecond)

		before := batches(nodes)
		in, err := eve.Inspect(t.Context(), "k")
		if err != nil {
			t.Fatal(err)
		}
		onlyReads(t, nodes, before)
		if in.Key != "redlock:k" || in.Verdict != redlock.Held || in.Need != 2 {
			t.Errorf("%q is %s, need %d", in.Key, in.Verdict, in.Need)
		}
		h := in.Holder
		value, _ := nodes[0].Get("redlock:k")
		if h.Label != t.Name() || h.Foreign || h.Nodes != 3 || h.ID != value[4:26] || h.Key != in.Key {
			t.Errorf("held by %+v, value %s", h, value)
		}
		if h.Remaining != 7500*time.Millisecond {
			t.Errorf("remaining %v", h.Remaining)
		}
		// A contender's attempt raised the registers: Since is no earlier than it was, and no later than that.
		if h.Since.Before(took.Truncate(time.Microsecond)) || h.Since.After(took.Add(2*time.Second)) {
			t.Errorf("since %v, taken at %v", h.Since, took)
		}
		if len(in.Waiters) != 2 || in.Waiters[0].Process == in.Waiters[1].Process {
			t.Fatalf("waiters %+v", in.Waiters)
		}
		for i, w := range in.Waiters {
			came := took.Add(time.Duration(i+1) * time.Second)
			if w.Nodes != 3 || w.Kept != 0 || w.Since.Sub(came).Abs() > time.Millisecond {
				t.Errorf("waiter %d: %+v, came %v", i, w, came)
			}
		}
		for i, n := range in.Nodes {
			if n.Node != nodes[i].Name() || n.Err != nil || n.Doubt != nil || !n.Answered || n.HolderID != h.ID || n.Label != h.Label ||
				n.Remaining != h.Remaining || n.Register < lease.Token() || n.Waiters != 2 || n.Reserved {
				t.Errorf("%+v", n)
			}
		}
		cancel()
		for range 2 {
			if err := <-waits; !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		if err := lease.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if in, err = eve.Inspect(t.Context(), "k"); err != nil || in.Verdict != redlock.Free || in.Holder != nil || len(in.Waiters) != 0 {
			t.Errorf("after the release: %+v, %v", in, err)
		}
	})
}

// Each state of the nodes has its verdict, and a node that does not answer, or does not
// count, its cause.
func TestInspectVerdicts(t *testing.T) {
	const (
		mine     = "rl1.AAAAAAAAAAAAAAAAAAAAAA.me"
		yours    = "rl1+BBBBBBBBBBBBBBBBBBBBBB.you"
		reserved = "rl1>1700000000000000.000102030405060708090a0b.1"
	)
	for _, tc := range []struct {
		name    string
		values  [5]string // "" for none, "dead", "fresh": it forgot everything
		verdict redlock.Verdict
		holder  string // label and number of nodes
		said    string // of the error
	}{
		{"free", [5]string{}, redlock.Free, "<nil>", ""},
		{"held by a bare majority", [5]string{mine, mine, mine, "dead", "dead"}, redlock.Held, "me on 3", ""},
		{"marked on one", [5]string{yours, "rl1.BBBBBBBBBBBBBBBBBBBBBB.you", yours, "", ""}, redlock.Held, "you on 3", ""},
		{"held by another library", [5]string{"v", "v", "v", "v", ""}, redlock.Held, "another client on 4", ""},
		{"split", [5]string{mine, mine, yours, yours, ""}, redlock.Split, "me on 2", ""},
		{"a holder that lost nodes", [5]string{mine, mine, "", "", "dead"}, redlock.Split, "me on 2", ""},
		{"a leftover", [5]string{mine, "", "", "", "dead"}, redlock.Free, "me on 1", ""},
		{"reserved", [5]string{reserved, reserved, reserved, "", ""}, redlock.Reserved, "<nil>", ""},
		{"too few", [5]string{mine, mine, "dead", "dead", "dead"}, redlock.Unknown, "me on 2", "n3: redlocktest: node n3: connection refused"},
		{"quarantine says nothing of freedom", [5]string{"", "", "fresh", "fresh", "fresh"}, redlock.Unknown, "<nil>", "n4: it abstains for 10"},
		{"but of holders", [5]string{mine, mine, "fresh" + mine, "fresh", "fresh"}, redlock.Held, "me on 3", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				nodes := redlocktest.NewNodes(5)
				l := open(t, nodes)
				synctest.Wait()
				for i, value := range tc.values {
					n := nodes[i]
					value, fresh := strings.CutPrefix(value, "fresh")
					if fresh {
						n.Kill()
						n.ReviveEmpty()
					}
					if value == "dead" {
						n.Kill()
						continue
					}
					if value != "" {
						n.Exec("SET", "redlock:k", value, "PX", "5000")
					}
				}
				_, _ = l.Inspect(t.Context(), "k") // the first finds out about restarts and deaths
				time.Sleep(100 * time.Millisecond)
				in, err := l.Inspect(t.Context(), "k")
				got := "<nil>"
				if h := in.Holder; h != nil {
					got = fmt.Sprintf("%s on %d", h.Label, h.Nodes)
				}
				if in.Verdict != tc.verdict || got != tc.holder {
					t.Errorf("%s by %s, want %s by %s", in.Verdict, got, tc.verdict, tc.holder)
				}
				switch {
				case tc.said == "" && err != nil:
					t.Error(err)
				case tc.said != "" && (!errors.Is(err, redlock.ErrNoQuorum) || !strings.Contains(err.Error(), tc.said)):
					t.Errorf("error %v", err)
				}
				for i, n := range in.Nodes {
					dead, fresh := tc.values[i] == "dead", strings.HasPrefix(tc.values[i], "fresh")
					if (n.Err != nil) != dead || n.Answered == dead || (n.Doubt != nil) != fresh {
						t.Errorf("%+v", n)
					}
				}
				if tc.verdict == redlock.Reserved {
					w := in.Waiters[0]
					if len(in.Waiters) != 1 || w.Kept != 3 || w.Nodes != 0 || w.Since.Unix() != 1700000000 || w.Process != "000102030405060708090a0b" {
						t.Errorf("%+v", in.Waiters)
					}
				}
			})
		})
	}
}

// A node that says an error is shown with it, and what it did say counts.
func TestInspectIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		l := open(t, nodes)
		if _, err := l.Acquire(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		nodes[0].Exec("DEL", "redlock:k")
		nodes[0].Exec("ZADD", "redlock:k", "1", "x")
		nodes[1].Exec("SET", "{redlock:k}:q", "x")
		in, err := l.Inspect(t.Context(), "k")
		if err != nil || in.Verdict != redlock.Held || in.Holder.Nodes != 2 {
			t.Errorf("%+v, %v", in, err)
		}
		for i, n := range in.Nodes {
			if (n.Err != nil) != (i < 2) || n.Answered == (i == 0) || i < 2 && !strings.Contains(n.Err.Error(), "WRONGTYPE") {
				t.Errorf("%+v", n)
			}
		}
		for _, name := range []string{"", strings.Repeat("x", redlock.MaxName+1)} {
			if in, err := l.Inspect(t.Context(), name); in != nil || err == nil {
				t.Errorf("Inspect of a bad name: %v, %v", in, err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for _, n := range nodes {
			n.Freeze()
		}
		if in, err := l.Inspect(ctx, "k"); in.Verdict != redlock.Unknown || !errors.Is(err, context.Canceled) {
			t.Errorf("with a context that is over: %s, %v", in.Verdict, err)
		}
	})
}

// Readers, and who has the slots of a semaphore, are named one by one.
func TestInspectShares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		alice, bob, eye := open(t, nodes, owner("alice")), open(t, nodes, owner("bob")), open(t, nodes)
		for _, l := range []*redlock.Locker{alice, bob} {
			_, err := l.AcquireRead(t.Context(), "k")
			ok(t, err)
			_, err = l.AcquireSlot(t.Context(), "k", 2)
			ok(t, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		waits := make(chan error, 1)
		go func() {
			_, err := bob.AcquireSlot(ctx, "k", 2)
			waits <- err
		}()
		time.Sleep(time.Second)
		synctest.Wait()
		nodes[2].Kill()
		since := batches(nodes)
		in, err := eye.Inspect(t.Context(), "k")
		ok(t, err)
		onlyReads(t, nodes, since)
		if in.Verdict != redlock.Held || in.Holder.Label != "readers" || len(in.Readers) != 2 || len(in.Slots) != 2 || len(in.SlotWaiters) != 1 || len(in.Waiters) != 0 {
			t.Fatalf("%+v", in)
		}
		for i, s := range append(in.Readers, in.Slots...) {
			if s.Nodes != 2 || s.Remaining <= 0 || s.Remaining > redlock.DefaultTTL || s.Label != "alice" && s.Label != "bob" || i > 1 && s.Slot != i-2 {
				t.Errorf("share %d: %+v", i, s)
			}
		}
		for i, n := range in.Nodes {
			if up := i != 2; up != n.Answered || up && (n.Slots != 2 || n.SlotWaiters != 1 || n.Waiters != 0) {
				t.Errorf("node %d: %+v", i, n)
			}
		}
		cancel()
		if err := <-waits; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func owner(name string) func(*redlock.Config) { return func(c *redlock.Config) { c.Owner = name } }
