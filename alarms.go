package redlock

import (
	"sync"
	"time"

	"github.com/redlock-go/redlock/internal/core"
)

// alarms is when each claim of a Locker wants to be stepped next, if nothing else
// happens to it before: a heap, and one timer for the first of it. A timer for each
// claim would cost two allocations and more memory than the heap, for what is most
// often cancelled: locks are held for shorter than it takes to be renewed.
type alarms struct {
	clock *clock
	rung  func() // is called when claims have been, to send what they held back

	mu    sync.Mutex
	heap  []alarm
	timer *time.Timer
	fires core.Time // when the timer does, or before: Never if it does not
}

type alarm struct {
	at    core.Time
	claim *claim
}

// none is the place in the heap of a claim that is not in it.
const none = -1

// ringAtOnce is how many claims one goroutine steps before it lets another help: when
// very many leases end at once, the last must not wait for all the others.
const ringAtOnce = 1024

func newAlarms(c *clock, rung func()) *alarms {
	a := &alarms{clock: c, rung: rung, fires: core.Never}
	a.timer = time.AfterFunc(time.Hour, a.ring)
	a.timer.Stop()
	return a
}

// set replaces the alarm of a claim; Never takes it out. It is called with the
// claim's mutex held.
func (a *alarms) set(c *claim, at core.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch place := int(c.place); {
	case at == core.Never && place == none:
		return
	case at == core.Never:
		a.remove(place)
		return
	case place == none:
		a.heap = append(a.heap, alarm{})
		a.up(len(a.heap)-1, alarm{at, c})
	case at < a.heap[place].at:
		a.up(place, alarm{at, c})
	default:
		a.down(place, alarm{at, c})
	}
	a.arm()
}

// ring steps the claims whose time has come.
func (a *alarms) ring() {
	var due []*claim
	a.mu.Lock()
	now := a.clock.now()
	for len(due) < ringAtOnce && len(a.heap) > 0 && a.heap[0].at <= now {
		due = append(due, a.heap[0].claim)
		a.remove(0)
	}
	if len(due) == ringAtOnce {
		go a.ring() // there may be more
	} else {
		a.fires = core.Never
		a.arm()
	}
	a.mu.Unlock()
	for _, c := range due {
		c.ring()
	}
	a.rung()
}

// arm makes the timer fire at the first alarm, or before: one that finds nothing to
// do costs less than resetting it each time. It is called with the mutex held.
func (a *alarms) arm() {
	if len(a.heap) == 0 || a.heap[0].at >= a.fires {
		return
	}
	a.fires = a.heap[0].at
	a.timer.Reset(max(0, a.fires-a.clock.now()))
}

// stop ends the timer.
func (a *alarms) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.timer.Stop()
	a.fires = 0
}

func (a *alarms) remove(i int) {
	last := len(a.heap) - 1
	a.heap[i].claim.place = none
	moved := a.heap[last]
	a.heap[last] = alarm{}
	a.heap = a.heap[:last]
	switch {
	case i == last:
	case i > 0 && moved.at < a.heap[(i-1)/4].at:
		a.up(i, moved)
	default:
		a.down(i, moved)
	}
	if last < cap(a.heap)/4 && last >= 1024 {
		a.heap = append(make([]alarm, 0, 2*last), a.heap...)
	}
}

// up puts x at i or nearer to the front.
func (a *alarms) up(i int, x alarm) {
	for i > 0 {
		parent := (i - 1) / 4
		if a.heap[parent].at <= x.at {
			break
		}
		a.put(i, a.heap[parent])
		i = parent
	}
	a.put(i, x)
}

// down puts x at i or farther from the front.
func (a *alarms) down(i int, x alarm) {
	for {
		first := 4*i + 1
		if first >= len(a.heap) {
			break
		}
		least := first
		for j := first + 1; j < min(first+4, len(a.heap)); j++ {
			if a.heap[j].at < a.heap[least].at {
				least = j
			}
		}
		if a.heap[least].at >= x.at {
			break
		}
		a.put(i, a.heap[least])
		i = least
	}
	a.put(i, x)
}

func (a *alarms) put(i int, x alarm) {
	a.heap[i] = x
	x.claim.place = int32(i) //nolint:gosec // there is no room for so many
}
