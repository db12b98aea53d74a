package sim

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/redlock-go/redlock/internal/check"
	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/resp"
)

// readers are those of the known readers whose time is not over.
func (n *node) readers(w *world, key int) []*claim {
	h := n.holds[key]
	if len(h.readers) == 0 {
		return nil
	}
	values := n.model.Readers(n.ms(w.now), w.keys[key])
	var list []*claim
	for _, c := range h.readers {
		if slices.Contains(values, c.value) {
			list = append(list, c)
		}
	}
	return list
}

// noteReaders compares who reads with who read before, and tells the book.
func (n *node) noteReaders(w *world, key int, by *claim, first bool, reply resp.Reply) {
	h := &n.holds[key]
	values := n.model.Readers(n.ms(w.now), w.keys[key])
	before := h.readers
	if h.claim != nil { // it goes on as a reader, or has lost the key to one
		before = append(before, h.claim)
		h.claim = nil
	}
	h.readers = nil
	for _, c := range before {
		if slices.Contains(values, c.value) {
			h.readers = append(h.readers, c)
			continue
		}
		w.tell(check.Event{Kind: check.Dropped, Node: n.index, Key: key, Claim: c.id, By: by.id})
	}
	switch {
	case !slices.Contains(values, by.value):
	case !slices.Contains(h.readers, by):
		h.readers, h.began = append(h.readers, by), w.now
		w.tell(check.Event{Kind: check.Took, Node: n.index, Key: key, Claim: by.id, By: by.id, First: first})
	case reply.Kind == resp.Int && reply.Int == 1:
		w.tell(check.Event{Kind: check.Kept, Node: n.index, Key: key, Claim: by.id, By: by.id})
	}
}

// yield is Lease.Downgrade.
func (o *operation) yield() {
	c := o.claim
	if !o.holding || !o.look() || c.params.Kind != nil {
		return
	}
	c.params.Kind = script.Reader
	o.proc.w.tell(check.Event{Kind: check.Yields, Claim: c.id})
	if t := c.turn; t != nil {
		c.turn = nil
		o.proc.pass(t, nil)
	}
	c.yields = c.core.Renewing() // what is under way was said by a writer
	c.step(core.Event{Kind: core.WantExtend})
}

// readers has some of the operations read, in a third of the worlds, and some of those that
// write read on. It has dice of its own, as versions has.
func (g *generator) readers(seed uint64) {
	dice := rand.New(rand.NewPCG(seed, 0x72656164))
	if dice.IntN(3) > 0 {
		return
	}
	reads, yields := []int{20, 50, 80, 95}[dice.IntN(4)], []int{0, 30, 100}[dice.IntN(3)]
	for i := range g.s.Ops {
		o := &g.s.Ops[i]
		switch {
		case o.Foreign, o.Slots > 0, len(o.Also) > 0, o.Elect, o.Watch, o.HandOver, o.Write:
		case dice.IntN(100) < reads:
			o.Read = true
		case dice.IntN(100) < yields:
			o.Yield = time.Microsecond + time.Duration(dice.Int64N(int64(o.Hold)+1))
		}
	}
}
