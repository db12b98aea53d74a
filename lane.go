package redlock

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/resp"
)

// lane is the way to one node. It runs a core.Lane: sends requests, enforces the
// per-node deadline whatever the client library does, probes a node that is
// suspected, pays what is owed to it when it is back, and has it verified before
// its votes count.
type lane struct {
	node   Node
	index  int
	locker *Locker
	ctx    context.Context // ends when the locker is closed for good
	epoch  func() uint64   // Epocher.Epoch, always 0 if the node cannot tell
	direct Exchanger       // the node, if it is one

	// suspect mirrors core.Lane.Suspect for reading without the mutex.
	suspect atomic.Bool
	native  atomic.Uint32 // a script.Native: what the node was found to know

	mu    sync.Mutex
	wake  *sync.Cond // a worker: there is something in out
	core  core.Lane
	out   outbox
	spare *flight // those that are not in use
	// verification is the request under way that asks the server who it is.
	verification *flight
	jury         []landed // votes whose standing waits for the verification
	lastErr      error
	watch        core.ClockWatch
	sampling     bool
	sampleAt     core.Time // when the node's clock is read next
	doubted      bool      // it was logged why the node's votes do not count
	timer        *time.Timer
	ticks        core.Time // when the timer fires, Never if it is not set
	closed       bool
}

// flight is one request under way. The lane owns it, and uses it again when it has
// ended: then no queue or list has it any more.
type flight struct {
	core.Flight
	batch []resp.Command

	// Whose request it is: a claim's, or the lane's own, which goes on with then
	// when it has ended, and before that says late if its deadline has passed.
	claim *claim
	op    core.Op
	round uint32
	then  func(replies []resp.Reply, err error)
	late  func(err error) // nil if nobody waits for it

	queued bool    // it has not been sent
	next   *flight // in the queue, or of those that are not in use
}

// landed is a request that has ended: a claim's, with its vote, or the lane's own.
type landed struct {
	claim  *claim
	op     core.Op
	round  uint32
	sentAt core.Time
	vote   core.Vote
	tries  int // verifications that it has waited for

	then    func(replies []resp.Reply, err error)
	replies []resp.Reply
	err     error
}

// payAtOnce is how many releases that are owed go in one batch.
const payAtOnce = 64

func newLane(ctx context.Context, l *Locker, index int, n Node) *lane {
	ln := &lane{node: n, index: index, locker: l, ctx: ctx, ticks: core.Never, core: core.NewLane(&l.limits)}
	ln.core.Guard = core.NewGuard(l.cfg.quarantine())
	ln.wake = sync.NewCond(&ln.mu)
	ln.epoch = func() uint64 { return 0 }
	if e, ok := n.(Epocher); ok {
		ln.epoch = e.Epoch
	}
	ln.direct, _ = n.(Exchanger)
	return ln
}

// request sends what a claim wants sent, or answers in the node's stead that it
// was not.
func (ln *lane) request(c *claim, e core.Effect, batch []resp.Command, holdBack bool) {
	now := ln.locker.clock.now()
	ln.mu.Lock()
	if err := ln.admit(now, e); err != nil {
		ln.unsent(c, e.Op)
		ln.mu.Unlock()
		ln.deliver(&landed{claim: c, op: e.Op, round: e.Round, vote: core.Vote{Answer: core.Unsent, Err: err}})
		return
	}
	f := ln.spare
	if f == nil {
		f = new(flight)
		f.Owner = f
	} else {
		ln.spare, f.next = f.next, nil
	}
	f.claim, f.op, f.round, f.batch = c, e.Op, e.Round, batch
	ln.count(now, f)
	ln.out.push(f)
	wake := !holdBack && ln.hurry(now)
	ln.mu.Unlock()
	if wake {
		ln.wake.Signal()
	}
}

// unsent sees to it that the key goes, if the request that was not sent would
// have removed it. It is called with the mutex held.
func (ln *lane) unsent(c *claim, op core.Op) {
	if op == core.Release && !ln.closed {
		ln.core.Owe(c.debt())
	}
}

// end makes a flight free for others, and tells what it was.
func (ln *lane) end(f *flight) landed {
	a := landed{claim: f.claim, op: f.op, round: f.round, sentAt: f.SentAt(), then: f.then}
	if f.then == nil {
		f.claim, f.batch, f.next = nil, nil, ln.spare
		ln.spare = f
	}
	return a
}

// admit says why a request is not to be sent now. It is called with the mutex
// held.
func (ln *lane) admit(now core.Time, e core.Effect) error {
	if ln.closed {
		return ErrClosed
	}
	// The count is only of interest, and only taken, for a node that is suspected.
	enough := ln.core.Suspect() && ln.locker.trusted() >= ln.locker.terms.Need
	switch ln.core.Admit(e.Op, e.Round > 0, ln.core.Guard.Standing(now, ln.epoch()), enough) {
	case core.NoVote:
		return ln.core.Guard.Cause(now)
	case core.Suspected:
		return suspectedError{ln.lastErr}
	case core.Busy:
		return errBusy
	}
	return nil
}

// count takes note of a request that will be sent. It is called with the mutex held.
func (ln *lane) count(now core.Time, f *flight) {
	ln.core.Launch(now, &f.Flight)
	ln.arm()
	if f.claim != nil {
		ln.sample(now)
	}
}

// own sends a request of the lane's own. It is called with the mutex held.
func (ln *lane) own(f *flight) {
	f.Owner = f
	now := ln.locker.clock.now()
	ln.count(now, f)
	ln.out.push(f)
	if ln.hurry(now) {
		ln.wake.Signal()
	}
}

// flush sends what was held back.
func (ln *lane) flush() {
	ln.mu.Lock()
	wake := ln.out.first != nil && ln.hurry(ln.locker.clock.now())
	ln.mu.Unlock()
	if wake {
		ln.wake.Signal()
	}
}

// land takes the replies to a batch, or the lack of them, has the votes weighed
// and appends to out what is to be delivered. It is called with the mutex held.
func (ln *lane) land(now core.Time, flights []*flight, replies []resp.Reply, err error, out []landed) []landed {
	for _, f := range flights {
		ln.core.Land(now, &f.Flight, err == nil)
	}
	for _, f := range flights {
		var mine []resp.Reply
		if err == nil {
			n := len(f.batch)
			mine, replies = replies[:n], replies[n:]
		}
		out = append(out, ln.end(f))
		a := &out[len(out)-1]
		if a.then != nil {
			a.replies, a.err = mine, err
			continue
		}
		a.vote.Err = err
		if err == nil {
			a.vote = a.claim.terms().Read(a.op, a.claim.value, mine)
			if a.vote.Waited {
				ln.locker.queues.crowd(a.claim.params.Key)
			}
		}
		if a.op == core.Release && (a.vote.Answer == core.Unknown || a.vote.Answer == core.Failed) {
			ln.core.Owe(a.claim.debt())
		}
		if a.vote.Err != nil && isReadOnly(a.vote.Err) {
			ln.core.Guard.Demoted()
		}
		if !ln.weigh(a) {
			ln.jury = append(ln.jury, *a)
			out = out[:len(out)-1]
			ln.verify()
		}
	}
	ln.sense(err)
	ln.pay()
	return out
}

// sense brings what others see of the lane up to date. It is called with the
// mutex held.
func (ln *lane) sense(err error) {
	if err != nil {
		ln.lastErr = err
	}
	suspect := ln.core.Suspect()
	if ln.suspect.Swap(suspect) != suspect && !ln.closed {
		if suspect {
			ln.locker.cfg.Logger.Warn("redlock: a node is suspected, and not waited for until it answers a probe",
				"node", ln.node.Name(), "cause", err)
		} else {
			ln.locker.cfg.Logger.Info("redlock: a node answers again", "node", ln.node.Name())
		}
	}
	ln.arm()
}

// deliver passes on how a request ended.
func (ln *lane) deliver(a *landed) {
	if a.then != nil {
		a.then(a.replies, a.err)
		return
	}
	a.claim.step(core.Event{Kind: core.Reply, Node: ln.index, Op: a.op, Round: a.round, Vote: a.vote})
}

// pay sends what is owed, in batches one after another. It is called with the
// mutex held.
func (ln *lane) pay() {
	if ln.closed {
		return
	}
	due := ln.core.Pay(payAtOnce)
	if len(due) == 0 {
		return
	}
	batch := make([]resp.Command, len(due))
	for i, d := range due {
		batch[i] = script.Pay(d)
	}
	ln.own(&flight{batch: batch, then: func(_ []resp.Reply, err error) {
		ln.mu.Lock()
		defer ln.mu.Unlock()
		ln.core.Paid(err == nil)
		ln.pay()
	}})
}

// tick marks the requests that are past their deadline, and probes. Those that
// have not been sent yet will not be.
func (ln *lane) tick() {
	ln.mu.Lock()
	ln.ticks = core.Never
	if ln.closed {
		ln.mu.Unlock()
		return
	}
	now, timeout := ln.locker.clock.now(), timeoutError{after: ln.core.Timeout(), first: !ln.core.Known()}
	late := ln.core.Overdue(now)
	if len(late) > 0 {
		ln.sense(timeout)
	}
	var ready []landed
	var overdue []tardy
	var tell []func(err error)
	for _, x := range late {
		f := x.Owner.(*flight)
		switch {
		case f.queued:
			ln.out.drop(f)
			ln.core.Land(now, x, false)
			a := ln.end(f)
			a.vote, a.err = core.Vote{Answer: core.Unsent, Err: timeout}, timeout
			if a.claim != nil {
				ln.unsent(a.claim, a.op)
			}
			ready = append(ready, a)
		case f.claim != nil:
			overdue = append(overdue, tardy{f.claim, core.Event{Kind: core.Overdue, Node: ln.index, Op: f.op, Round: f.round, Vote: core.Vote{Err: timeout}}})
		case f.late != nil:
			tell = append(tell, f.late)
		case f == ln.verification:
			ready = append(ready, ln.acquit(timeout)...)
		}
	}
	if ln.core.Probe(now) {
		ln.probe()
	}
	ln.arm()
	ln.mu.Unlock()
	for i := range ready {
		ln.deliver(&ready[i])
	}
	for i := range overdue {
		overdue[i].claim.step(overdue[i].event)
	}
	for _, late := range tell {
		late(timeout)
	}
}

// tardy is what a claim is told of a request that is past its deadline.
type tardy struct {
	claim *claim
	event core.Event
}

// arm makes the timer fire when the core wants it, or before: a timer that finds
// nothing to do costs less than resetting it with each request. It is called
// with the mutex held.
func (ln *lane) arm() {
	at := ln.core.Alarm()
	if at >= ln.ticks || ln.closed {
		return
	}
	ln.ticks = at
	wait := max(0, at-ln.locker.clock.now())
	if ln.timer == nil {
		ln.timer = time.AfterFunc(wait, ln.tick)
		return
	}
	ln.timer.Reset(wait)
}

// settled reports whether nothing is owed that could be paid now.
func (ln *lane) settled() bool {
	ln.mu.Lock()
	defer ln.mu.Unlock()
	return ln.core.Owed() == 0 || ln.core.Suspect()
}

// close ends the lane: nothing is sent any more.
func (ln *lane) close() {
	ln.mu.Lock()
	defer ln.mu.Unlock()
	ln.closed = true
	if ln.timer != nil {
		ln.timer.Stop()
	}
	ln.wake.Broadcast()
}
