package redlock

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/resp"
)

// ForceRelease takes a lock from the holder that Inspect or List has shown, and from nobody
// else: on each node the key goes only if it still has that very attempt's value (F1). The
// next waiter is woken as by a release. The holder's context ends, with ErrLost and ErrEvicted
// as its cause, as soon as a node's push arrives; if none does, at its next renewal, within a
// third of its TTL; and in any case at its deadline (F2). Until then both the evicted one and the
// next holder may believe that they hold the lock. That is what it means to take a lock by
// force, and what fencing tokens are for.
//
// Of those who share a lock to read it, or have slots of a semaphore, it takes from one,
// whom [Share.Holder] names, and leaves the others what they have. A Holder whose Label is
// "readers" or "slots" is nobody by himself: that is an error, and nothing is done.
//
// Of a lease of several locks only this one is free at once; the lease is over as a whole, and its
// holder gives back the rest.
//
// The token that it returns is greater than the evicted lease's, and smaller than that of
// every lease granted after (F3), of that slot if it was one. Give it to the resource, if that one checks tokens, and
// what the evicted holder still sends is refused from then on: if it was a reader's, what those send, too, who
// read at that time.
//
// The errors: ErrNotHeld if the one that was seen does not hold the lock any more, and *HeldError
// (ErrHeld) if another does by now, who keeps it; *QuorumError (ErrNoQuorum) if too few nodes
// did as asked. Then the key is gone where they did, and the holder has been told, but
// the lease may live on, and no token is certain: call it again. The end of ctx ends the wait, with both errors,
// and not what was sent. Each of its rounds, three most often, takes Config.NodeTimeout at the most.
func (l *Locker) ForceRelease(ctx context.Context, seen Holder) (token uint64, err error) {
	switch {
	case seen.value == "" && seen.Key != "", script.IsShared(seen.value):
		return 0, fmt.Errorf("redlock: %q is held by %s, of whom none was seen by himself: say which, by the Holder of a Share that Inspect has shown", seen.Key, seen.Label)
	case seen.value == "":
		return 0, errors.New("redlock: ForceRelease wants a Holder that Inspect or List has shown")
	}
	e := core.Eviction{Need: l.terms.Need}
	if err = l.lookAbove(ctx, seen, &e); err != nil {
		return 0, err
	}
	var failed *QuorumError
	what, other := core.TryAgain, ""
	for tries := 0; what == core.TryAgain && tries < mostEvictions; tries++ {
		wall, ok := l.clock.read().Wall, false
		if token, ok = e.Token(wall, uint64(l.cfg.NodeTimeout.Microseconds())<<tries); !ok {
			return 0, fmt.Errorf("redlock: %q: the nodes have seen the highest tokens there are, and none is above them", seen.Key)
		}
		p := seen.params()
		p.Retention = l.cfg.TokenRetention.Milliseconds()
		if token > wall {
			p.Retention += int64(token-wall) / 1000 // see core.Effect.Ahead
		}
		failed = l.evict(ctx, seen, p.Evict(seen.value, token), &e)
		what, other = e.Outcome()
	}
	if e.Begun() {
		l.tellHolder(ctx, seen)
	}
	switch what {
	case core.EvictedNow:
		l.saw(token)
		for _, n := range failed.Nodes {
			l.forsake(n.Node, seen)
		}
		return token, nil
	case core.NotHeld:
		return 0, fmt.Errorf("%w: %q: %s has given it up, or lost it", ErrNotHeld, seen.Key, seen.Label)
	case core.HeldByOther:
		return 0, &HeldError{Key: seen.Key, Holder: holderName(other)}
	default:
		failed.Got = e.Raised()
		return 0, l.ended(ctx, failed)
	}
}

// mostEvictions is how many tokens are tried.
const mostEvictions = 3

// params are what an eviction is about.
func (h Holder) params() script.Params {
	return script.Params{Key: h.Key, Kind: h.kind, Slot: h.slot}
}

// lookAbove looks at the registers, for a token above them. A node that has just been met is asked
// again when it is known who it is.
func (l *Locker) lookAbove(ctx context.Context, seen Holder, e *core.Eviction) error {
	for tries := 1; ; tries++ {
		round, unsure := *e, false
		failed := &QuorumError{Op: "evict", Key: seen.Key, Need: l.terms.Need}
		for _, a := range l.survey(ctx, seen.params().Above()) {
			n := NodeState{Node: l.lanes[a.index].node.Name()}
			n.doubt(l.lanes[a.index])
			if a.err == nil {
				n.Register, a.err = script.ReadAbove(a.replies)
			}
			round.Looked(n.Register, a.err == nil && n.Doubt == nil && !n.unsure)
			unsure = unsure || n.unsure && a.err == nil
			if err := cmp.Or(a.err, n.Doubt); err != nil {
				failed.Nodes = append(failed.Nodes, NodeError{n.Node, err})
			} else if n.unsure {
				failed.Nodes = append(failed.Nodes, NodeError{n.Node, errUnsure})
			}
		}
		got, enough := round.Enough()
		if !enough && unsure && tries < mostVerifications {
			continue
		}
		*e, failed.Got = round, got
		if !enough {
			return l.ended(ctx, failed)
		}
		return nil
	}
}

var (
	errUnsure = errors.New("it was just connected to, and did not say who it is")
	errHigher = errors.New("it has seen a token as high as the one proposed, several times")
)

// evict asks all nodes to take the key from the holder, and returns why each of those that did not
// as asked did not.
func (l *Locker) evict(ctx context.Context, seen Holder, batch []resp.Command, e *core.Eviction) *QuorumError {
	failed := &QuorumError{Op: "evict", Key: seen.Key, Need: l.terms.Need}
	blame := func(a answer, err error) {
		failed.Nodes = append(failed.Nodes, NodeError{l.lanes[a.index].node.Name(), err})
	}
	for _, a := range l.survey(ctx, batch) {
		var done script.Evicted
		if a.err == nil {
			done, a.err = script.ReadEvict(a.replies)
		}
		if a.err != nil {
			blame(a, a.err)
			continue
		}
		if done.Holder != "" {
			blame(a, heldCause{holderName(done.Holder), false})
		}
		if done.Register > 0 {
			blame(a, errHigher)
		}
		e.Answered(done.Deleted, done.Holder, done.Register)
	}
	return failed
}

// tellHolder has the nodes tell the holder, whose process nobody knows. What does not arrive
// is found out at the next renewal.
func (l *Locker) tellHolder(ctx context.Context, seen Holder) {
	l.survey(ctx, script.TellEvicted(seen.Key, seen.value, l.cfg.Owner))
	if id, _, _, ok := script.ReadEviction(script.Eviction(seen.Key, seen.value, "")); ok {
		l.evicted(id, l.cfg.Owner) // it may be our own
	}
}

// ended is why too few nodes did as asked: they, or the end of the Locker or of ctx.
func (l *Locker) ended(ctx context.Context, failed *QuorumError) error {
	switch {
	case l.isClosing():
		return ErrClosed
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w", contextError(ctx), failed)
	}
	return failed
}

// forsake has the key go from a node that an eviction has not reached, when it answers
// again. Of other libraries' values the scripts know nothing, and they go by TTL.
func (l *Locker) forsake(node string, seen Holder) {
	for _, ln := range l.lanes {
		if ln.node.Name() != node || seen.Foreign {
			continue
		}
		ln.mu.Lock()
		if !ln.closed {
			ln.core.Owe(core.Debt{Key: seen.Key, Value: seen.value, Kind: seen.kind})
			ln.pay()
		}
		ln.mu.Unlock()
	}
}
