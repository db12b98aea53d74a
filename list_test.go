package redlock_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/redlocktest"
)

// names lists what List finds, sorted, and the error at its end.
func names(t *testing.T, l *redlock.Locker, prefix string) (found []string, last error) {
	t.Helper()
	for e, err := range l.List(t.Context(), prefix) {
		if last != nil {
			t.Error("something came after an error")
		}
		if last = err; err == nil {
			found = append(found, e.Name)
		}
	}
	slices.Sort(found)
	return found, last
}

// Locks are listed once each, whatever nodes they are on, and nothing else is: no
// helper key, no note, no stranger's key. Characters of a pattern stand for themselves.
func TestList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(5)
		l := open(t, nodes)
		want := []string{`a*b`, `a?b`, `a[x]b`, `a\b`, "fresher", "naïve"}
		for i := range 700 { // more than a page
			want = append(want, fmt.Sprintf("many/%03d", i))
		}
		for i, name := range want {
			lease, err := l.Acquire(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			for j := range i % 3 { // held on five, four or three, and no two nodes alike
				nodes[(i/3+j)%5].Exec("DEL", lease.Key())
			}
		}
		for _, n := range nodes {
			n.Exec("SET", "redlock:fresh", "run")
			n.Exec("SET", "app:x", "v")
			n.Exec("ZADD", "{redlock:many/1}:q", "1", "w")
			n.Exec("ZADD", "redlock:no-lock", "1", "w")
		}
		nodes[4].Exec("SET", "redlock:leftover", "v", "PX", "1000")
		slices.Sort(want)
		synctest.Wait()
		before := batches(nodes)
		if found, err := names(t, l, ""); err != nil || !slices.Equal(found, want) {
			t.Errorf("%d found, %d wanted, %v", len(found), len(want), err)
		}
		onlyReads(t, nodes, before)
		for prefix, want := range map[string][]string{
			"a*": {"a*b"}, "a?": {"a?b"}, "a[x": {"a[x]b"}, `a\`: {`a\b`}, "a": {"a*b", "a?b", "a[x]b", `a\b`},
			"many/69": {"many/690", "many/691", "many/692", "many/693", "many/694", "many/695", "many/696", "many/697", "many/698", "many/699"},
			"none":    nil,
		} {
			if found, err := names(t, l, prefix); err != nil || !slices.Equal(found, want) {
				t.Errorf("%q: found %q, %v", prefix, found, err)
			}
		}

		// One node that is dead changes nothing, nor do two.
		for _, dead := range []int{0, 2} {
			nodes[dead].Kill()
			if found, err := names(t, l, "many/"); err != nil || len(found) != 700 {
				t.Errorf("with dead nodes: %d found, %v", len(found), err)
			}
		}
		nodes[4].Kill()
		found, err := names(t, l, "")
		var q *redlock.QuorumError
		if !errors.As(err, &q) || q.Got != 2 || q.Need != 3 || len(q.Nodes) != 3 || len(found) == 0 {
			t.Errorf("with a majority dead: %d found, %v", len(found), err)
		}
	})
}

// An entry says who has the lock, and a caller who has enough is asked for no more.
func TestListEntry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		l := open(t, nodes)
		for _, name := range []string{"x", "y", "z"} {
			if _, err := l.Acquire(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		nodes[2].Kill()
		before := nodes[0].Batches()
		for e, err := range l.List(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			h := e.Holder
			if e.Verdict != redlock.Held || h.Label != t.Name() || h.Nodes != 2 || h.Remaining != 9*time.Second || e.Answered != 2 ||
				h.Key != "redlock:"+e.Name || !h.Since.IsZero() {
				t.Errorf("%+v, %+v", e, h)
			}
			break
		}
		if n := nodes[0].Batches() - before; n != 2 {
			t.Errorf("%d batches for a page", n)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var last error
		for _, last = range l.List(ctx, "") {
		}
		if !errors.Is(last, context.Canceled) {
			t.Errorf("with a context that is over: %v", last)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		for _, last = range l.List(t.Context(), "") {
		}
		if !errors.Is(last, redlock.ErrClosed) {
			t.Errorf("after Close: %v", last)
		}
	})
}

// A semaphore is listed beside the lock of the same name, with those who have its slots.
func TestListSemaphores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		l := open(t, nodes)
		if _, err := l.Acquire(t.Context(), "x"); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := l.AcquireSlot(t.Context(), "x", 3); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 600 { // more than a page
			if _, err := l.AcquireSlot(t.Context(), fmt.Sprintf("many/%03d", i), 2); err != nil {
				t.Fatal(err)
			}
		}
		given, err := l.AcquireSlot(t.Context(), "given back", 2)
		if err != nil {
			t.Fatal(err)
		}
		if err := given.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, n := range nodes {
			n.Exec("ZADD", "{redlock:stranger}:s", "1", "member")
			n.Exec("SET", "{redlock:string}:s", "v")
		}
		nodes[1].Exec("DEL", "{redlock:x}:s")
		time.Sleep(time.Second)
		synctest.Wait()
		before := batches(nodes)
		var semaphore redlock.Entry
		found, semaphores := 0, 0
		for e, err := range l.List(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			found++
			if e.Semaphore {
				semaphores++
				if e.Name == "x" {
					semaphore = e
				}
			}
		}
		onlyReads(t, nodes, before)
		if found != 602 || semaphores != 601 {
			t.Errorf("%d found, %d of them semaphores", found, semaphores)
		}
		h, slots := semaphore.Holder, semaphore.Slots
		if semaphore.Verdict != redlock.Held || semaphore.Key != "redlock:x" || semaphore.Answered != 3 || len(slots) != 2 ||
			h == nil || h.Label != "slots" || h.Nodes != 2 || h.Remaining != 9*time.Second {
			t.Fatalf("%+v, held by %+v", semaphore, h)
		}
		if slots[0].Slot >= slots[1].Slot {
			t.Errorf("slots %d and %d, in this order", slots[0].Slot, slots[1].Slot)
		}
		for _, s := range slots {
			if s.Label != t.Name() || s.Nodes != 2 || s.Remaining != 9*time.Second {
				t.Errorf("%+v", s)
			}
		}
		if _, err := l.ForceRelease(t.Context(), *h); err == nil {
			t.Error("all slots were taken by force")
		}
		nodes[2].Exec("DEL", "{redlock:x}:s")
		for e, err := range l.List(t.Context(), "x") {
			if err != nil {
				t.Fatal(err)
			}
			if e.Semaphore && e.Verdict != redlock.Split {
				t.Errorf("on a minority: %+v", e)
			}
		}
		nodes[0].Kill()
		if found, err := names(t, l, "x"); err != nil || !slices.Equal(found, []string{"x"}) {
			t.Errorf("found %q, %v", found, err)
		}
	})
}

// Where keys have no prefix, those beside a lock's own are not taken for locks.
func TestListWithoutPrefix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(1)
		l, err := redlock.New(redlock.Config{Nodes: nodes.Connect(), Prefix: redlock.NoPrefix, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if _, err := l.Acquire(t.Context(), "{x}y"); err != nil {
			t.Fatal(err)
		}
		if found, err := names(t, l, ""); err != nil || !slices.Equal(found, []string{"{x}y"}) {
			t.Errorf("found %q, %v", found, err)
		}
	})
}
