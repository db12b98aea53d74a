package sim

import (
	"github.com/redlock-go/redlock/internal/check"
	"github.com/redlock-go/redlock/internal/core"
)

// turn is what it is in the root package: the operations of one process that want one
// key. One of them has it; the others stand by.
type turn struct {
	key      int
	known    bool
	out      bool
	standbys []*operation
}

// take begins a turn, or has the operation stand by. It reports whether it does.
func (p *process) take(o *operation) (standsBy bool) {
	t := p.turns[o.spec.Key]
	switch {
	case o.spec.Foreign, o.kind != nil:
	case t == nil:
		o.turn = &turn{key: o.spec.Key}
		p.turns[o.spec.Key] = o.turn
	case o.spec.Try || t.out:
	default:
		t.standbys = append(t.standbys, o)
		o.behind = t
		return true
	}
	return false
}

// leave ends the wait of an operation that stands by.
func (t *turn) leave(o *operation) {
	o.behind = nil
	for i, other := range t.standbys {
		if other == o {
			t.standbys = append(t.standbys[:i:i], t.standbys[i+1:]...)
			return
		}
	}
}

// pass gives the turn to the next, with a place in the queues if there is one. It
// reports whether somebody stood by.
func (p *process) pass(t *turn, place *waiter) bool {
	t.out = false
	if len(t.standbys) == 0 {
		delete(p.turns, t.key)
		return false
	}
	o := t.standbys[0]
	t.leave(o)
	o.turn = t
	o.waited.Answered = t.known
	if o.place = place; place != nil {
		place.op = o
	}
	o.plan(0, evCampaign) // it is another goroutine
	return true
}

// fail ends the turn, and the waits of all who stand by.
func (p *process) fail(t *turn) {
	delete(p.turns, t.key)
	for _, o := range append([]*operation(nil), t.standbys...) {
		t.leave(o)
		o.finish()
	}
}

// resign ends the operation's turn, which it has without a lease. It reports whether
// somebody has its place in the queues now.
func (o *operation) resign(place *waiter, outage bool) (inherited bool) {
	t := o.turn
	o.turn = nil
	switch {
	case t == nil:
	case outage:
		o.proc.fail(t)
	default:
		return o.proc.pass(t, place)
	}
	return false
}

// campaign asks the nodes, for the first time.
func (o *operation) campaign() {
	p := o.proc
	if o.place == nil && !o.spec.Try && !o.spec.Foreign && p.w.s.Push && p.read() < p.waiting.crowded[p.w.keys[o.spec.Key]] {
		o.beginToStand()
		return
	}
	o.attempt()
}

// block is how many tokens an attempt reserves.
func (o *operation) block() uint64 {
	if o.turn == nil {
		return 0
	}
	return uint64(min(o.proc.w.s.HandOvers, len(o.turn.standbys)))
}

// passOn gives the lease to the next operation of the process that stands by for it.
func (o *operation) passOn() bool {
	c := o.claim
	t := c.turn
	if t == nil || c.lost != nil || o.term != nil || !c.core.CanPass(o.proc.read()) || len(t.standbys) == 0 || t.standbys[0].spec.NoRenew {
		return false
	}
	next := t.standbys[0]
	t.leave(next)
	o.finish()
	c.op, next.claim, next.heir = next, c, true
	w := o.proc.w
	w.stats.HandOvers++
	c.step(core.Event{Kind: core.PassOn, Renew: !next.spec.NoRenew, MaxHold: next.spec.MaxHold})
	if c.lost == nil {
		w.tell(check.Event{Kind: check.Passed, Claim: c.id, Token: c.core.Token(), Deadline: c.deadline()})
		next.plan(0, evPassed)
	}
	return true
}

// passed is the beginning of a lease that was passed on. It may be over by now: then
// the operation begins anew.
func (o *operation) passed() {
	switch {
	case o.claim.lost != nil:
		o.claim, o.heir = nil, false
		if o.quits {
			o.finish()
			return
		}
		if !o.proc.take(o) {
			o.campaign()
		}
	case o.quits:
		o.grant()
		o.end()
	default:
		o.grant()
	}
}
