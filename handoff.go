package redlock

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/redlock-go/redlock/internal/core"
)

// Handoff writes the lease down, for another process to go on with: that one gives the text to
// [Locker.Resume], and holds the same lock from then on, with the same token, and without a
// moment in which anybody else could have had it.
//
// On return this lease is over: its context ends with ErrHandedOver as its cause, it is not
// renewed any more, and Release does nothing and returns nil. The key stays on the
// nodes until its TTL is over, which is counted from the last successful round; to have all of it, call Extend first. If
// nobody resumes it by then, the lock is free. Nothing is sent to the nodes; but nodes that were asked for
// the key, and have not answered yet, are waited for, for Config.NodeTimeout at the most: they are to vote, too.
//
// Whoever has the text can act as the holder: can resume the lease, extend it and release it.
// It is a secret. Keep it in a file that only its user may read, or in an environment variable;
// not in an argument of a command, and not in a log. It is one line of printable characters, of
// a few hundred bytes. It serves once: who has resumed the lease hands it over by a new text.
// It holds no address and no password of a node.
//
// A max hold ends with the lease, and is not handed over. Callers in this process that
// wait for the lock go on to ask the nodes. Only the plain lock, that of Acquire and TryAcquire, can be
// handed over.
//
// After an error the lease is as it was before: ErrLost and ErrNotHeld say that it was over,
// ErrHandedOver that it was handed over before; ErrNoQuorum that it rests on nodes whose word cannot be
// handed over, because a request to them was never answered: release it and acquire it anew.
func (l *Lease) Handoff() (string, error) {
	for {
		text, wait, err := l.handOff()
		if wait == nil {
			return text, err
		}
		<-wait
	}
}

// handOff is Handoff, unless it is to wait first.
func (l *Lease) handOff() (text string, wait <-chan struct{}, err error) {
	c := l.c
	c.mu.Lock()
	lost := c.lost
	if c.tenant != l {
		lost = released
	}
	switch {
	case lost != nil:
		c.mu.Unlock()
		return "", nil, lost.extendError()
	case c.terms().Kind != nil:
		c.mu.Unlock()
		return "", nil, fmt.Errorf("redlock: %q: only a plain lock can be handed over", c.params.Key)
	case c.core.Settling():
		if c.settled == nil {
			c.settled = make(chan struct{})
		}
		wait = c.settled
		c.mu.Unlock()
		return "", wait, nil
	}
	h, err := c.writeDown()
	if err != nil {
		c.mu.Unlock()
		return "", nil, err
	}
	var room [8]core.Effect
	effects := c.core.Step(c.locker.clock.read(), core.Event{Kind: core.HandOver}, room[:0])
	told := c.settle(effects)
	lost = c.lost
	c.mu.Unlock()
	c.carryOut(effects, told, false)
	if lost.reason != core.HandedOver {
		return "", nil, lost.extendError() // it was over, and nobody had looked
	}
	if c.waiter != nil {
		c.waiter.quit() // where it stood in the queues, and was not needed
	}
	return h.text(), nil, nil
}

// writeDown is what the text says. It is called with the mutex held.
func (c *claim) writeDown() (handed, error) {
	l := c.locker
	h := handed{
		Handed: Handed{
			Key: c.params.Key, Token: c.core.Token(),
			TTL: time.Duration(c.params.TTL) * time.Millisecond, Nodes: len(l.lanes),
		},
		value: c.value,
	}
	var others []NodeError
	for i, ln := range l.lanes {
		if c.core.Retaining(i) {
			h.voters = append(h.voters, markOf(ln.node.Name()))
		} else {
			others = append(others, NodeError{ln.node.Name(), errUnproven})
		}
	}
	if len(h.voters) < l.terms.Need {
		return h, &QuorumError{Op: "hand over", Key: h.Key, Need: l.terms.Need, Got: len(h.voters), Nodes: others}
	}
	return h, nil
}

// Resume goes on with a lease that another process has handed over: see [Lease.Handoff]. It asks the nodes
// once, in two rounds: who has the key, and then to extend it. On success the lease is this process's, with the key and the token that it had; its TTL is
// this Locker's from here on. opts are those of Acquire, and ctx is the parent of the lease's
// context. The nodes must be those of the first holder, by the same names (see Node.Name).
//
// Of several that resume one lease, one gets it, or none. The others get ErrLost if it is
// another's or gone: then the text is of no use any more. ErrNoQuorum says that too few nodes
// answered to tell, or that several tried at the same time; the key stays on the nodes, for as long as
// before, and Resume may be tried again until its TTL is over. Any other error says that
// the text is none, or of other nodes. When ctx ends before the nodes have answered, it is as
// after ErrNoQuorum. If this process dies in the midst of it, the key may be taken over on a majority
// with nobody to know: then the lock is free by TTL.
func (l *Locker) Resume(ctx context.Context, text string, opts ...Option) (*Lease, error) {
	c, err := l.takeOver(ctx, text, core.Takeover, opts)
	if err != nil {
		return nil, err
	}
	t := l.turns.tryTake(c.params.Key)
	lease, lost, err := c.lease(ctx, t)
	if lease != nil {
		return lease, nil
	}
	if t != nil {
		l.turns.pass(t, nil)
	}
	if err != nil || lost == nil {
		return nil, fmt.Errorf("redlock: gave up on %q: %w", c.params.Key, err)
	}
	return nil, fmt.Errorf("%w: %q: it was resumed, and over before anyone looked", ErrLost, c.params.Key)
}

// Prolong extends a lease that was handed over, and leaves it to whoever has the text, which
// stays as it is: for a lock that is held by nobody's process, between the commands of a script.
// It returns the end of the validity: the time at which the first request was sent, plus this
// Locker's TTL, less the drift allowance; after that somebody else may have the lock. It
// is to be called again before.
//
// ErrLost says that the lease is over, or was resumed by somebody; ErrNoQuorum that too few
// nodes answered: the lease is valid until the end that was told before. The end of ctx is as
// ErrNoQuorum. A node that lost the key does not get it again before the lease is resumed.
func (l *Locker) Prolong(ctx context.Context, text string) (until time.Time, err error) {
	c, err := l.takeOver(ctx, text, core.Prolong, nil)
	if err != nil {
		return time.Time{}, err
	}
	now := time.Now() // in this order: see Lease.Deadline
	return now.Add(core.Time(c.deadline.Load()) - l.clock.now()), nil
}

// takeOver makes a claim on a lease that was handed over. It returns it if it was won.
func (l *Locker) takeOver(ctx context.Context, text string, how core.EventKind, opts []Option) (*claim, error) {
	h, err := parseHanded(text)
	if err != nil {
		return nil, err
	}
	o := options{key: h.Key, renew: true}.with(opts)
	if o.hasMaxHold && o.maxHold <= 0 {
		return nil, fmt.Errorf("redlock: WithMaxHold(%v): the time must be positive", o.maxHold)
	}
	listed, err := l.listed(h)
	if err != nil {
		return nil, err
	}
	giveUp := func(err error) error { return fmt.Errorf("redlock: gave up on %q: %w", h.Key, err) }
	if ctx.Err() != nil {
		return nil, giveUp(contextError(ctx))
	}
	select {
	case l.slots <- struct{}{}:
		defer func() { <-l.slots }()
	case <-ctx.Done():
		return nil, giveUp(contextError(ctx))
	case <-l.closing:
		return nil, giveUp(ErrClosed)
	}
	c := l.newClaim(h.Key, nil, false, nil)
	c.params.From = h.value
	event := core.Event{Kind: how, Token: h.Token}
	if how == core.Prolong {
		c.value = h.value
	} else {
		event.Renew, event.MaxHold, event.Stagger = o.renew, o.maxHold, rand.N(l.terms.RenewEvery/4)
	}
	if err := l.enter(c); err != nil {
		return nil, giveUp(err)
	}
	for _, node := range listed {
		c.step(core.Event{Kind: core.Listed, Node: node})
	}
	c.step(event)
	var gaveUp error
	select {
	case <-c.decided:
	case <-ctx.Done():
		gaveUp = contextError(ctx)
	case <-l.closing:
		gaveUp = ErrClosed
	}
	if gaveUp != nil {
		c.step(core.Event{Kind: core.End, Reason: core.Abandoned})
		return nil, giveUp(gaveUp)
	}
	c.mu.Lock()
	won, lost := c.won, c.lost
	c.mu.Unlock()
	if won {
		return c, nil
	}
	// The nodes that passed it on have it back before anyone is told that it failed.
	if freed, free := c.whenFree(); !free {
		select {
		case <-freed:
		case <-ctx.Done():
		case <-l.closing:
		}
	}
	return nil, lost.cause
}

// listed are the nodes that vote for the lease, of those that are known here.
func (l *Locker) listed(h handed) (list []int, err error) {
	if h.Nodes != len(l.lanes) {
		return nil, fmt.Errorf("redlock: the lease of %q is on %d nodes, and this Locker has %d: resume it on the nodes that it is on", h.Key, h.Nodes, len(l.lanes))
	}
	for i, ln := range l.lanes {
		mark := markOf(ln.node.Name())
		for _, voter := range h.voters {
			if voter == mark {
				list = append(list, i)
			}
		}
	}
	if len(list) < l.terms.Need {
		return nil, fmt.Errorf("redlock: of the %d nodes that vote for the lease of %q, %d are known here by the same name, and %d are needed: resume it on the nodes that it is on, by the names of the first holder", len(h.voters), h.Key, len(list), l.terms.Need)
	}
	if h.TTL > l.cfg.LongestTTL {
		l.cfg.Logger.Warn("redlock: a lease was handed over whose TTL is longer than Config.LongestTTL: a node that restarts votes too soon", "key", h.Key, "ttl", h.TTL, "longest", l.cfg.LongestTTL)
	}
	return list, nil
}

var (
	errUnproven = errors.New("it is not known to have had the key ever since")
	errResumed  = "it was handed over, and cannot be resumed any more"
)

// unresumed is why a lease that was handed over is not this process's.
func (c *claim) unresumed() error {
	if d := c.core.Defeat(c.value); d.Late {
		return c.tooLate("resume")
	}
	e := c.quorumError("resume")
	if c.core.Forfeited() {
		return fmt.Errorf("%w: %q: %s (%v)", ErrLost, c.params.Key, errResumed, e) //nolint:errorlint // it is no outage
	}
	return e
}
