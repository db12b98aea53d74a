package sim

import (
	"time"

	"github.com/redlock-go/redlock/internal/check"
	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/script"
)

// operation is a user's goroutine: it is in Acquire or TryAcquire, or holds a
// lease.
type operation struct {
	id     uint64 // no other operation has it
	spec   *Op
	kind   script.Kind // of what it wants in the next attempt, nil for the plain lock
	worker *worker
	proc   *process
	chance chance

	attempts int
	waited   core.Patience
	claim    *claim // the attempt under way, or the lease
	turn     *turn  // in the process, as long as it has that without a lease
	behind   *turn  // for which it stands by
	heir     bool   // the lease was passed on to it, and it has not looked yet
	quits    bool   // and will not want it
	outcome  *loss  // of an attempt that failed, while it cleans up
	serial   uint64 // which of its timers counts
	place    *waiter
	sleeping bool // in the queues
	patient  bool // until the nodes can push
	holding  bool
	term     *term    // it was elected, and the nodes are told so
	watcher  *watcher // it watches
	canceled bool     // the caller's context is done
	wanting  bool     // the book knows that it waits
	finished bool
	text     *text // of the lease that it is to take over
}

// attempt makes one claim.
func (o *operation) attempt() {
	if o.proc.paused > 0 {
		o.plan(0, evAttempt) // begins when the process goes on
		return
	}
	if o.text != nil {
		o.resume()
		return
	}
	p, w := o.proc, o.proc.w
	o.sleeping = false
	if o.place != nil {
		o.kind = script.Prefer(o.kind, o.place.core.Slot(p.read()))
	}
	c := p.newClaim(o)
	if o.place != nil {
		o.place.core.Try()
		o.place.tries++
		o.place.claim, o.place.lossy = c, false
	}
	o.attempts++
	o.claim = c
	w.stats.Attempts++
	w.tell(check.Event{Kind: check.Asked, Claim: c.id, Client: p.id, Key: c.key, Also: o.spec.Also, Of: o.spec.Slots, Shares: o.spec.Read, Foreign: o.spec.Foreign})
	c.step(core.Event{Kind: core.Begin, Token: p.highest, Block: o.block(), Renew: !o.spec.NoRenew, MaxHold: o.spec.MaxHold, Queued: o.place != nil})
}

// beginToStand is the beginning of queues.stand: the first one waits until a majority
// of the nodes can push, or for the per-node deadline.
func (o *operation) beginToStand() {
	p := o.proc
	p.listen()
	if p.waiting.pushing >= p.terms.Need {
		o.standAndTry()
		return
	}
	o.patient = true
	o.plan(p.w.s.Timeout, evStand)
}

func (o *operation) standAndTry() {
	o.patient = false
	o.stand()
	o.attempt()
}

// sleep has the operation wait in the queues.
func (o *operation) sleep() {
	o.sleeping = true
	o.plan(max(0, o.place.core.Alarm()-o.proc.read()), evAttempt)
}

// plan sets the operation's timer, by the process's clock.
func (o *operation) plan(after time.Duration, k kind) {
	w := o.proc.w
	o.serial++
	w.plan(o.proc.clock.when(o.proc.read()+after, w.now), k, o, o.serial)
}

// happen is what happens to an operation.
func (o *operation) happen(_ *world, ev event) {
	if o.finished || o.proc.away(ev) {
		return
	}
	switch ev.kind {
	case evAttempt, evHeld, evStand, evCampaign, evPassed:
		if ev.arg != o.serial {
			return
		}
	default:
	}
	switch ev.kind {
	case evAttempt:
		o.attempt()
	case evCampaign:
		o.campaign()
	case evPassed:
		o.passed()
	case evStand:
		o.standAndTry()
	case evGiveUp, evCancel:
		if ev.kind == evCancel {
			o.canceled = true
		}
		switch {
		case !o.holding:
			o.giveUp()
		case ev.kind == evCancel:
			o.claim.step(core.Event{Kind: core.StopRenewal})
		}
	case evExtend:
		if o.holding && o.look() {
			o.claim.step(core.Event{Kind: core.WantExtend})
		}
	case evAnnounce:
		if o.term != nil && ev.arg == o.term.serial {
			o.announce()
		}
	case evYield:
		o.yield()
	case evHeld:
		o.end()
	}
}

// giveUp is the end of the caller's patience.
func (o *operation) giveUp() {
	switch {
	case o.heir:
		o.quits = true
		return
	case o.behind != nil:
		o.behind.leave(o)
		o.finish()
		return
	}
	c, place := o.claim, o.place
	o.finish()
	if c != nil && c.lost == nil {
		c.told = true
		c.step(core.Event{Kind: core.End, Reason: core.Abandoned})
	}
	if c != nil {
		if place != nil {
			place.quit()
		}
		place = nil
	}
	if !o.resign(place, false) && place != nil {
		place.quit()
	}
}

// lost is how an attempt ended that was not won.
func (o *operation) lost(c *claim) {
	if o.claim != c || o.finished {
		return
	}
	o.defeated(c, c.lost)
}

// defeated is the end of an attempt that got no lease: the nodes that granted it
// get the key back before anyone is told.
func (o *operation) defeated(c *claim, l *loss) {
	if o.outcome = l; c.freed {
		o.again(l)
	}
}

// again waits before the next attempt, or gives up.
func (o *operation) again(lost *loss) {
	if o.text != nil {
		o.unresumed()
		return
	}
	queued, spent := false, o.place != nil && o.claim.won
	if o.place != nil && !spent {
		queued = o.place.lost(o.claim)
	}
	o.claim, o.outcome = nil, nil
	o.learn(lost)
	if o.spec.Try && lost.defeat.Scattered && o.attempts < mostScattered {
		o.attempt()
		return
	}
	if o.spec.Try || !o.waited.GoOn(lost.defeat, o.proc.read(), o.proc.terms.TTL+o.proc.w.quarantine) {
		o.finish()
		if o.place != nil {
			o.place.quit()
		}
		o.resign(nil, !o.spec.Try)
		return
	}
	if o.turn != nil {
		o.turn.known, o.turn.out = o.turn.known || o.waited.Answered, o.waited.Out
	}
	switch {
	case spent: // the old place leaves the queues with the lease
		o.place = nil
		o.beginToStand()
		return
	case o.place == nil && lost.defeat.Held && o.proc.w.s.Push && !o.spec.Foreign:
		o.beginToStand()
		return
	case o.place != nil && queued:
		o.sleep()
		return
	}
	o.plan(core.Ordinary.Pause(o.waited.Attempts-1, lost.defeat.View, o.chance.of(uint64(o.attempts)).of(1).unit()), evAttempt)
}

// hear is what the operation waits for: the grant, or the end of the release.
func (o *operation) hear(c *claim, what core.EffectKind) {
	if o.claim != c || o.finished {
		return
	}
	switch {
	case what == core.Won && o.text != nil && o.text.heir.Prolong:
		o.finish()
	case what == core.Freed && o.holding:
		o.finish()
	case what == core.Freed && o.outcome != nil:
		o.again(o.outcome)
	case what != core.Won:
	case c.lost == nil:
		o.grant()
	default: // won and over before anyone looked: the process stood still
		o.defeated(c, &loss{defeat: core.Defeat{Late: true}})
	}
}

// grant begins the lease.
func (o *operation) grant() {
	w := o.proc.w
	o.settle()
	o.holding, o.heir = true, false
	o.takeTurn()
	if o.spec.Elect {
		defer o.lead()
	}
	if t := o.turn; t != nil {
		o.claim.turn, o.turn = t, nil
		t.known, t.out = true, false
	}
	if o.place != nil {
		for i := range o.proc.lanes {
			if o.place.core.Kept(i) {
				o.claim.step(core.Event{Kind: core.Kept, Node: i})
			}
		}
	}
	if o.canceled {
		o.claim.step(core.Event{Kind: core.StopRenewal})
	}
	for _, after := range o.spec.Extend {
		w.plan(w.now+after, evExtend, o, 0)
	}
	if o.spec.Yield > 0 {
		w.plan(w.now+o.spec.Yield, evYield, o, 0)
	}
	o.serial++
	w.plan(w.now+o.spec.Hold, evHeld, o, o.serial)
}

// look is leaseContext.Err: it looks at the clock itself.
func (o *operation) look() bool {
	c := o.claim
	if c.lost == nil && o.proc.read() >= c.core.Deadline() {
		c.step(core.Event{Kind: core.Alarm})
	}
	return c.lost == nil
}

// over is called when the lease ended: its context is done, and the user stops,
// unless it is one that does not look.
func (o *operation) over(c *claim) {
	if o.claim != c || o.finished || o.spec.Write {
		return
	}
	if o.holding && c.lost.reason != core.Released {
		o.finish()
	}
}

// end is the end of the hold.
func (o *operation) end() {
	if o.watcher != nil {
		o.watcher.turnAway()
		o.finish()
		return
	}
	c := o.claim
	if o.spec.Write {
		o.proc.w.write(o)
	}
	switch {
	case c.lost != nil:
		o.finish()
	case o.spec.Leave:
		c.step(core.Event{Kind: core.StopRenewal})
		// The user never looks at it again; the lease runs out by itself.
		o.finish()
	case o.handOver(), o.passOn():
	default:
		c.step(core.Event{Kind: core.End, Reason: core.Released})
	}
}

// finish is the end of the operation; its worker goes on.
func (o *operation) finish() {
	if o.finished {
		return
	}
	o.finished = true
	o.settle()
	if o.term != nil {
		o.stepDown()
	}
	ops := o.proc.ops
	for i, other := range ops {
		if other == o {
			ops[i] = ops[len(ops)-1]
			o.proc.ops = ops[:len(ops)-1]
			break
		}
	}
	o.proc.w.plan(o.proc.w.now, evBegin, o.worker, 0)
}

// gone is the end of the operation with its process.
func (o *operation) gone() {
	if o.place != nil {
		o.place.unknown()
	}
	if o.watcher != nil {
		o.watcher.turnAway()
	}
	o.finished = true
	o.settle()
	o.proc.w.plan(o.proc.w.now, evBegin, o.worker, 0)
}

// settle tells the book that the operation does not wait any more.
func (o *operation) settle() {
	if o.wanting {
		o.wanting = false
		o.proc.w.tell(check.Event{Kind: check.Settled, Client: o.proc.id, Key: o.spec.Key, Also: o.spec.Also, By: o.id})
	}
}
