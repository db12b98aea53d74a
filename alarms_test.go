package redlock

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redlock-go/redlock/internal/core"
)

// The heap against a map: whatever is set, replaced and taken out, in any order, the
// first alarm is the least, and each claim knows its place.
func TestAlarmsKeepTheirOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	a := newAlarms(newClock(), func() {})
	defer a.stop()
	claims := make([]*claim, 300)
	for i := range claims {
		claims[i] = &claim{place: none}
	}
	set := make(map[*claim]core.Time)
	for range 20_000 {
		c := claims[r.IntN(len(claims))]
		if at := time.Hour + time.Duration(r.IntN(1000))*time.Minute; r.IntN(3) > 0 {
			a.set(c, at)
			set[c] = at
		} else {
			a.set(c, core.Never)
			delete(set, c)
		}
		if len(a.heap) != len(set) {
			t.Fatalf("%d alarms, want %d", len(a.heap), len(set))
		}
		least := core.Never
		for c, at := range set {
			least = min(least, at)
			if c.place == none || a.heap[c.place].claim != c || a.heap[c.place].at != at {
				t.Fatalf("a claim is not where it thinks that it is: %d", c.place)
			}
		}
		if len(set) > 0 && a.heap[0].at != least {
			t.Fatalf("the first alarm is at %v, the least at %v", a.heap[0].at, least)
		}
	}
	for _, c := range claims {
		if _, ok := set[c]; !ok && c.place != none {
			t.Fatal("a claim that was taken out thinks that it is there")
		}
	}
}

// Very many leases that end at the same time all end at that time, and their memory
// goes.
func TestAlarmsOfACrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var flushes atomic.Int64
		a := newAlarms(newClock(), func() { flushes.Add(1) })
		defer a.stop()
		l := &Locker{terms: core.Terms{Nodes: 1, Need: 1, TTL: time.Second}, clock: a.clock, alarms: a}
		claims := make([]*claim, 5*ringAtOnce)
		for i := range claims {
			claims[i] = &claim{locker: l, place: none, decided: make(chan struct{}, 1)}
			claims[i].core.Init(&l.terms)
			a.set(claims[i], time.Minute)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		for i, c := range claims {
			if c.place != none || c.alarm != core.Never {
				t.Fatalf("claim %d was not stepped", i)
			}
		}
		if cap(a.heap) > len(claims)/2 {
			t.Errorf("an empty heap has room for %d", cap(a.heap))
		}
		if flushes.Load() == 0 {
			t.Error("what was held back was not sent")
		}
	})
}
