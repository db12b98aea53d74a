package redlock

import (
	"cmp"
	"slices"
	"time"

	"github.com/redlock-go/redlock/internal/script"
)

// What nodes say of a lock, taken together.

// judge is what the nodes say together, and who has the key on most of them. A
// replica, or a server that is listed twice, says nothing. A node in quarantine may know
// who has the key, but not that nobody has.
func (l *Locker) judge(key string, nodes []NodeState) (Verdict, *Holder) {
	holders := make(map[string][]NodeState) // by value
	kept := make(map[string]int)
	heard, free := 0, 0
	for _, n := range nodes {
		switch value := n.sight.Value; {
		case !n.Answered || n.barred:
			continue
		case n.Reserved:
			kept[value]++
		case value != "":
			holders[value] = append(holders[value], n)
		case n.Doubt != nil:
			continue
		default:
			free++
		}
		heard++
	}
	holder := l.foremost(key, holders)
	most := 0
	for _, n := range kept {
		most = max(most, n)
	}
	need := l.terms.Need
	switch {
	case holder != nil && holder.Nodes >= need:
		return Held, holder
	case heard < need:
		return Unknown, holder
	case free >= need:
		return Free, holder
	case most >= need:
		return Reserved, holder
	}
	return Split, holder
}

// judgeSlots is what the nodes say together of a semaphore, of which those have slots.
func (l *Locker) judgeSlots(key string, nodes []NodeState, slots []Share) (Verdict, *Holder) {
	if len(slots) == 0 {
		return Free, nil
	}
	heard := 0
	for _, n := range nodes {
		if n.Answered && !n.barred {
			heard++
		}
	}
	h := &Holder{Key: key, Label: "slots"}
	for _, s := range slots {
		if s.Nodes > h.Nodes || s.Nodes == h.Nodes && longer(s.Remaining, h.Remaining) < 0 {
			h.Nodes, h.Remaining = s.Nodes, s.Remaining
		}
	}
	switch {
	case h.Nodes >= l.terms.Need:
		return Held, h
	case heard < l.terms.Need:
		return Unknown, h
	}
	return Split, h
}

// foremost is who has the key on most nodes; of two that have it on as many always the
// same.
func (l *Locker) foremost(key string, holders map[string][]NodeState) *Holder {
	best := ""
	for value, at := range holders {
		switch other := holders[best]; {
		case len(at) > len(other), len(at) == len(other) && value < best:
			best = value
		}
	}
	if best == "" {
		return nil
	}
	at := holders[best]
	h := &Holder{
		Key: key, ID: script.HolderID(best), Label: holderName(best), Nodes: len(at),
		Foreign: !script.IsOurs(best), value: best,
	}
	var lives []time.Duration
	lowest := uint64(0)
	for _, n := range at {
		lives = append(lives, n.Remaining)
		if r := n.Register; r > 0 && (lowest == 0 || r < lowest) {
			lowest = r
		}
	}
	slices.SortFunc(lives, longer)
	h.Remaining = lives[min(len(lives), l.terms.Need)-1]
	if len(lives) < l.terms.Need {
		h.Remaining = lives[0]
	}
	if lowest > 0 && !h.Foreign {
		h.Since = l.when(lowest)
	}
	return h
}

// longer sorts what lives longest to the front: what does not expire, and last what is
// not known.
func longer(a, b time.Duration) int {
	switch {
	case a == b:
		return 0
	case a < 0, b >= 0 && a > b:
		return -1
	}
	return 1
}

// when reads a token or a ticket as a wall clock, zero if it cannot be one: tokens may be
// ahead of all clocks.
func (l *Locker) when(micros uint64) time.Time {
	const soon = 60e6 // what clocks may differ by
	if micros > l.clock.read().Wall+soon {
		return time.Time{}
	}
	return time.UnixMicro(int64(micros))
}

// queued merges the nodes' queues, and whom they keep the key for. Names of waiters sort as their turns do.
func queued(nodes []NodeState, kept bool, of func(*script.View) []script.Waiter) []QueuedWaiter {
	found := make(map[script.Waiter]*QueuedWaiter)
	var names []script.Waiter
	note := func(name script.Waiter) *QueuedWaiter {
		if found[name] == nil {
			ticket, process := name.Parts()
			found[name] = &QueuedWaiter{Process: process, Since: time.UnixMicro(int64(ticket))}
			names = append(names, name)
		}
		return found[name]
	}
	for _, n := range nodes {
		if n.barred {
			continue
		}
		for _, name := range of(&n.sight) {
			note(name).Nodes++
		}
		if name, ok := script.ReservedFor(n.sight.Value); ok && kept {
			note(name).Kept++
		}
	}
	slices.Sort(names)
	list := make([]QueuedWaiter, len(names))
	for i, name := range names {
		list[i] = *found[name]
	}
	return list
}

// readersOf are who share a key.
func (l *Locker) readersOf(key string, nodes []NodeState) []Share {
	return l.shares(key, nodes, script.Reader, func(v *script.View) []script.Share { return v.Readers })
}

// slotsOf are who have those of a semaphore.
func (l *Locker) slotsOf(key string, nodes []NodeState) []Share {
	return l.shares(key, nodes, script.Slots{}, func(v *script.View) []script.Share { return v.Slots })
}

// shares merges what the nodes say of those who are several: those on most nodes of a slot
// first.
func (l *Locker) shares(key string, nodes []NodeState, kind script.Kind, of func(*script.View) []script.Share) []Share {
	found := make(map[string]*Share)
	lives := make(map[string][]time.Duration)
	for _, n := range nodes {
		if n.barred {
			continue
		}
		for _, s := range of(&n.sight) {
			if found[s.Value] == nil {
				found[s.Value] = &Share{
					ID: script.HolderID(s.Value), Label: holderName(s.Value), Slot: s.Slot,
					key: key, value: s.Value, kind: kind,
				}
			}
			found[s.Value].Nodes++
			lives[s.Value] = append(lives[s.Value], s.Remaining)
		}
	}
	list := make([]Share, 0, len(found))
	for value, s := range found {
		left := lives[value]
		slices.SortFunc(left, longer)
		s.Remaining = left[0]
		if len(left) >= l.terms.Need {
			s.Remaining = left[l.terms.Need-1]
		}
		list = append(list, *s)
	}
	slices.SortFunc(list, func(a, b Share) int {
		return cmp.Or(cmp.Compare(a.Slot, b.Slot), cmp.Compare(b.Nodes, a.Nodes), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// silence is the error of a question that too few nodes answered.
func (l *Locker) silence(op, key string, nodes []NodeState) *QuorumError {
	e := &QuorumError{Op: op, Key: key, Need: l.terms.Need}
	for _, n := range nodes {
		switch {
		case !n.Answered:
			e.Nodes = append(e.Nodes, NodeError{n.Node, n.Err})
		case n.Doubt != nil && (n.barred || n.sight.Value == ""):
			e.Nodes = append(e.Nodes, NodeError{n.Node, n.Doubt})
		default:
			e.Got++
		}
	}
	return e
}
