package redlock

import (
	"context"
	"errors"
	"fmt"
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

	// suspect mirrors core.Lane.Suspect for reading without the mutex.
	suspect atomic.Bool

	mu        sync.Mutex
	core      core.Lane
	verifying bool
	jury      []landed // votes whose standing waits for the verification
	lastErr   error
	watch     core.ClockWatch
	sampling  bool
	sampleAt  core.Time // when the node's clock is read next
	doubted   bool      // it was logged why the node's votes do not count
	timer     *time.Timer
	ticks     core.Time // when the timer fires, Never if it is not set
	closed    bool
}

// flight is one request of a claim under way.
type flight struct {
	core.Flight
	claim *claim
	op    core.Op
	round uint32
}

// landed is a request with its answer.
type landed struct {
	flight *flight
	vote   core.Vote
	tries  int // verifications that it has waited for
}

// payAtOnce is how many releases that are owed go in one batch.
const payAtOnce = 64

func newLane(ctx context.Context, l *Locker, index int, n Node) *lane {
	ln := &lane{node: n, index: index, locker: l, ctx: ctx, ticks: core.Never, core: core.NewLane(&l.limits)}
	ln.core.Guard = core.NewGuard(l.cfg.quarantine())
	ln.epoch = func() uint64 { return 0 }
	if e, ok := n.(Epocher); ok {
		ln.epoch = e.Epoch
	}
	return ln
}

// request sends what a claim wants sent, or answers in the node's stead that it
// was not.
func (ln *lane) request(c *claim, e core.Effect, batch []resp.Command) {
	f := &flight{claim: c, op: e.Op, round: e.Round}
	f.Owner = f
	ln.mu.Lock()
	if err := ln.admit(e); err != nil {
		if e.Op == core.Release && !ln.closed {
			ln.core.Owe(core.Debt{Key: c.params.Key, Value: c.value})
		}
		ln.mu.Unlock()
		ln.deliver(landed{flight: f, vote: core.Vote{Answer: core.Unsent, Err: err}})
		return
	}
	ln.launch(&f.Flight)
	ln.sample(ln.locker.clock.now())
	ln.mu.Unlock()
	go func() {
		defer ln.locker.flying.Done()
		replies, err := ln.do(batch)
		ln.land(f, replies, err)
	}()
}

// admit says why a request is not to be sent now. It is called with the mutex
// held.
func (ln *lane) admit(e core.Effect) error {
	if ln.closed {
		return ErrClosed
	}
	// The count is only of interest, and only taken, for a node that is suspected.
	enough := ln.core.Suspect() && ln.locker.trusted() >= ln.locker.terms.Need
	now := ln.locker.clock.now()
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

// launch counts a request that will be sent. It is called with the mutex held.
func (ln *lane) launch(f *core.Flight) {
	ln.core.Launch(ln.locker.clock.now(), f)
	ln.locker.flying.Add(1)
	ln.arm()
}

// do sends a batch and sees to it that scripts which the node does not know are
// sent whole. The call ends after the locker's patience, so that a client
// library can be expected to give the connection up; nobody waits for that.
func (ln *lane) do(batch []resp.Command) ([]resp.Reply, error) {
	ctx, cancel := context.WithTimeout(ln.ctx, ln.locker.patience())
	defer cancel()
	replies, err := ln.send(ctx, batch)
	if err != nil {
		return nil, err
	}
	for i := range replies {
		if replies[i].Code() != "NOSCRIPT" {
			continue
		}
		if eval, ok := script.Eval(batch[i]); ok {
			again, err := ln.send(ctx, []resp.Command{eval})
			if err != nil {
				return nil, err
			}
			replies[i] = again[0]
		}
	}
	return replies, nil
}

func (ln *lane) send(ctx context.Context, batch []resp.Command) ([]resp.Reply, error) {
	replies, err := ln.node.Do(ctx, batch)
	switch {
	case err == nil && len(replies) == len(batch):
		return replies, nil
	case err == nil:
		return nil, fmt.Errorf("%d replies to a batch of %d commands: this is no Redis server", len(replies), len(batch))
	case errors.Is(err, context.DeadlineExceeded):
		return nil, timeoutError{after: ln.locker.patience()}
	}
	return nil, err
}

// land takes a reply, or the lack of it, has the vote weighed and passes it on.
func (ln *lane) land(f *flight, replies []resp.Reply, err error) {
	vote := core.Vote{Err: err}
	if err == nil {
		vote = script.Read(f.op, f.claim.value, replies)
	}
	ln.mu.Lock()
	if f.op == core.Release && (vote.Answer == core.Unknown || vote.Answer == core.Failed) {
		ln.core.Owe(core.Debt{Key: f.claim.params.Key, Value: f.claim.value})
	}
	if vote.Err != nil && isReadOnly(vote.Err) {
		ln.core.Guard.Demoted()
	}
	ln.landed(&f.Flight, err)
	counts := ln.weigh(f, &vote)
	if !counts {
		ln.jury = append(ln.jury, landed{flight: f, vote: vote})
		ln.verify()
	}
	ln.mu.Unlock()
	if counts {
		ln.deliver(landed{flight: f, vote: vote})
	}
}

// landed takes note of how any request ended. It is called with the mutex held.
func (ln *lane) landed(f *core.Flight, err error) {
	ln.core.Land(ln.locker.clock.now(), f, err == nil)
	ln.sense(err)
	ln.pay()
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

// deliver gives an answer to the claim that waits for it.
func (ln *lane) deliver(a landed) {
	f := a.flight
	f.claim.step(core.Event{Kind: core.Reply, Node: ln.index, Op: f.op, Round: f.round, Vote: a.vote})
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
		batch[i] = script.Release(d.Key, d.Value)
	}
	f := new(core.Flight)
	ln.launch(f)
	go func() {
		defer ln.locker.flying.Done()
		_, err := ln.do(batch)
		ln.mu.Lock()
		defer ln.mu.Unlock()
		ln.core.Paid(err == nil)
		ln.landed(f, err)
	}()
}

// tick marks the requests that are past their deadline, and probes.
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
	var acquitted []landed
	for _, f := range late {
		if f.Owner == ln { // the verification
			acquitted = ln.acquit(timeout)
		}
	}
	if ln.core.Probe(now) {
		ln.probe()
	}
	ln.arm()
	ln.mu.Unlock()
	for _, a := range acquitted {
		ln.deliver(a)
	}
	for _, f := range late {
		if f, ok := f.Owner.(*flight); ok {
			f.claim.step(core.Event{Kind: core.Overdue, Node: ln.index, Op: f.op, Round: f.round, Vote: core.Vote{Err: timeout}})
		}
	}
}

// probe asks for a sign of life. It is called with the mutex held.
func (ln *lane) probe() {
	f := new(core.Flight)
	ln.launch(f)
	go func() {
		defer ln.locker.flying.Done()
		_, err := ln.do(script.Probe())
		ln.mu.Lock()
		defer ln.mu.Unlock()
		ln.core.Probed(ln.locker.clock.now(), err == nil)
		ln.landed(f, err)
	}()
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
}
