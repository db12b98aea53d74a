package redlock

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/resp"
)

// What a claim's end means in words: the errors are made here, from the votes of
// the core, with the claim's mutex held.

var (
	errTooLate  = errors.New("it granted the key, but too late: the validity was over")
	errNoAnswer = errors.New("no answer yet")
)

// loss is why a claim ended.
type loss struct {
	reason core.Reason
	cause  error       // of the lease's context, or of the failed attempt
	defeat core.Defeat // of a failed attempt
	queued bool        // the nodes will push when it is time for the next attempt
	spent  bool        // it was won, and over before anyone looked: its place in the queues goes with it
}

// extendError is what Extend says after the end.
func (l *loss) extendError() error {
	if l.reason == core.Released {
		return ErrNotHeld
	}
	return l.cause
}

// released is the end of most leases.
var released = &loss{reason: core.Released, cause: ErrReleased}

// loss explains the end.
func (c *claim) loss() *loss {
	if c.core.Reason() == core.Released && !c.locker.isClosing() {
		return released
	}
	l := &loss{reason: c.core.Reason()}
	lost := func(why string) error {
		if c.core.Failing() {
			return fmt.Errorf("%w: %q: %s (last round: %w)", ErrLost, c.params.Key, why, c.quorumError("extend"))
		}
		return fmt.Errorf("%w: %q: %s", ErrLost, c.params.Key, why)
	}
	switch l.reason {
	case core.HandedOver:
		l.cause = ErrHandedOver
	case core.Outvoted:
		if c.params.From != "" {
			l.cause = c.unresumed()
			break
		}
		l.defeat, l.cause = c.outvoted()
	case core.Released:
		l.cause = ErrReleased
		if c.locker.isClosing() {
			l.cause = fmt.Errorf("%w: %w", ErrReleased, ErrClosed)
		}
	case core.Expired:
		l.cause = lost("it was not extended before its deadline")
	case core.Overrun:
		l.cause = fmt.Errorf("%w: %q: the max hold is over", ErrLost, c.params.Key)
	case core.Undone:
		l.cause = lost("too few nodes still have its key")
	case core.Evicted:
		l.cause = fmt.Errorf("%w: %w: %q: by %s", ErrLost, ErrEvicted, c.params.Key, printable(*c.evictor))
	default:
		l.cause = ErrReleased // abandoned: the caller has the context's error
	}
	return l
}

// quorumError names the nodes that did not do as asked in the last round.
func (c *claim) quorumError(op string) *QuorumError {
	e := &QuorumError{Op: op, Key: c.params.Key, Need: c.locker.terms.Need}
	for i, ln := range c.locker.lanes {
		v, agreed := c.core.Vote(i)
		if agreed {
			e.Got++
			continue
		}
		e.Nodes = append(e.Nodes, NodeError{ln.node.Name(), refusal(v)})
	}
	return e
}

// refusal is why a node did not vote for the claim.
func refusal(v core.Vote) error {
	switch {
	case v.Err != nil:
		return v.Err
	case v.Answer == core.Refused:
		return heldCause{holderName(v.Holder), script.IsReservation(v.Holder)}
	case v.Answer == core.Absent:
		return errors.New("it had lost the key")
	case v.Answer == core.Granted && !v.Accepted:
		return errors.New("it granted the key, but had seen a higher token")
	case v.Answer == core.Granted:
		return errUnproven
	case v.Answer == core.Retained:
		return errors.New("it has the key, but not since the last successful round")
	default:
		return errNoAnswer
	}
}

// outvoted explains why an attempt failed: too few nodes answered, which is an
// outage, or enough did and somebody else holds them, which is contention.
func (c *claim) outvoted() (d core.Defeat, err error) {
	d = c.core.Defeat(c.value)
	switch {
	case d.Late:
		return d, c.tooLate("acquire")
	case !d.Held:
		return d, c.quorumError("acquire")
	}
	holder := holderName(d.Holder)
	if script.IsShared(d.Holder) && c.params.Kind == script.Reader {
		holder += ", and by one that waits to write"
	}
	return d, &HeldError{
		Key: c.keys()[d.Where], Holder: holder, Reserved: script.IsReservation(d.Holder), Remaining: d.View.Remaining,
	}
}

// tooLate is the error of a claim that enough nodes granted, and that is over all
// the same: the answers, or this process, took longer than the validity, or the
// nodes would not accept a token.
func (c *claim) tooLate(op string) *QuorumError {
	e := c.quorumError(op)
	e.Got = 0
	for i, ln := range c.locker.lanes {
		if v, agreed := c.core.Vote(i); agreed {
			if v.Err == nil {
				v.Err = errTooLate
			}
			e.Nodes = append(e.Nodes, NodeError{ln.node.Name(), v.Err})
		}
	}
	return e
}

// holderName is how errors call the holder of a value.
func holderName(value string) string {
	switch {
	case script.IsLeft(value):
		return "clients of other libraries"
	case script.IsReservation(value):
		return "the next in the queue"
	case script.IsShared(value):
		return "readers"
	}
	if holders, ok := script.Described(value); ok {
		return holders
	}
	label, ok := script.Label(value)
	if !ok || label == "" || len(label) > MaxOwner {
		return "another client"
	}
	return printable(label)
}

// printable is what another client wrote, for errors and people to read.
func printable(label string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, label)
}

// releaseError is the outcome of a release.
func (c *claim) releaseError() error {
	switch {
	case c.lost.reason == core.HandedOver:
		return nil // it is no concern of this process any more
	case c.lost.reason != core.Released:
		return c.lost.cause
	case c.core.Gone():
		return fmt.Errorf("%w: %q: when it was released, too few nodes still had its key", ErrLost, c.params.Key)
	case c.core.Free() >= c.locker.terms.Need:
		return nil
	}
	e := &QuorumError{Op: "release", Key: c.params.Key, Need: c.locker.terms.Need, Got: c.core.Free()}
	for i, ln := range c.locker.lanes {
		if !c.core.FreedAt(i) {
			v, _ := c.core.Vote(i)
			e.Nodes = append(e.Nodes, NodeError{ln.node.Name(), refusal(v)})
		}
	}
	return e
}

// isReadOnly reports whether a node answered as a replica does.
func isReadOnly(err error) bool {
	var server script.ServerError
	return errors.As(err, &server) && resp.OfError(string(server)).Code() == "READONLY"
}
