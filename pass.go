package redlock

import (
	"context"
	"time"

	"github.com/redlock-go/redlock/internal/core"
)

// passFor is for how long a lease may pass from one caller to the next in this
// process: those of other processes wait for so much longer, and one section.
const passFor = 100 * time.Millisecond

// passOn gives the lease to the next caller that stands by for it in this process,
// with the next token and without asking the nodes. It reports false if it may not
// be passed on, or nobody waits for it. A leader's may not: who watches goes by the nodes, which would
// know nothing of its end.
func (l *Lease) passOn() bool {
	c := l.c
	c.mu.Lock()
	if c.tenant != l || c.turn == nil || c.lost != nil || c.leads {
		c.mu.Unlock()
		return false
	}
	now := c.locker.clock.read()
	if !c.core.CanPass(now.At) {
		c.mu.Unlock()
		return false
	}
	next := c.locker.turns.heir(c.turn)
	if next == nil {
		c.mu.Unlock()
		return false
	}
	l.ended.Store(c.deadline.Load())
	c.tenant = new(Lease)
	if c.end != nil {
		c.end(ErrReleased) // here, as in note
	}
	c.end = nil
	c.parent.Store(nil)
	extends := c.extends
	c.extends = nil
	var room [8]core.Effect
	effects := c.core.Step(now, core.Event{Kind: core.PassOn, Renew: next.renew, MaxHold: next.max}, room[:0])
	told := c.settle(effects)
	c.mu.Unlock()

	for _, w := range extends {
		w <- ErrNotHeld
	}
	c.carryOut(effects, told, false)
	next.passed = c
	next.called <- struct{}{}
	return true
}

// standBy waits until the turn is the caller's, or the lease is. If it ends otherwise it
// returns why, and the deadline of the lease that was waited for, 0 if there was none.
// Very many stand by at once: it waits for as few things as can be.
func (l *Locker) standBy(ctx context.Context, t *turn, s *standby) (deadline core.Time, err error) {
	select {
	case <-s.called:
		return 0, nil
	case <-ctx.Done():
	}
	deadline = l.turns.deadline(t) // as long as somebody stands by for it, it is about this key
	if l.turns.leave(s) {
		return deadline, contextError(ctx)
	}
	<-s.called // it was called in this moment, and has to answer
	return 0, nil
}

// heldHere is the error of those who stand by: a caller in this process is before them.
// The deadline is that one's, 0 if it has no lease yet.
func (l *Locker) heldHere(deadline core.Time, key string) *HeldError {
	e := &HeldError{Key: key, Holder: l.cfg.Owner}
	if deadline > 0 {
		e.Remaining = max(0, deadline-l.clock.now())
	}
	return e
}
