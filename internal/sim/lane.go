package sim

import (
	"errors"
	"slices"
	"time"

	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/resp"
)

// lane is the way from a client to a node: what lane is in the root package.
type lane struct {
	core  core.Lane
	proc  *process
	node  *node
	index int

	epoch        uint64 // connections made
	out          outbox
	verification *call // under way
	jury         []landed
	ticks        core.Time // when the timer fires
	timer        uint64    // which timer that is
	debtors      map[string]*claim
	native       script.Native // what the node was found to know

	ear     ear
	viewing []*ear // of those who watch
	chance  chance
	idle    []*conn // pooled connections that nobody uses
	conns   []*conn // all that are not closed
	dials   uint64
	serial  uint64  // calls that are nobody's claim's
	calls   []*call // under way, in the order of their beginning
	patient bool    // a timer is set for the first of them

	watch    core.ClockWatch
	sampling bool
	sampleAt core.Time

	seenRun int           // the run of the server that was verified last, in truth
	seenAt  time.Duration // since when
}

// debt is a key that must go from a node.
type debt struct {
	claim *claim
	value string
}

// landed is a request with its answer.
type landed struct {
	call  *call
	vote  core.Vote
	tries int // verifications that it has waited for
}

const payAtOnce = 64

var (
	errSuspected = errors.New("suspected")
	errNoVote    = errors.New("it does not vote")
	errBusy      = errors.New("too many requests are under way")
	errTimeout   = errors.New("no reply in time")
)

// request sends what a claim wants sent, or answers in the node's stead that it
// was not.
func (l *lane) request(c *claim, e core.Effect, batch []resp.Command) {
	f := &call{lane: l, claim: c, op: e.Op, round: e.Round}
	f.Owner = f
	if err := l.admit(e); err != nil {
		if e.Op == core.Release {
			l.owe(c)
		}
		l.deliver(landed{call: f, vote: core.Vote{Answer: core.Unsent, Err: err}})
		return
	}
	f.chance = c.chance.of(uint64(l.index)<<32 | uint64(e.Op)<<16 | uint64(e.Round))
	f.batch = batch
	l.launch(f)
	l.sample(l.proc.read())
}

func (l *lane) admit(e core.Effect) error {
	enough := l.core.Suspect() && l.proc.trusted() >= l.proc.terms.Need
	switch l.core.Admit(e.Op, e.Round > 0, l.core.Guard.Standing(l.proc.read(), l.epoch), enough) {
	case core.NoVote:
		return errNoVote
	case core.Suspected:
		return errSuspected
	case core.Busy:
		return errBusy
	}
	return nil
}

func (l *lane) owe(c *claim) {
	d := core.Debt{Key: c.params.Key, Value: c.value, Kind: c.params.Kind}
	if c.from != nil && !c.won {
		d.Back = c.from.value
	}
	if c.lost == nil || c.lost.reason != core.Outvoted {
		d.Waiter = string(c.params.Waiter)
	}
	l.core.Owe(d)
	if l.debtors == nil {
		l.debtors = make(map[string]*claim)
	}
	l.debtors[c.value] = c
}

// launch counts a request and queues it.
func (l *lane) launch(f *call) {
	l.core.Launch(l.proc.read(), &f.Flight)
	l.arm()
	l.post(f)
}

// start sends a batch, and begins to wait.
func (l *lane) start(f *call) {
	w := l.proc.w
	f.until = l.proc.clock.when(l.proc.read()+l.proc.patience, w.now)
	l.calls = append(l.calls, f)
	l.wait()
	l.use(f)
}

// use gives a call a connection.
func (l *lane) use(f *call) {
	var c *conn
	switch {
	case l.proc.w.s.Ordered && len(l.conns) > 0:
		c = l.conns[0]
	case !l.proc.w.s.Ordered && len(l.idle) > 0:
		c = l.idle[len(l.idle)-1]
		l.idle = l.idle[:len(l.idle)-1]
	default:
		c = l.dial()
	}
	f.conn = c
	c.calls = append(c.calls, f)
	if c.up {
		c.send(f)
	}
}

// wait sets a timer for the end of the patience with the first call.
func (l *lane) wait() {
	for len(l.calls) > 0 && l.calls[0].over {
		l.calls[0] = nil
		l.calls = l.calls[1:]
	}
	if !l.patient && len(l.calls) > 0 {
		l.patient = true
		l.proc.w.plan(l.calls[0].until, evPatience, l, 0)
	}
}

// happen is what happens to a lane: its timers.
func (l *lane) happen(w *world, ev event) {
	if l.proc.away(ev) {
		return
	}
	switch ev.kind {
	case evPatience:
		l.patient = false
		for _, f := range slices.Clone(l.calls) {
			if !f.over && f.until <= w.now {
				f.conn.close(errPatience) // fails all that are on it
			}
		}
		l.wait()
	case evTick:
		if ev.arg == l.timer {
			l.tick()
		}
	}
}

// land takes a reply, or the lack of it, has the vote weighed and passes it on.
func (l *lane) land(f *call, err error) {
	vote := core.Vote{Err: err}
	if err == nil {
		if f.claim.op.spec.Foreign {
			f.replies = foreignReplies(f.op, f.replies)
		}
		vote = f.claim.params.Read(f.op, f.claim.value, f.replies)
		if vote.Waited {
			l.proc.waiting.crowded[f.claim.params.Key] = l.proc.read() + crowdFor
		}
	}
	if f.op == core.Release && (vote.Answer == core.Unknown || vote.Answer == core.Failed) {
		l.owe(f.claim)
	}
	l.landed(f, err)
	if !l.weigh(f, &vote) {
		l.jury = append(l.jury, landed{call: f, vote: vote})
		l.verify()
		return
	}
	l.hand(landed{call: f, vote: vote})
}

func (l *lane) landed(f *call, err error) {
	l.core.Land(l.proc.read(), &f.Flight, err == nil)
	l.arm()
	l.pay()
}

// hand delivers an answer, unless the client stops in this very moment.
func (l *lane) hand(a landed) {
	if l.proc.stops() {
		l.proc.later(event{kind: evHand, who: &handing{a}})
		return
	}
	l.deliver(a)
}

// handing is an answer that is ready to be delivered.
type handing struct{ landed }

func (h *handing) happen(_ *world, ev event) {
	if l := h.call.lane; !l.proc.away(ev) {
		l.deliver(h.landed)
	}
}

// deliver gives an answer to the claim that waits for it.
func (l *lane) deliver(a landed) {
	f := a.call
	f.claim.hear(l, a)
	f.claim.step(core.Event{Kind: core.Reply, Node: l.index, Op: f.op, Round: f.round, Vote: a.vote})
}

// pay sends what is owed, in batches one after another.
func (l *lane) pay() {
	due := l.core.Pay(payAtOnce)
	if len(due) == 0 {
		return
	}
	f := l.ownCall()
	f.batch = make([]resp.Command, len(due))
	f.debts = make([]debt, len(due))
	for i, d := range due {
		f.batch[i] = script.Pay(d)
		f.debts[i] = debt{l.debtors[d.Value], d.Value} // nobody's, of a waiter that leaves
	}
	f.op = core.Release
	l.launch(f)
}

// ownCall is a call that is not a claim's.
func (l *lane) ownCall() *call {
	l.serial++
	f := &call{lane: l, chance: l.chance.of(5).of(l.serial)}
	f.Owner = f
	return f
}
