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

// lane is the way to one node: it sends requests, enforces the per-node
// deadline whatever the client library does, keeps the bounds of its gate,
// probes a node that is suspected, and pays what is owed to it when it is back.
type lane struct {
	node   Node
	locker *Locker
	ctx    context.Context // ends when the locker is closed for good

	// suspect mirrors gate.Suspect for reading without the mutex.
	suspect atomic.Bool

	mu      sync.Mutex
	gate    core.Gate
	known   bool // the node has answered before
	waited  flights
	owed    []debt
	paying  bool
	lastErr error
	timer   *time.Timer
	ticks   core.Time // when the timer fires, Never if it is not set
	closed  bool
}

// debt is a key that may still be on the node and must go: its release could
// not be sent, or was not answered.
type debt struct{ key, value string }

// flight is one request under way.
type flight struct {
	claim      *claim
	node       int
	op         core.Op
	round      uint32
	sentAt     core.Time
	overdue    bool
	prev, next *flight
}

// What is under way to one node is bounded by these. They are far above what a
// node that answers needs.
const (
	mostFlying = 1024
	mostOwed   = 4096
	payAtOnce  = 64
	probeLeast = 5 * time.Millisecond
	probeMost  = 500 * time.Millisecond
)

var laneLimits = core.Limits{Flying: mostFlying, Owed: mostOwed, ProbeMin: probeLeast, ProbeMax: probeMost}

func newLane(ctx context.Context, l *Locker, n Node) *lane {
	return &lane{node: n, locker: l, ctx: ctx, ticks: core.Never}
}

// timeout is the per-node deadline: longer for a node that has not been heard of
// yet, as it may have to be connected to.
func (ln *lane) timeout() time.Duration {
	if ln.known {
		return ln.locker.cfg.NodeTimeout
	}
	return ln.locker.firstTimeout()
}

// request sends what a claim wants sent, or answers in the node's stead that it
// was not.
func (ln *lane) request(c *claim, e core.Effect) {
	batch := c.params.Batch(e.Op, c.value, e.Token, c.look)
	f := &flight{claim: c, node: e.Node, op: e.Op, round: e.Round}
	ln.mu.Lock()
	err := ln.admit(e.Op)
	if err != nil {
		if e.Op == core.Release {
			ln.owe(debt{c.params.Key, c.value})
		}
		ln.mu.Unlock()
		c.step(core.Event{Kind: core.Reply, Node: e.Node, Op: e.Op, Round: e.Round, Vote: core.Vote{Answer: core.Unsent, Err: err}})
		return
	}
	f.sentAt = ln.locker.clock.now()
	ln.gate.Sent()
	ln.waited.push(f)
	ln.arm(f.sentAt + ln.timeout())
	ln.locker.flying.Add(1)
	ln.mu.Unlock()
	go func() {
		defer ln.locker.flying.Done()
		replies, err := ln.do(batch)
		ln.land(f, replies, err)
	}()
}

// admit says why a request is not to be sent now. A node that is suspected is
// passed over only if there is a quorum without it; extensions are sent to it
// all the same, as they are few and each may count.
func (ln *lane) admit(op core.Op) error {
	suspect := ln.gate.Suspect()
	switch {
	case ln.closed:
		return ErrClosed
	case op == core.Release && suspect:
		return suspectedError{ln.lastErr}
	case op == core.Release:
		return nil
	case ln.gate.Full(laneLimits, len(ln.owed)):
		if suspect {
			return suspectedError{ln.lastErr}
		}
		return errBusy
	case op == core.Ask && suspect && ln.locker.trusted() >= ln.locker.terms.Need:
		return suspectedError{ln.lastErr}
	}
	return nil
}

// do sends a batch and sees to it that scripts which the node does not know are
// sent whole. The call ends after the locker's patience, so that a client
// library can be expected to give the connection up; nobody waits for that.
func (ln *lane) do(batch []resp.Command) ([]resp.Reply, error) {
	ctx, cancel := context.WithTimeout(ln.ctx, ln.locker.patience())
	defer cancel()
	replies, err := ln.node.Do(ctx, batch)
	if err == nil && len(replies) != len(batch) {
		err = fmt.Errorf("%d replies to a batch of %d commands: this is no Redis server", len(replies), len(batch))
	}
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			err = timeoutError{ln.locker.patience()}
		}
		return nil, err
	}
	for i := range replies {
		if replies[i].Code() != "NOSCRIPT" {
			continue
		}
		eval, ok := script.Eval(batch[i])
		if !ok {
			continue
		}
		again, err := ln.node.Do(ctx, []resp.Command{eval})
		if err != nil {
			return nil, err
		}
		if len(again) == 1 {
			replies[i] = again[0]
		}
	}
	return replies, nil
}

// land takes a reply, or the lack of it, and passes it on.
func (ln *lane) land(f *flight, replies []resp.Reply, err error) {
	var vote core.Vote
	if err == nil {
		vote = script.Read(f.op, f.claim.value, replies)
	} else {
		vote.Err = err
	}
	ln.mu.Lock()
	if !f.overdue {
		ln.waited.remove(f)
	}
	if f.op == core.Release && (vote.Answer == core.Unknown || vote.Answer == core.Failed) {
		ln.owe(debt{f.claim.params.Key, f.claim.value})
	}
	ln.heard(err)
	ln.mu.Unlock()
	f.claim.step(core.Event{Kind: core.Reply, Node: f.node, Op: f.op, Round: f.round, Vote: vote})
}

// heard takes note of how a request ended. It is called with the mutex held.
func (ln *lane) heard(err error) {
	now := ln.locker.clock.now()
	if err != nil {
		ln.gate.Broke(now)
		ln.suspected(err)
		return
	}
	ln.gate.Answered()
	ln.answered()
}

// answered is called with the mutex held when the node gave a sign of life.
func (ln *lane) answered() {
	ln.known = true
	if ln.suspect.Swap(false) {
		ln.locker.cfg.Logger.Info("redlock: a node answers again", "node", ln.node.Name())
	}
	ln.pay()
}

// suspected is called with the mutex held when the gate began, or goes on, to
// suspect the node.
func (ln *lane) suspected(err error) {
	ln.lastErr = err
	if !ln.suspect.Swap(true) && !ln.closed {
		ln.locker.cfg.Logger.Warn("redlock: a node is suspected, and not waited for until it answers a probe",
			"node", ln.node.Name(), "cause", err)
	}
	ln.arm(ln.gate.ProbeAt())
}

// owe remembers a key that must go from this node. The list does not grow
// without bound: a lane that owes much sends no request that could add to it,
// and releases of leases beyond that expire by themselves.
func (ln *lane) owe(d debt) {
	if len(ln.owed) < 2*mostOwed && !ln.closed {
		ln.owed = append(ln.owed, d)
	}
}

// pay sends what is owed, in batches one after another. It is called with the
// mutex held.
func (ln *lane) pay() {
	if ln.paying || ln.closed || len(ln.owed) == 0 {
		return
	}
	due := ln.owed[:min(len(ln.owed), payAtOnce)]
	batch := make([]resp.Command, len(due))
	for i, d := range due {
		batch[i] = script.Release(d.key, d.value)
	}
	ln.paying = true
	ln.gate.Sent()
	ln.locker.flying.Add(1)
	go func() {
		defer ln.locker.flying.Done()
		_, err := ln.do(batch)
		ln.mu.Lock()
		defer ln.mu.Unlock()
		ln.paying = false
		if err == nil {
			// An error reply is final too: asking again would say the same.
			ln.owed = append(ln.owed[:0], ln.owed[len(batch):]...)
		}
		ln.heard(err)
	}()
}

// tick marks the requests that are past their deadline, and probes.
func (ln *lane) tick() {
	var late []*flight
	ln.mu.Lock()
	now := ln.locker.clock.now()
	ln.ticks = core.Never
	if ln.closed {
		ln.mu.Unlock()
		return
	}
	timeout := ln.timeout()
	for f := ln.waited.first; f != nil && now >= f.sentAt+timeout; f = ln.waited.first {
		ln.waited.remove(f)
		f.overdue = true
		late = append(late, f)
	}
	if len(late) > 0 {
		ln.gate.Overdue(now)
		ln.suspected(timeoutError{timeout})
	}
	if now >= ln.gate.ProbeAt() {
		ln.probe()
	}
	ln.arm(ln.gate.ProbeAt())
	if f := ln.waited.first; f != nil {
		ln.arm(f.sentAt + timeout)
	}
	ln.mu.Unlock()
	for _, f := range late {
		f.claim.step(core.Event{Kind: core.Overdue, Node: f.node, Op: f.op, Round: f.round, Vote: core.Vote{Err: timeoutError{timeout}}})
	}
}

// probe asks for a sign of life. It is called with the mutex held.
func (ln *lane) probe() {
	ln.gate.ProbeSent()
	ln.locker.flying.Add(1)
	go func() {
		defer ln.locker.flying.Done()
		_, err := ln.do(script.Probe())
		ln.mu.Lock()
		defer ln.mu.Unlock()
		ln.gate.ProbeDone(ln.locker.clock.now(), err == nil, laneLimits)
		if err != nil {
			ln.suspected(err)
			return
		}
		ln.answered()
	}()
}

// arm makes the timer fire at the given time or before. It is called with the
// mutex held. A timer that finds nothing to do costs less than resetting it with
// each request.
func (ln *lane) arm(at core.Time) {
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
	return len(ln.owed) == 0 || ln.gate.Suspect()
}

func (ln *lane) close() {
	ln.mu.Lock()
	defer ln.mu.Unlock()
	ln.closed = true
	if ln.timer != nil {
		ln.timer.Stop()
	}
}

// flights is a list of requests under way, in the order of sending.
type flights struct{ first, last *flight }

func (l *flights) push(f *flight) {
	f.prev = l.last
	if l.last == nil {
		l.first = f
	} else {
		l.last.next = f
	}
	l.last = f
}

func (l *flights) remove(f *flight) {
	if f.prev == nil {
		l.first = f.next
	} else {
		f.prev.next = f.next
	}
	if f.next == nil {
		l.last = f.prev
	} else {
		f.next.prev = f.prev
	}
	f.prev, f.next = nil, nil
}
