package sim

import (
	"fmt"
	"time"

	"github.com/redlock-go/redlock/internal/check"
	"github.com/redlock-go/redlock/internal/core"
)

// Heir is a client that gets the text of a lease that was handed over.
type Heir struct {
	Client  int
	After   time.Duration // for so long the text is on its way
	Prolong bool          // it extends the lease, and leaves it to others; else it takes it over
}

// String prints it as its source.
func (h Heir) String() string {
	verb := "heir"
	if h.Prolong {
		verb = "prolong"
	}
	return fmt.Sprintf("%s %s %v", verb, clientName(h.Client), h.After)
}

// heir reads one.
func (p *words) heir(prolong bool) Heir {
	return Heir{Client: p.client(), After: p.duration(), Prolong: prolong}
}

// text is what handed is in the root package.
type text struct {
	from   *claim
	listed []int
	token  uint64
	heir   Heir
}

// happen is what happens to a text: it arrives.
func (t *text) happen(w *world, _ event) {
	p := w.machines[t.heir.Client].proc
	if p == nil {
		return // nobody is there to have it
	}
	before := t.from.op.spec
	spec := &Op{At: w.now, Client: t.heir.Client, Try: true, Key: before.Key, Hold: before.Hold, NoRenew: before.NoRenew}
	if before.Back {
		spec.HandOver, spec.Heirs = true, []Heir{{Client: before.Client, After: t.heir.After}}
	}
	o := &operation{spec: spec, worker: new(worker), proc: p, text: t}
	o.chance = w.chance.of(11).of(uint64(w.now)).of(t.from.id<<8 | uint64(t.heir.Client))
	p.ops = append(p.ops, o)
	w.stats.Operations++
	o.attempt()
}

// handOver is Lease.Handoff. It reports false if the lease cannot be handed over.
func (o *operation) handOver() bool {
	c, w := o.claim, o.proc.w
	if !o.spec.HandOver || o.kind != nil {
		return false
	}
	if c.core.Settling() {
		o.plan(ms, evHeld) // the root package waits until it has
		return true
	}
	t := text{from: c, token: c.core.Token()}
	for i := range o.proc.lanes {
		if c.core.Retaining(i) {
			t.listed = append(t.listed, i)
		}
	}
	if len(t.listed) < o.proc.terms.Need {
		return false
	}
	c.step(core.Event{Kind: core.HandOver})
	if c.lost != nil && c.lost.reason != core.HandedOver {
		return true // it was over
	}
	if c.waiter != nil {
		c.waiter.quit()
	}
	for _, heir := range o.spec.Heirs {
		mine := t
		mine.heir = heir
		w.plan(w.now+heir.After, evBegin, &mine, 0)
	}
	o.finish()
	return true
}

// resume is an attempt to take over a lease, or to prolong it: Locker.takeOver.
func (o *operation) resume() {
	t, w := o.text, o.proc.w
	c := o.proc.newClaim(o)
	c.from, c.params.From = t.from, t.from.value
	how := core.Takeover
	if t.heir.Prolong {
		how, c.value = core.Prolong, t.from.value
	}
	o.attempts++
	o.claim = c
	w.stats.Attempts++
	w.tell(check.Event{Kind: check.Asked, Claim: c.id, Client: o.proc.id, Key: c.key, From: t.from.id})
	for _, node := range t.listed {
		c.step(core.Event{Kind: core.Listed, Node: node})
	}
	c.step(core.Event{Kind: how, Token: t.token, Renew: !o.spec.NoRenew})
}

// takeTurn begins a turn in the process with a lease that was taken over, if nobody has one.
func (o *operation) takeTurn() {
	if p, key := o.proc, o.spec.Key; o.text != nil && p.turns[key] == nil {
		o.turn = &turn{key: key}
		p.turns[key] = o.turn
	}
}

// unresumed is how an attempt ended that did not resume the lease. As long as it may be there, the user
// tries again, a few times.
func (o *operation) unresumed() {
	forfeited := o.claim.core.Forfeited()
	o.claim, o.outcome = nil, nil
	if forfeited || o.attempts >= 4 {
		o.finish()
		return
	}
	o.plan(o.chance.of(uint64(o.attempts)).between(0, o.proc.terms.TTL/8), evAttempt)
}

// noteHeir tells the book that a claim has the lease that another handed over, or has
// extended it.
func (c *claim) noteHeir() {
	kind := check.TookOver
	if c.op.text.heir.Prolong {
		kind = check.Prolonged
	} else {
		c.proc.w.stats.TakeOvers++
	}
	c.proc.w.tell(check.Event{Kind: kind, Claim: c.id, Token: c.core.Token(), Deadline: c.deadline(), Sent: c.sent})
}

// handOvers has some users hand their leases over. It is drawn last, so that the rest of a
// world is what it would be without.
func (g *generator) handOvers() {
	s := g.s
	if !g.odds(20) {
		return
	}
	if g.loses && g.odds(50) && len(s.Nodes) > 2 && len(s.Clients) > 2 {
		g.staleHeirs()
	}
	share := pick(g, 5, 20, 60, 100)
	back := g.odds(30)
	for i := range s.Ops {
		o := &s.Ops[i]
		if o.Foreign || !o.isPlain() || o.Elect || o.Leave || o.Write || !g.odds(share) {
			continue
		}
		o.HandOver, o.Back = true, back
		for range pick(g, 0, 1, 1, 1, 1, 1, 2, 2, 3) {
			h := Heir{Client: g.IntN(len(s.Clients)), After: g.spread(20*time.Microsecond, 2*s.TTL), Prolong: g.odds(15)}
			if len(o.Heirs) > 0 && g.odds(50) {
				h.After = max(0, o.Heirs[0].After+g.within(-2*s.Latency[1], 2*s.Latency[1])) // at about the same time
			}
			o.Heirs = append(o.Heirs, h)
		}
	}
}

// passed tells the book when the node has passed a key on from one claim's value to another's,
// or back.
func (n *node) passed(w *world, key int, by *claim, text string) bool {
	h := &n.holds[key]
	before := h.claim
	if by.from == nil || before == nil || text == before.value {
		return false
	}
	switch text {
	case by.value:
		h.claim = by
	case by.from.value:
		h.claim = by.from
	default:
		return false
	}
	h.began = w.now
	w.tell(check.Event{Kind: check.Took, Node: n.index, Key: key, Claim: h.claim.id, By: by.id, From: before.id})
	return true
}

// without is the list without a client, those behind which have new names.
func without(heirs []Heir, client int) (list []Heir) {
	for _, h := range heirs {
		if h.Client > client {
			h.Client--
		} else if h.Client == client {
			continue
		}
		list = append(list, h)
	}
	return list
}

// isPlain reports whether it wants the plain lock.
func (o *Op) isPlain() bool { return o.Also == nil && o.Slots == 0 && !o.Read && o.Yield == 0 }

// staleHeirs has two clients get one text, of which the first reaches a bare majority, and one
// node of that go back to what it knew before.
func (g *generator) staleHeirs() {
	s := g.s
	key := s.Keys
	s.Keys++
	most := s.TTL / 4
	for at := g.within(0, g.span/4); at < g.span; at += g.within(2*s.TTL, 8*s.TTL) {
		order, nodes := g.Perm(len(s.Clients)), g.Perm(len(s.Nodes))
		hold, way := g.within(most/2, most), g.within(most/4, most/2)
		s.Ops = append(s.Ops, Op{At: at, Client: order[0], Worker: 100, Key: key, Hold: hold, HandOver: true, Heirs: []Heir{
			{Client: order[1], After: way}, {Client: order[2], After: way + most},
		}})
		for _, n := range nodes[len(nodes)/2+1:] {
			s.Faults = append(s.Faults, Fault{At: at, What: Sever, Client: order[1], Node: n, For: 2 * s.TTL})
		}
		s.Faults = append(s.Faults, Fault{
			At: at + hold + way + most/2, What: Crash, Client: Any, Node: nodes[0], For: g.within(ms, most/4), Memory: Stale, By: most/2 + way/2,
		})
	}
}
