package redlock

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/redlock-go/redlock/internal/core"
)

// Lease is a lock that is held, for a time. It is renewed in the background,
// every third of the TTL or a little sooner, and after an error until the deadline,
// unless WithoutRenewal was given. All methods may be called by many goroutines at once.
type Lease struct {
	c      *claim
	ctx    leaseContext
	parent context.Context
	token  uint64
	ended  atomic.Int64 // its deadline when it was passed on to another user, else 0
}

// lease makes the lease of a claim that was won, or was passed on, or says why it was
// not or is over already. The turn is the lease's from here on.
func (c *claim) lease(parent context.Context, t *turn) (*Lease, *loss, error) {
	ctx, end := context.WithCancelCause(parent)
	c.mu.Lock()
	lost := c.lost
	c.end = end
	token := c.core.Token()
	if lost == nil {
		c.turn = t
		if t != nil {
			c.locker.turns.hold(t, c)
		}
		if c.tenant == nil {
			c.tenant = &c.held
		}
	}
	lease := c.tenant
	c.mu.Unlock()
	if lost != nil {
		end(lost.cause)
		if !c.won || lost.reason == core.Released {
			return nil, lost, closedOr(lost)
		}
		// Won and over before anyone looked: the process stood still.
		c.mu.Lock()
		defer c.mu.Unlock()
		return nil, &loss{cause: c.tooLate("acquire"), defeat: core.Defeat{Late: true}, spent: true}, nil
	}
	lease.c, lease.parent, lease.token = c, parent, token
	lease.ctx = leaseContext{Context: ctx, lease: lease}
	if parent.Done() != nil {
		c.parent.Store(&lease.parent)
	}
	return lease, nil, nil
}

// Key is the key on the nodes: the prefix and the name. Of a lease of AcquireAll it is
// all of them, for people to read: see Keys.
func (l *Lease) Key() string { return l.c.params.Key }

// Keys are the keys on the nodes, in the order in which AcquireAll was given their names:
// one for every other lease.
func (l *Lease) Keys() []string { return slices.Clone(l.c.keys()) }

// Token is the fencing token: a lease of the same key that was granted later has
// a greater one. It stays the same when the lease is extended. Pass it along
// with every write, and have the resource refuse one that is smaller than the
// greatest it has seen.
func (l *Lease) Token() uint64 { return l.token }

// Context is done when the lease is over, and no later than Deadline says, by
// a local timer that waits for nobody (I2). context.Cause tells why: ErrLost,
// ErrReleased, or the cause of the context that was given to Acquire, of which
// it is a child. Work under the lock belongs under this context.
//
// When the parent ends, the lease itself goes on, so that the work can be wound
// up under the lock, but it is not renewed any more: there is time until
// Deadline to call Release.
//
// TokenFrom finds the token in it.
func (l *Lease) Context() context.Context { return &l.ctx }

// Deadline is when the lease ends if it is not extended: the time at which the
// first request of the last successful round was sent, plus the TTL, less the
// drift allowance (I2); or the max hold, if that comes first. It moves with each
// extension.
func (l *Lease) Deadline() time.Time {
	// In this order: if the process stands still between the two readings, the
	// result is too early, and never too late.
	now := time.Now()
	at := core.Time(l.c.deadline.Load())
	if ended := l.ended.Load(); ended != 0 {
		at = core.Time(ended)
	}
	return now.Add(at - l.c.locker.clock.now())
}

// Extend extends the lease to a whole TTL from now, in one round. Leases are
// extended in the background anyway: it is for WithoutRenewal, and for those who
// want to be sure at a certain point.
//
// On failure nothing is lost yet if the error is ErrNoQuorum: the lease is valid
// until Deadline, and the renewal in the background goes on. ErrLost says that
// it is over, ErrNotHeld that it was released. An end of ctx ends the wait and
// not the round.
func (l *Lease) Extend(ctx context.Context) error {
	done := make(chan error, 1)
	l.c.mu.Lock()
	lost := l.c.lost
	if l.c.tenant != l {
		lost = released
	}
	if lost != nil {
		l.c.mu.Unlock()
		return lost.extendError()
	}
	l.c.extends = append(l.c.extends, done)
	l.c.mu.Unlock()
	l.c.step(core.Event{Kind: core.WantExtend})
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return contextError(ctx)
	}
}

// Release gives the lock back. It returns when a majority of the nodes is free
// of the key, so that the next holder can have it, or when every node that
// answers has; the rest goes on in the background. If another caller of Acquire in
// this process waits for the lock it may be that one's at once, see Config.HandOvers,
// and Release does not wait at all. Else it waits for no longer
// than Config.NodeTimeout, and an end of ctx, before or during the call, changes
// nothing: a request's context is often over by the time its lock is released.
//
// The error is nil if the lease was valid to the end; ErrLost if it was over
// before or turns out to have been lost; a *QuorumError (ErrNoQuorum) if too few
// nodes answered, which leaves the key to its TTL where they did not. Release is
// idempotent: each call returns the same.
func (l *Lease) Release(ctx context.Context) error {
	_ = ctx // see above; it is here for what a caller's tracing carries in it
	if l.passOn() {
		return nil
	}
	l.leaveToOthers()
	if !l.c.stepAs(l, core.Event{Kind: core.End, Reason: core.Released}, false) {
		return nil // it is another's
	}
	if freed, free := l.c.whenFree(); !free {
		<-freed
	}
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	return l.c.removed
}

// leaseContext is the context of a lease. Beside the timer that ends it, Err
// looks at the clock itself: right after a suspended machine wakes, the timer is
// late and the lease is over.
type leaseContext struct {
	context.Context
	lease *Lease
}

// Err is as every context's, and never nil after the deadline.
func (x *leaseContext) Err() error {
	c := x.lease.c
	if err := x.Context.Err(); err != nil {
		return err
	}
	if c.locker.clock.now() >= core.Time(c.deadline.Load()) {
		c.step(core.Event{Kind: core.Alarm})
	}
	return x.Context.Err()
}

type (
	tokenKey struct{}
	leaseKey struct{}
)

// Value adds the token, and the lease, to the parent's values.
func (x *leaseContext) Value(key any) any {
	switch key {
	case tokenKey{}:
		return x.lease.token
	case leaseKey{}:
		return x.lease
	}
	return x.Context.Value(key)
}

// TokenFrom returns the fencing token of the lease whose context ctx is, or
// descends from; ok is false if there is none.
func TokenFrom(ctx context.Context) (token uint64, ok bool) {
	token, ok = ctx.Value(tokenKey{}).(uint64)
	return token, ok
}

// LeaseFrom returns the lease whose context ctx is, or descends from: for what is called
// under a lock, or by [Locker.Elect], and needs its deadline. ok is false if there is none.
func LeaseFrom(ctx context.Context) (lease *Lease, ok bool) {
	lease, ok = ctx.Value(leaseKey{}).(*Lease)
	return lease, ok
}

// closedOr is ErrClosed if the locker was closed under a caller.
func closedOr(lost *loss) error {
	if errors.Is(lost.cause, ErrClosed) {
		return ErrClosed
	}
	return nil
}
