package sim

import (
	"encoding/binary"
	"time"

	"github.com/redlock-go/redlock/internal/check"
	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/resp"
)

// claim runs a core.Claim: what claim is in the root package.
type claim struct {
	core   *core.Claim
	proc   *process
	id     uint64 // no other claim has it
	key    int
	all    []int // and all keys, if it takes several
	params script.Params
	value  string
	look   bool
	op     *operation
	turn   *turn // of the lease, in the process
	passes *turn // it is over: the turn is the next one's when all is carried out
	waiter *waiter
	from   *claim // whose lease it takes over
	chance chance

	alarm  core.Time // when the timer fires
	timer  uint64    // which timer that is
	won    bool
	lost   *loss
	freed  bool          // as many nodes as will be free soon are free of the key
	told   bool          // the operation knows how the attempt ended
	yields bool          // it shares from the end of this round on: another is wanted
	sent   time.Duration // when the round under way began, in true time
	round  uint32        // which that is
}

// newClaim makes a claim with a value of its own.
func (p *process) newClaim(o *operation) *claim {
	w := p.w
	w.claims++
	var id script.ID
	binary.BigEndian.PutUint64(id[:], w.claims)
	ttl := p.terms.TTL.Milliseconds()
	c := &claim{
		core: core.NewClaim(&p.terms), proc: p, id: w.claims, key: o.spec.Key,
		params: script.Params{Key: w.keys[o.spec.Key], TTL: ttl, Retention: max(ttl, w.retention.Milliseconds()), Kind: o.kind},
		value:  script.Value(id, clientName(p.index)),
		look:   o.spec.Try || o.waited.Attempts > 0,
		op:     o,
		chance: o.chance.of(uint64(o.attempts)),
		alarm:  core.Never,
	}
	switch {
	case o.place != nil:
		c.waiter, c.params.Waiter, c.params.Tries = o.place, o.place.name, o.place.tries
	case o.spec.Foreign:
		c.value = foreignValue(w.claims)
	}
	p.live = append(p.live, c)
	return c
}

// step feeds the core with one event and carries out what it decides.
func (c *claim) step(ev core.Event) {
	var room [8]core.Effect
	effects := c.core.Step(c.proc.now(), ev, room[:0])
	c.note(effects)
	c.arm()
	c.carryOut(effects)
}

// carryOut carries out effects, until the client stops between two of them.
func (c *claim) carryOut(effects []core.Effect) {
	var batch []resp.Command
	for i, e := range effects {
		if c.proc.stops() {
			c.proc.later(event{kind: evEffects, who: &unfinished{c, append([]core.Effect(nil), effects[i:]...)}})
			return
		}
		switch e.Kind {
		case core.Send:
			if last := &effects[max(0, i-1)]; batch == nil || last.Op != e.Op || last.Token != e.Token || e.Op == core.Release {
				batch = c.batch(e, effects[:i])
			}
			c.proc.lanes[e.Node].request(c, e, batch)
		case core.Won, core.Freed:
			c.freed = c.freed || e.Kind == core.Freed
			c.op.hear(c, e.Kind)
		case core.Done:
			if c.waiter != nil && c.won {
				c.waiter.leave()
			}
			c.proc.leave(c)
		default:
		}
	}
	if c.yields && c.lost == nil && !c.core.Renewing() {
		c.yields = false
		c.step(core.Event{Kind: core.WantExtend})
	}
	if c.lost != nil && !c.won && !c.told {
		c.told = true
		c.op.lost(c)
	}
	if t := c.passes; t != nil {
		c.passes = nil
		c.proc.pass(t, nil)
	}
}

// batch is what a request says to a node.
func (c *claim) batch(e core.Effect, before []core.Effect) []resp.Command {
	if e.Op == core.Release && c.waiter != nil {
		stay := c.core.Reason() == core.Outvoted
		return []resp.Command{c.params.Release(c.value, stay, c.proc.deputy(before))}
	}
	if e.Op == core.Release && c.from != nil {
		return c.params.Return(c.value, c.core.Reason())
	}
	if c.op.spec.Foreign {
		return foreignBatch(c, e)
	}
	if e.Op == core.Release && c.params.Kind == nil {
		key := c.params.Key
		return new(script.ReleaseBatch).Of(c.proc.lanes[e.Node].native, key, script.Queue(key), c.value)
	}
	return c.params.Batch(e, c.value, c.look)
}

// unfinished is a step that was interrupted.
type unfinished struct {
	claim   *claim
	effects []core.Effect
}

func (u *unfinished) happen(_ *world, ev event) {
	if !u.claim.proc.away(ev) {
		u.claim.carryOut(u.effects)
	}
}

// note records what the effects mean, for the world's book too.
func (c *claim) note(effects []core.Effect) {
	w := c.proc.w
	for _, e := range effects {
		switch e.Kind {
		case core.Send:
			if e.Op == core.Extend && e.Round != c.round {
				c.sent, c.round = w.now, e.Round
			}
		case core.Won:
			c.won = true
			c.proc.highest = max(c.proc.highest, c.core.Reserved())
			if c.from != nil {
				c.noteHeir()
				continue
			}
			w.stats.Acquisitions++
			won := check.Event{Kind: check.Won, Claim: c.id, Token: c.core.Token(), Deadline: c.deadline(), Foreign: c.op.spec.Foreign}
			if c.op.spec.Slots > 0 {
				won.Slot = c.core.Slot()
			}
			if c.waiter != nil {
				won.Ticket = c.waiter.ticket
			}
			w.tell(won)
			if w.evicts {
				w.plan(c.proc.clock.when(c.proc.read()+lasts, w.now), evListen, c, 0)
			}
			if c.waiter != nil {
				c.waiter.unknown()
			}
		case core.Extended:
			w.stats.Extensions++
			w.tell(check.Event{Kind: check.Extended, Claim: c.id, Deadline: c.deadline(), Sent: c.sent})
		case core.Ended:
			c.lost = c.loss()
			if c.lost.reason == core.HandedOver && (c.from == nil || !c.op.text.heir.Prolong) {
				w.tell(check.Event{Kind: check.HandedOver, Claim: c.id})
				c.passes, c.turn = c.turn, nil
				continue
			}
			gaveUp := c.lost.reason == core.Abandoned || c.lost.reason == core.Released
			w.tell(check.Event{Kind: check.Over, Claim: c.id, GaveUp: gaveUp})
			if c.won {
				c.passes, c.turn = c.turn, nil
				c.op.over(c)
			}
		default:
		}
	}
}

// deadline is the instant at which the process's clock reads the deadline.
func (c *claim) deadline() time.Duration {
	return c.proc.clock.when(c.core.Deadline(), c.proc.w.now)
}

// hear is called before the claim hears an answer, to tell the book of a vote that
// will be counted, or of a node that was granted too late.
func (c *claim) hear(l *lane, a landed) {
	f := a.call
	if c.lost != nil && c.lost.reason == core.Outvoted && c.waiter != nil && f.op == core.Ask && a.vote.Answer == core.Granted {
		c.waiter.hasTried()
	}
	if c.won || c.lost != nil || a.vote.Answer != core.Granted || a.vote.Abstain || f.op != core.Ask && f.op != core.Raise && f.op != core.Resume {
		return
	}
	c.proc.w.tell(check.Event{Kind: check.Voted, Node: l.node.index, Claim: c.id})
}

// arm sets the timer to the core's alarm.
func (c *claim) arm() {
	at := c.core.Alarm()
	if at == c.alarm {
		return
	}
	c.alarm = at
	c.timer++
	if at != core.Never {
		w := c.proc.w
		w.plan(c.proc.clock.when(at, w.now), evAlarm, c, c.timer)
	}
}

// happen is what happens to a claim: its timer fires.
func (c *claim) happen(w *world, ev event) {
	if ev.kind == evListen {
		if !c.proc.away(ev) && c.lost == nil && w.s.Push {
			c.proc.listen()
		}
		return
	}
	if ev.arg != c.timer || c.proc.away(ev) {
		return
	}
	c.alarm = core.Never
	c.step(core.Event{Kind: core.Alarm})
}

// leave is called when a claim is done.
func (p *process) leave(c *claim) {
	for i, other := range p.live {
		if other == c {
			p.live[i] = p.live[len(p.live)-1]
			p.live = p.live[:len(p.live)-1]
			return
		}
	}
}

// loss is why a claim ended.
type loss struct {
	reason core.Reason
	defeat core.Defeat // if it was outvoted
}

func (c *claim) loss() *loss {
	l := &loss{reason: c.core.Reason()}
	if l.reason == core.Outvoted {
		l.defeat = c.core.Defeat(c.value)
	}
	return l
}
