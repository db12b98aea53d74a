package redlock_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/redlocktest"
)

func acquireSlot(t *testing.T, l *redlock.Locker, of int, opts ...redlock.Option) *redlock.Lease {
	t.Helper()
	lease, err := l.TryAcquireSlot(t.Context(), "s", of, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return lease
}

// K leases are had in one round each, each of a slot of its own, and no more; when one is
// given back another can be had.
func TestSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(5)
		l := open(t, nodes)
		_ = acquireSlot(t, l, 3).Release(t.Context()) // the nodes know the scripts now
		time.Sleep(time.Second)
		before := nodes[0].Batches()
		var leases []*redlock.Lease
		taken := map[int]bool{}
		for range 3 {
			lease := acquireSlot(t, l, 3)
			if s := lease.Slot(); s < 0 || s > 2 || taken[s] {
				t.Fatalf("slot %d, where %v are taken", s, taken)
			}
			taken[lease.Slot()] = true
			leases = append(leases, lease)
		}
		synctest.Wait()
		if rounds := nodes[0].Batches() - before; rounds > 3 { // fewer, if two travelled together
			t.Errorf("3 acquisitions took %d batches", rounds)
		}
		_, err := l.TryAcquireSlot(t.Context(), "s", 3)
		var held *redlock.HeldError
		if !errors.As(err, &held) || held.Holder != "3 of 3 holders" || held.Remaining <= 0 || held.Remaining > 10*time.Second {
			t.Errorf("a fourth: %v", err)
		}
		if lock := acquire(t, l, "s"); lock.Slot() != -1 {
			t.Errorf("the lock of the same name is of slot %d", lock.Slot())
		} else if err := lock.Release(t.Context()); err != nil {
			t.Error(err)
		}
		for _, lease := range leases {
			if err := lease.Extend(t.Context()); err != nil {
				t.Error(err)
			}
		}
		slot, token := leases[1].Slot(), leases[1].Token()
		if err := leases[1].Release(t.Context()); err != nil {
			t.Error(err)
		}
		again := acquireSlot(t, l, 3)
		if again.Slot() != slot || again.Token() <= token {
			t.Errorf("slot %d with token %d, after slot %d with token %d", again.Slot(), again.Token(), slot, token)
		}
		for _, lease := range []*redlock.Lease{leases[0], again, leases[2]} {
			if err := lease.Release(t.Context()); err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		for _, n := range nodes {
			if keys := n.Keys(); !slices.Equal(keys, []string{"{redlock:s}:st", "{redlock:s}:t"}) {
				t.Errorf("left behind: %v", keys)
			}
		}
		time.Sleep(25 * time.Hour)
		for _, n := range nodes {
			if keys := n.Keys(); len(keys) > 0 {
				t.Errorf("the registers of the slots are immortal: %v", keys)
			}
		}
	})
}

func TestBadSlots(t *testing.T) {
	l := open(t, redlocktest.NewNodes(1))
	for _, of := range []int{0, -1, redlock.MaxSlots + 1} {
		if _, err := l.AcquireSlot(t.Context(), "s", of); err == nil || !strings.Contains(err.Error(), fmt.Sprint(of)) {
			t.Errorf("of %d: %v", of, err)
		}
	}
	if _, err := l.TryAcquireSlot(t.Context(), "", 3); err == nil {
		t.Error("a semaphore without a name")
	}
	lease := acquireSlot(t, l, redlock.MaxSlots)
	if err := lease.Release(t.Context()); err != nil {
		t.Error(err)
	}
}

// Who waits gets the slot that is given back, at once and in order; and that of a holder
// that dies when its own time is over, whatever the others do.
func TestSlotsAreWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(5)
		for _, n := range nodes {
			n.Delay(time.Millisecond)
		}
		start := time.Now()
		holders := open(t, nodes)
		kept := acquireSlot(t, holders, 2)
		dies := acquireSlot(t, holders, 2, redlock.WithoutRenewal())
		var order []int
		var mu sync.Mutex
		var waiting sync.WaitGroup
		first := make(chan *redlock.Lease, 1)
		for i := range 4 {
			l := open(t, nodes)
			waiting.Go(func() {
				lease, err := l.AcquireSlot(t.Context(), "s", 2)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				order = append(order, i)
				mu.Unlock()
				if i == 0 {
					first <- lease
					return
				}
				if i == 1 && (time.Since(start) > 10*time.Second+20*time.Millisecond || lease.Slot() != dies.Slot()) {
					t.Errorf("slot %d came back after %v", lease.Slot(), time.Since(start))
				}
				time.Sleep(100 * time.Millisecond)
				if err := lease.Release(t.Context()); err != nil {
					t.Error(err)
				}
			})
			time.Sleep(100 * time.Millisecond)
		}
		given := time.Now()
		if err := kept.Release(t.Context()); err != nil {
			t.Error(err)
		}
		lease := <-first
		if took := time.Since(given); took > 5*time.Millisecond || lease.Slot() != kept.Slot() {
			t.Errorf("slot %d was handed over after %v", lease.Slot(), took)
		}
		waiting.Wait()
		if !slices.Equal(order, []int{0, 1, 2, 3}) {
			t.Errorf("in the order %v", order)
		}
		if _, err := holders.TryAcquireSlot(t.Context(), "s", 1); (err == nil) != (lease.Slot() != 0) {
			t.Errorf("slot %d is held, and slot 0: %v", lease.Slot(), err)
		}
	})
}

// The number of slots changes while they are in use: never are there more holders than
// the larger, and nobody gets a slot that it does not know of.
func TestSlotsChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		l := open(t, nodes)
		var five []*redlock.Lease
		for range 5 {
			five = append(five, acquireSlot(t, l, 5))
		}
		slices.SortFunc(five, func(a, b *redlock.Lease) int { return a.Slot() - b.Slot() })
		if _, err := l.TryAcquireSlot(t.Context(), "s", 3); !errors.Is(err, redlock.ErrHeld) {
			t.Errorf("a sixth: %v", err)
		}
		narrow, wide := open(t, nodes), open(t, nodes)
		got := make(chan int, 2)
		var waiting sync.WaitGroup
		wait := func(l *redlock.Locker, of int) {
			waiting.Go(func() {
				lease, err := l.AcquireSlot(t.Context(), "s", of)
				if err != nil {
					t.Error(err)
					return
				}
				got <- lease.Slot()
			})
			synctest.Wait()
		}
		wait(narrow, 3)
		wait(wide, 5)
		// Slot 4 is nothing for the first in the queue, who is passed over.
		if err := five[4].Release(t.Context()); err != nil {
			t.Error(err)
		}
		if s := <-got; s != 4 {
			t.Errorf("slot %d is given to who waits for one of 5", s)
		}
		if err := five[1].Release(t.Context()); err != nil {
			t.Error(err)
		}
		if s := <-got; s != 1 {
			t.Errorf("slot %d is given to who waits for one of 3", s)
		}
		waiting.Wait()
		if lease := acquireSlot(t, l, 7); lease.Slot() < 5 {
			t.Errorf("of 7 slots, 5 of which are in use, slot %d", lease.Slot())
		}
	})
}

// Nodes that do not agree which slots are free grant different ones: one that has a
// majority is taken, and what the others granted is exchanged for it.
func TestSlotsThatNodesDisagreeAbout(t *testing.T) {
	for _, tc := range []struct {
		name string
		used [5][]int // on each node, of 3
		most int      // batches to a node
	}{
		{"a minority", [5][]int{{0}, {0}, {}, {}, {}}, 2},
		{"two minorities", [5][]int{{0}, {1}, {}, {}, {}}, 2},
		{"no majority", [5][]int{{0, 1}, {0, 1}, {1, 2}, {1, 2}, {0, 2}}, 0},
		{"all different", [5][]int{{0}, {1}, {2}, {0}, {1}}, 5},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				nodes := redlocktest.NewNodes(5)
				l := open(t, nodes)
				time.Sleep(time.Second)
				till := fmt.Sprint(time.Now().Add(time.Hour).UnixMilli())
				for i, used := range tc.used {
					for _, s := range used {
						name := fmt.Sprint("other", s)
						nodes[i].Exec("ZADD", "{redlock:s}:s", fmt.Sprint(s), name)
						nodes[i].Exec("ZADD", "{redlock:s}:sx", till, name)
					}
				}
				for range 20 {
					lease, err := l.TryAcquireSlot(t.Context(), "s", 3)
					if tc.most == 0 {
						if !errors.Is(err, redlock.ErrHeld) {
							t.Fatal(err)
						}
						continue
					}
					if err != nil {
						t.Fatal(err)
					}
					synctest.Wait()
					has := 0
					for i, n := range nodes {
						for _, value := range n.Exec("ZRANGE", "{redlock:s}:s", "0", "-1").Items {
							if strings.HasPrefix(value.Text, "other") {
								continue
							}
							if slot := n.Exec("ZSCORE", "{redlock:s}:s", value.Text).Text; slot != fmt.Sprint(lease.Slot()) {
								t.Errorf("node %d has slot %s for the holder of slot %d", i, slot, lease.Slot())
							}
							has++
						}
					}
					if has < 3 {
						t.Errorf("%d nodes have the slot", has)
					}
					if err := lease.Extend(t.Context()); err != nil {
						t.Error(err)
					}
					if err := lease.Release(context.Background()); err != nil {
						t.Error(err)
					}
					synctest.Wait()
				}
			})
		})
	}
}
