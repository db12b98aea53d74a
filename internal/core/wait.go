package core

import (
	"slices"
	"time"
)

// Waiter decides when one who stands in the nodes' queues for a key tries again:
// when enough nodes keep it for it, as they say by a push; when the key must be free
// on enough of them, as their answers to the last attempt said; when it is told to
// look after a reservation of another. A push is a hint, and truth is what the next
// attempt finds (I7).
type Waiter struct {
	need   int
	places []place
	rules  *WaitRules

	next  Time // when to try again
	look  Time // and when at the latest, after a reservation of another; of this attempt's time
	blind int  // attempts in a row that silent nodes decided
}

// WaitRules are what all waiters of a client have in common.
type WaitRules struct {
	Reservation time.Duration // for how long a node keeps the key for a waiter
	// Grace is how long pushes of a minority wait for others: the rest may have been
	// lost.
	Grace time.Duration
	// Turn is the time that those in front have to wake by themselves, each.
	Turn time.Duration
	// Most is the longest time between two attempts: a node forgets a queue that
	// nobody touches.
	Most time.Duration
}

// mostBlind bounds how often the pause after an attempt that silent nodes decided is
// doubled: up to half a second.
const mostBlind = 5

// mostTurns bounds the time for those in front.
const mostTurns = 20

// place is what a waiter knows of one node.
type place struct {
	free   Time // when the key will be free there, or kept for the waiter; Never if not known
	held   bool // somebody has it until then, and not only a reservation
	pushed Time // the last push
	fresh  bool // it came since the last attempt began
	slot   int  // of a semaphore, the one that it told of
}

// NewWaiter returns a waiter that has not tried yet.
func NewWaiter(nodes, need int, rules *WaitRules) Waiter {
	w := Waiter{need: need, places: make([]place, nodes), rules: rules, next: Never, look: Never}
	for i := range w.places {
		w.places[i].free = Never
	}
	return w
}

// Try takes note that an attempt begins.
func (w *Waiter) Try() {
	w.next, w.look = Never, Never
	for i := range w.places {
		w.places[i].fresh = false
	}
}

// Alarm is when to try again, if nothing else happens before.
func (w *Waiter) Alarm() Time { return w.next }

// Seen is what an attempt that was lost found.
type Seen uint8

// What an attempt can find. Queued: the nodes' pushes are to be waited for. Alone: so
// many pushes as are needed are not to be expected, since another library has the key
// on some nodes, or since they did not answer; then the shell waits as Pace says.
const (
	Queued Seen = iota + 1
	Alone
)

// Lost takes what the attempt found, and a random number between 0 and 1.
func (w *Waiter) Lost(now Time, c *Claim, random float64) Seen {
	able, refused, rank := 0, 0, mostTurns // able: nodes that push, or would let us have the key
	for i := range w.places {
		p := &w.places[i]
		v, agreed := c.Vote(i)
		if agreed || v.Queued && !v.Foreign || p.fresh {
			able++
		}
		switch {
		case agreed:
			p.free, p.held = now, false // and given back
		case v.Answer != Refused:
			p.free, p.held = Never, false
		default:
			refused++
			p.free, p.held = Never, true
			if v.Remaining > 0 {
				p.free, p.held = now+v.Remaining+time.Millisecond, !v.Reserved
			}
			if v.Queued {
				rank = min(rank, v.Rank)
			}
		}
		if p.fresh {
			p.free, p.held = p.pushed, false // it may be newer than the answer
		}
	}
	if able < w.need {
		w.next = min(now+w.rules.Most, w.look)
		return Alone
	}
	free := make([]Time, 0, len(w.places))
	for i := range w.places {
		free = append(free, w.places[i].free)
	}
	slices.Sort(free)
	w.next = now + w.rules.Most
	if at := free[w.need-1]; at < w.next {
		if at > now {
			at = w.ending(at) + time.Duration(rank)*w.rules.Turn
		} else {
			at = now + w.grace(random) // as much was free a moment ago, and not to be had
		}
		w.next = min(w.next, at)
	}
	if refused > len(w.places)-w.need {
		w.blind = 0
	} else {
		// So many did not say no: with those that were silent, or did not vote, it may
		// be to be had, and then nobody will push.
		w.next = min(w.next, now+w.grace(random)<<w.blind)
		w.blind = min(w.blind+1, mostBlind)
	}
	w.next = min(w.next, w.look)
	w.hurry(now, random)
	return Queued
}

// ending is when to try again if enough nodes will be free at the given time. If those that are the last
// keep the key for another until then, and somebody's key ends on some before, it is then: asked
// then, those keep it for the same one at the same time, and not after the others, each for a
// reservation.
func (w *Waiter) ending(at Time) Time {
	last := Time(0)
	for i := range w.places {
		switch p := &w.places[i]; {
		case !p.held:
		case p.free == at:
			return at
		case p.free < at:
			last = max(last, p.free)
		}
	}
	if last == 0 {
		return at
	}
	return last
}

// Pushed takes note that a node keeps the key for the waiter, or that slot of it.
func (w *Waiter) Pushed(now Time, node, slot int, random float64) {
	p := &w.places[node]
	p.free, p.held, p.pushed, p.fresh, p.slot = now, false, now, true, slot
	w.hurry(now, random)
}

// Look takes note that a node keeps the key for another waiter, which may not come:
// when that is over somebody has to look. An attempt that is under way may have asked the node
// before.
func (w *Waiter) Look(now Time, random float64) {
	w.look = min(w.look, now+w.rules.Reservation+time.Millisecond+w.grace(random))
	w.next = min(w.next, w.look)
}

// Rejoin takes note that a node may have forgotten that the waiter stands in its
// queue, or that it has a push which did not come.
func (w *Waiter) Rejoin(now Time, random float64) {
	w.next = min(w.next, now+time.Duration(random*float64(w.rules.Reservation)))
}

// Slot is the slot that most nodes keep for the waiter, for all it knows, and the lowest of
// those; AnySlot if none keeps one.
func (w *Waiter) Slot(now Time) int {
	slot, _ := w.kept(now)
	return slot
}

// kept is that slot, and how many nodes keep it.
func (w *Waiter) kept(now Time) (slot, nodes int) {
	keeps := func(p *place) bool { return p.fresh && now < p.pushed+w.rules.Reservation }
	slot = AnySlot
	for i := range w.places {
		p := &w.places[i]
		if !keeps(p) || p.slot == slot {
			continue
		}
		n := 0
		for j := range w.places {
			if o := &w.places[j]; keeps(o) && o.slot == p.slot {
				n++
			}
		}
		if n > nodes || n == nodes && p.slot < slot {
			slot, nodes = p.slot, n
		}
	}
	return slot, nodes
}

// hurry: a majority that keeps the key for the waiter is tried at once; a minority
// soon, unless it is known that somebody has the others.
func (w *Waiter) hurry(now Time, random float64) {
	_, kept := w.kept(now)
	if kept == 0 {
		return
	}
	perhaps := 0
	for i := range w.places {
		if p := &w.places[i]; !p.held || p.free <= now {
			perhaps++
		}
	}
	switch {
	case kept >= w.need:
		w.next = now
	case perhaps >= w.need:
		w.next = min(w.next, now+w.grace(random))
	}
}

func (w *Waiter) grace(random float64) time.Duration {
	return time.Duration((0.5 + random) * float64(w.rules.Grace))
}

// Kept reports whether the node has said since the last attempt began that it keeps
// the key for the waiter.
func (w *Waiter) Kept(node int) bool { return w.places[node].fresh }
