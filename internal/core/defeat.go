package core

import (
	"slices"
	"time"
)

// Defeat is what an attempt found that was outvoted.
type Defeat struct {
	// Late says that enough nodes granted the key, but too late: nothing speaks against
	// trying again. Held says that somebody else has it, or several have: so many
	// nodes answered that it is no outage. Else it is one. With Scattered, that is
	// because they granted different slots, and nobody's lease is in the way.
	Late, Held, Scattered bool
	// Slot is the slot that most of the nodes granted, AnySlot if none did.
	Slot int

	Holder string // the value on most of the nodes that refused
	Where  int    // which of several keys it has
	View   View
}

// Defeat explains why a claim with that value was outvoted.
func (c *Claim) Defeat(value string) (d Defeat) {
	type holding struct {
		value string
		where int
		nodes int
	}
	var holders []holding
	granted := 0
	slot, leading := c.leading()
	d.Slot = int(slot)
	free := make([]time.Duration, 0, 8) // when each node that answered will be free of others
	for i := range c.seats {
		v, agreed := c.Vote(i)
		switch {
		case agreed:
			granted++
			free = append(free, 0)
		case v.Answer == Refused:
			free = append(free, v.Remaining)
			at := slices.IndexFunc(holders, func(h holding) bool { return h.value == v.Holder })
			if at < 0 {
				at = len(holders)
				holders = append(holders, holding{value: v.Holder, where: v.Where})
			}
			holders[at].nodes++
		}
	}
	need := c.terms.Need
	if d.Late = leading >= need; d.Late || len(free) < need {
		return d
	}
	d.Held, d.Scattered = true, granted >= need
	most := 0
	for _, h := range holders {
		if h.nodes > most || h.nodes == most && h.value < d.Holder {
			d.Holder, d.Where, most = h.value, h.where, h.nodes
		}
		if h.nodes > granted || h.nodes == granted && h.value < value {
			d.View.Rank++
		}
	}
	d.View.Split = most < need
	slices.Sort(free)
	d.View.Remaining = free[need-1]
	return d
}

// Patience is what a caller that waits has been through. A lock that somebody else has
// is waited for as long as the caller likes; that too few nodes answer, for a while,
// and only by one that they have answered before.
type Patience struct {
	Attempts int  // so far
	Answered bool // enough nodes have answered
	Out      bool // too few do, since
	since    Time
}

// GoOn takes note of an attempt that was lost, and reports whether to make another.
// Outage is how long an outage is waited for.
func (p *Patience) GoOn(d Defeat, now Time, outage time.Duration) bool {
	p.Attempts++
	if d.Late || d.Held {
		p.Answered, p.Out = true, false
		return true
	}
	if !p.Out {
		p.Out, p.since = true, now
	}
	return p.Answered && now-p.since < outage
}
