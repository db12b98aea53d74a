package redlock

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/redlock-go/redlock/internal/core"
)

// Acquire takes the lock of that name and returns the lease. While somebody
// else holds it, Acquire waits, until ctx is done; the wait is not bounded
// otherwise. Callers in this process wait for each other in the order in which they
// came, and one of them in the nodes' queues for all.
//
// If too few nodes answer to the first round, it returns a *QuorumError
// (ErrNoQuorum) at once, within Config.NodeTimeout: nothing is known of the
// lock then. A caller that is already waiting rides out an outage of up to one
// TTL, and the quarantine of the nodes that come back after it.
//
// When ctx ends, the error is the context's own for errors.Is, and also the last
// attempt's, ErrHeld or ErrNoQuorum, so that one can tell what it waited for.
// After an error no key is left behind: each node that can be reached is freed
// in the background, one that cannot is free by TTL. ctx does not bound that.
//
// The lease's context is a child of ctx: see [Lease.Context].
func (l *Locker) Acquire(ctx context.Context, name string, opts ...Option) (*Lease, error) {
	o, err := l.options(name, opts)
	if err != nil {
		return nil, err
	}
	return l.acquire(ctx, o)
}

// acquire is Acquire for any Kind. Only callers that want the plain lock wait for each
// other in the process.
func (l *Locker) acquire(ctx context.Context, o options) (*Lease, error) {
	var waited waiting
	if o.kind != nil {
		return l.campaign(ctx, o, nil, nil, &waited)
	}
	for {
		t, s := l.turns.take(&o)
		if s == nil {
			return l.campaign(ctx, o, t, nil, &waited)
		}
		if o.onWait != nil {
			o.onWait(l.heldHere(l.turns.deadline(t), o.key))
		}
		if deadline, err := l.standBy(ctx, t, s); err != nil {
			waited.last = l.heldHere(deadline, o.key)
			return nil, waited.giveUp(o.key, err)
		}
		switch {
		case errors.Is(s.failed, ErrClosed):
			return nil, waited.giveUp(o.key, s.failed)
		case s.failed != nil:
			return nil, s.failed
		case s.passed == nil:
			waited.Answered = l.turns.isKnown(t)
			return l.campaign(ctx, o, t, s.place, &waited)
		}
		lease, _, err := s.passed.lease(ctx, t)
		switch {
		case err != nil:
			return nil, waited.giveUp(o.key, err)
		case lease == nil: // over before anyone looked
		case ctx.Err() != nil:
			_ = lease.Release(ctx) // the next one may have it
			return nil, waited.giveUp(o.key, contextError(ctx))
		default:
			return lease, nil
		}
	}
}

// campaign is Acquire for the one whose turn it is in this process, if it has one,
// with its place in the nodes' queues, if it has one. It ends the turn if it gets no
// lease.
func (l *Locker) campaign(ctx context.Context, o options, t *turn, place *waiter, waited *waiting) (*Lease, error) {
	lease, place, err := l.ask(ctx, o, t, place, waited)
	switch {
	case lease != nil:
		return lease, nil
	case t == nil:
	case waited.failed:
		l.turns.fail(t, err)
	case l.turns.pass(t, place):
		place = nil
	}
	if place != nil {
		place.quit()
	}
	return nil, err
}

// ask asks the nodes until there is a lease, or no sense in waiting for it. Without a
// lease it returns its place in the nodes' queues, if it still has one.
func (l *Locker) ask(ctx context.Context, o options, t *turn, place *waiter, waited *waiting) (*Lease, *waiter, error) {
	// By the plain way one does not see that a key is left to others.
	if place == nil && (l.cfg.Shared && o.kind == nil || l.queues.isCrowded(o.key)) {
		place = l.queues.stand(ctx, o.key, o.kind)
	}
	for {
		lease, lost, err := l.attempt(ctx, o, t, waited.Attempts > 0, place)
		if err != nil {
			return nil, nil, waited.giveUp(o.key, err)
		}
		if lease != nil {
			return lease, nil, nil
		}
		waited.last = lost.cause
		o.learn(lost.defeat)
		if !waited.GoOn(lost.defeat, l.clock.now(), l.cfg.TTL+l.cfg.quarantine()) {
			waited.failed = true
			return nil, place, lost.cause
		}
		if t != nil {
			l.turns.learn(t, waited.Answered, waited.Out)
		}
		if o.onWait != nil {
			o.onWait(lost.cause)
		}
		switch {
		case place != nil && lost.spent:
			place = l.queues.stand(ctx, o.key, o.kind) // the old one leaves the queues with the lease
			continue
		case place == nil && errors.Is(lost.cause, ErrHeld):
			if place = l.queues.stand(ctx, o.key, o.kind); place != nil {
				continue // and stand in the queues
			}
			fallthrough
		case place == nil || !lost.queued:
			err = l.sleep(ctx, core.Ordinary.Pause(waited.Attempts-1, lost.defeat.View, rand.Float64()))
		default:
			err = place.wait(ctx)
		}
		if err != nil {
			return nil, place, waited.giveUp(o.key, err)
		}
	}
}

// TryAcquire takes the lock if it is free, in one round, and does not wait. If
// somebody holds it, the error is a *HeldError (ErrHeld) that says who, and
// for how long yet. If too few nodes answer, it is a *QuorumError (ErrNoQuorum).
// What is left behind after an error is as with Acquire: nothing.
func (l *Locker) TryAcquire(ctx context.Context, name string, opts ...Option) (*Lease, error) {
	o, err := l.options(name, opts)
	if err != nil {
		return nil, err
	}
	return l.tryAcquire(ctx, o)
}

// tryAcquire is TryAcquire for any Kind.
func (l *Locker) tryAcquire(ctx context.Context, o options) (*Lease, error) {
	var t *turn
	if o.kind == nil {
		t = l.turns.tryTake(o.key)
	}
	lease, lost, err := l.attempt(ctx, o, t, true, nil)
	for n := 1; lost != nil && lost.defeat.Scattered && n < mostScattered; n++ {
		o.learn(lost.defeat)
		lease, lost, err = l.attempt(ctx, o, t, true, nil)
	}
	if lease == nil && t != nil {
		l.turns.pass(t, nil)
	}
	switch {
	case err != nil:
		return nil, (&waiting{}).giveUp(o.key, err)
	case lease == nil:
		return nil, lost.cause
	}
	return lease, nil
}

// Do takes the lock as Acquire does, calls fn with the lease and its context,
// and releases the lock when fn returns or panics. fn must return when its
// context ends.
//
// It returns Acquire's error, or fn's; if the lease was lost before fn returned,
// the error is also ErrLost, even if fn's was nil. That too few nodes answered to
// the release is logged and no error: the work was done under the lock, and the
// key expires.
func (l *Locker) Do(ctx context.Context, name string, fn func(ctx context.Context, lease *Lease) error, opts ...Option) (err error) {
	lease, err := l.Acquire(ctx, name, opts...)
	if err != nil {
		return err
	}
	defer func() { err = l.giveBack(ctx, lease, err) }()
	return fn(lease.Context(), lease)
}

// giveBack releases the lease of somebody whose work ended with err, and returns what to
// tell of both.
func (l *Locker) giveBack(ctx context.Context, lease *Lease, err error) error {
	switch released := lease.Release(ctx); {
	case errors.Is(released, ErrLost) && !errors.Is(err, ErrLost):
		return errors.Join(err, released)
	case released != nil && !errors.Is(released, ErrLost):
		l.cfg.Logger.Warn("redlock: a lease was not released on enough nodes: its key goes by TTL", "key", lease.Key(), "ttl", l.cfg.TTL, "cause", released)
	}
	return err
}

// attempt makes one claim. It returns a lease, or why the claim was lost, or the
// error that ended the wait for it.
// A place that stands in the queues leaves them if it is an error.
func (l *Locker) attempt(ctx context.Context, o options, t *turn, look bool, place *waiter) (lease *Lease, lost *loss, err error) {
	if place != nil {
		defer func() {
			if err != nil {
				place.quit()
			}
		}()
	}
	if ctx.Err() != nil {
		return nil, nil, contextError(ctx)
	}
	select {
	case l.slots <- struct{}{}:
		defer func() { <-l.slots }()
	case <-ctx.Done():
		return nil, nil, contextError(ctx)
	case <-l.closing:
		return nil, nil, ErrClosed
	}
	if place != nil {
		o.kind = place.prefers(o.kind)
	}
	c := l.newClaim(o.key, o.kind, look, place)
	if err := l.enter(c); err != nil {
		return nil, nil, err
	}
	if place != nil {
		place.try(c)
	}
	var block uint64
	if t != nil {
		block = uint64(max(0, min(l.cfg.HandOvers, l.turns.standingBy(t))))
	}
	c.step(core.Event{Kind: core.Begin, Block: block, Token: l.highest.Load(), Renew: o.renew, MaxHold: o.maxHold, Stagger: rand.N(l.terms.RenewEvery / 4), Queued: place != nil})
	select {
	case <-c.decided:
	case <-ctx.Done():
		c.step(core.Event{Kind: core.End, Reason: core.Abandoned})
		return nil, nil, contextError(ctx)
	case <-l.closing:
		c.step(core.Event{Kind: core.End, Reason: core.Abandoned})
		return nil, nil, ErrClosed
	}
	lease, lost, err = c.lease(ctx, t)
	if lease != nil && place != nil {
		place.won(c)
	}
	if lease == nil {
		// The nodes that granted it get the key back before anyone is told that
		// there was no getting it: else who tries again would meet itself (I5).
		if freed, free := c.whenFree(); !free {
			select {
			case <-freed:
			case <-ctx.Done():
			case <-l.closing:
			}
		}
		if place != nil && err == nil && !lost.spent {
			lost.queued = place.lost(c)
		}
	}
	return lease, lost, err
}

// sleep waits between two attempts.
func (l *Locker) sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return contextError(ctx)
	case <-l.closing:
		return ErrClosed
	}
}

// contextError is the context's own error, and its cause if it has another.
func contextError(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if cause == nil || errors.Is(cause, err) {
		return err
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// waiting is what a caller of Acquire has been through.
type waiting struct {
	core.Patience
	last   error // of the last attempt
	failed bool  // for want of a quorum
}

// giveUp is the error of a wait that ended.
func (w *waiting) giveUp(key string, err error) error {
	if w.last == nil {
		return fmt.Errorf("redlock: gave up on %q: %w", key, err)
	}
	if w.Attempts == 0 {
		return fmt.Errorf("redlock: gave up waiting for %q: %w; last: %w", key, err, w.last)
	}
	return fmt.Errorf("redlock: gave up waiting for %q after %d attempts: %w; last: %w", key, w.Attempts, err, w.last)
}
