package rig

import (
	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/resp"
)

// slotKeys are the keys of a semaphore.
var slotKeys = []string{"{a}:s", "{a}:sx", "{a}:st", "{a}:sq"}

func (g generator) anyKey() string {
	if g.ofSlots && g.IntN(2) == 0 {
		return g.of(slotKeys...)
	}
	return g.of(diffKeys...)
}

func (g generator) bound() string { return g.of("-inf", "+inf", "0", "1", "(1", "3", "(3", "5", "7") }

// slots is one of the scripts of a semaphore: of a few slots, so that they are in use,
// and not of the same number for all.
func (g generator) slots() resp.Command {
	kind := script.Slots{K: 1 + g.IntN(4), Wanted: g.IntN(2) == 0}
	kind.Hint = g.IntN(kind.K)
	p := script.Params{Key: g.of("a", "a", "a", "a", "b"), TTL: g.ttl(), Retention: g.ttl(), Kind: kind, Slot: core.AnySlot}
	if g.IntN(3) > 0 {
		p.Waiter = script.Waiter(g.waiter()).For(kind)
	}
	value := g.of("v1", "v2", "rl1.v", "rl1.w", "rl1.x", "rl1.y")
	e := core.Effect{Op: core.Ask, Token: g.token(), Slot: core.AnySlot}
	switch g.IntN(13) {
	case 0, 1:
		e.Op, e.Slot = core.Extend, g.IntN(4)
	case 2:
		e.Op, e.Slot = core.Raise, g.IntN(4)
	case 3:
		e.Slot = g.IntN(4)
	case 4, 5, 6:
		stay := p.Waiter != "" && g.IntN(2) == 0
		return p.Release(value, stay, script.Deputy(g.of("", "next", "last", "both")))
	case 12:
		p.Slot = g.IntN(4)
		return p.Evict(value, g.token())[0]
	case 7:
		return script.Leave(p.Key, script.Waiter(g.waiter()).For(kind))
	}
	return p.Batch(e, value, false)[0]
}
