package sim

import (
	"math/rand/v2"
	"slices"

	"github.com/redlock-go/redlock/internal/check"
	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/resp"
)

// hasSlot reports whether the node has a slot for the claim.
func (n *node) hasSlot(now int64, c *claim) bool {
	return script.Slots{}.Held(n.model, now, c.params.Key, c.value) != core.AnySlot
}

// execSlots executes a command about a semaphore, and tells the world's book what became of
// the slots: whoever has one on the node, and not of which.
func (n *node) execSlots(w *world, now int64, by *claim, op core.Op, first bool, cmd resp.Command) resp.Reply {
	n.expire(now)
	before := script.Slots{}.Held(n.model, now, by.params.Key, by.value)
	reply := n.model.Exec(now, cmd)
	held := n.slots[:0]
	had := false
	for _, c := range n.slots {
		had = had || c == by
		if n.hasSlot(now, c) {
			held = append(held, c)
			continue
		}
		w.tell(check.Event{Kind: check.Dropped, Node: n.index, Key: c.key, Claim: c.id, By: by.id})
	}
	n.slots = held
	switch slot := (script.Slots{}).Held(n.model, now, by.params.Key, by.value); {
	case slot == core.AnySlot:
	case !had || slot != before:
		if !had {
			n.slots = append(n.slots, by)
		}
		w.tell(check.Event{Kind: check.Took, Node: n.index, Key: by.key, Claim: by.id, By: by.id, First: first && !script.Slots{}.Moves(cmd)})
	case op == core.Extend && reply.Kind == resp.Int && reply.Int == 1:
		w.tell(check.Event{Kind: check.Kept, Node: n.index, Key: by.key, Claim: by.id, By: by.id})
	}
	return reply
}

// expire forgets those whose time on the node is over.
func (n *node) expire(now int64) {
	held := n.slots[:0]
	for _, c := range n.slots {
		if n.hasSlot(now, c) {
			held = append(held, c)
		}
	}
	n.slots = held
}

// remember brings those who have slots up to date, after the node has lost its memory
// and taken what it had saved for it.
func (n *node) remember(w *world) {
	now := n.ms(w.now)
	n.expire(now)
	for _, c := range n.savedSlots {
		known := false
		for _, other := range n.slots {
			known = known || other == c
		}
		if !known && n.hasSlot(now, c) {
			n.slots = append(n.slots, c)
			w.tell(check.Event{Kind: check.Rose, Node: n.index, Key: c.key, Claim: c.id})
		}
	}
	n.savedSlots = nil
}

// semaphores makes semaphores of some of the world's keys: of one in a few worlds, with a
// K that is not the same for all who use it in one in a few of those. Like versions, it
// has dice of its own.
func (g *generator) semaphores(seed uint64) {
	dice := rand.New(rand.NewPCG(seed, 0x736c6f7473))
	if !g.all && dice.IntN(100) >= 20 {
		return
	}
	if g.all {
		g.s.Ops = slices.DeleteFunc(g.s.Ops, func(o Op) bool { return o.Watch })
		for i := range g.s.Ops {
			o := &g.s.Ops[i]
			o.Also, o.Elect, o.Read, o.Yield = nil, false, false, 0
		}
	}
	for key := range g.s.Keys {
		if !g.all && dice.IntN(3) == 0 {
			continue
		}
		most := 1 + dice.IntN(1+dice.IntN(6))
		changes, at := dice.IntN(3) == 0, g.span/2
		before := 1 + dice.IntN(most)
		if dice.IntN(2) == 0 {
			before, most = most, before
		}
		locks := false // some want it as a lock
		for i := range g.s.Ops {
			o := &g.s.Ops[i]
			locks = locks || o.Key == key && (o.Foreign || o.Elect || o.Watch || o.Read || o.Yield > 0 || o.Also != nil) || slices.Contains(o.Also, key)
		}
		for i := range g.s.Ops {
			o := &g.s.Ops[i]
			if o.Key != key || locks {
				continue
			}
			o.Slots = most
			if changes && o.At < at || !changes && dice.IntN(40) == 0 {
				o.Slots = before
			}
		}
	}
}

// GenerateSlots is Generate with semaphores only.
func GenerateSlots(seed uint64) *Scenario { return generate(seed, true) }
