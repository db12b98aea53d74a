package redlock

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// The states that a call can end in, for errors.Is. Contention and outage never
// share one, and one event never has two.
var (
	// ErrHeld: somebody else holds the lock. The error is a *HeldError.
	ErrHeld = errors.New("redlock: the lock is held")

	// ErrNoQuorum: too few nodes did as asked for a decision. The error is a
	// *QuorumError that names each node and its cause.
	ErrNoQuorum = errors.New("redlock: no quorum")

	// ErrLost: the lease is over although it was not released: it could not be
	// extended before its deadline, reached its max hold, or the nodes lost
	// it. Somebody else may hold the lock now.
	ErrLost = errors.New("redlock: the lease is lost")

	// ErrEvicted: the lease is lost because somebody took the lock from it, by
	// ForceRelease. It is always ErrLost too. Whoever cannot be told so by a push
	// has ErrLost alone, when the lease would have been renewed.
	ErrEvicted = errors.New("redlock: the lease was evicted")

	// ErrReleased is the cause of a lease's context after Release.
	ErrReleased = errors.New("redlock: the lease was released")

	// ErrHandedOver is the cause of a lease's context after Handoff: the lease is for
	// whoever has its text.
	ErrHandedOver = errors.New("redlock: the lease was handed over")

	// ErrNotHeld: Extend was called on a lease that had been released.
	ErrNotHeld = errors.New("redlock: the lease is not held")

	// ErrStepDown is for the function that [Locker.Elect] calls to return: it gives
	// the leadership up, and stands for election again, behind all who wait.
	ErrStepDown = errors.New("redlock: the leader stepped down")

	// ErrClosed: the Locker was closed.
	ErrClosed = errors.New("redlock: the locker is closed")
)

// HeldError says who holds a lock, as far as the nodes that refused told. It is
// ErrHeld for errors.Is.
type HeldError struct {
	// Key is the key on the nodes: prefix and name.
	Key string

	// Holder is the label of the holder on most nodes, "host/pid" if it set
	// none, or "another client" if another library holds the key. It is
	// advice, written by whoever holds the key. It is "the next in the queue"
	// if nobody holds it, see Reserved, or "clients of other libraries", see Config.Shared; and
	// begins with "readers" if they share it.
	Holder string

	// Reserved: nobody holds the lock, and the nodes keep it, for less than a second,
	// for the one who has waited longest. Who that is they do not say.
	Reserved bool

	// Remaining is for how long the key will live if nobody extends or
	// releases it; 0 if that is not known. A holder that renews makes it longer.
	Remaining time.Duration
}

// Error names the key, the holder and the time.
func (e *HeldError) Error() string {
	s := fmt.Sprintf("redlock: %q is held by %s", e.Key, e.Holder)
	if e.Reserved {
		s = fmt.Sprintf("redlock: %q is reserved for %s", e.Key, e.Holder)
		if e.Remaining > 0 {
			s += fmt.Sprintf(", for %v at most", e.Remaining.Round(time.Millisecond))
		}
		return s
	}
	if e.Remaining > 0 {
		s += fmt.Sprintf(", for %v yet unless it is extended", e.Remaining.Round(time.Millisecond))
	}
	return s
}

// Is makes it ErrHeld.
func (e *HeldError) Is(target error) bool { return target == ErrHeld }

// QuorumError says that too few nodes did as asked, and why each of the others
// did not. It is ErrNoQuorum for errors.Is, and so is each node's own cause.
type QuorumError struct {
	Op    string // "acquire", "extend", "release", "resume", "hand over", "look at" or "note who leads"
	Key   string // the key on the nodes
	Need  int    // how many nodes decide
	Got   int    // how many did as asked
	Nodes []NodeError
}

// NodeError is why one node did not do as asked.
type NodeError struct {
	Node string // the node's name
	Err  error
}

// Error names the node, once, and the cause.
func (e NodeError) Error() string {
	if s := e.Err.Error(); strings.HasPrefix(s, e.Node+": ") {
		return s
	}
	return e.Node + ": " + e.Err.Error()
}

// Unwrap gives the cause.
func (e NodeError) Unwrap() error { return e.Err }

// Error names each node and its cause.
func (e *QuorumError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "redlock: no quorum to %s %q: %d of the %d nodes needed", e.Op, e.Key, e.Got, e.Need)
	sep := ": "
	for _, n := range e.Nodes {
		b.WriteString(sep)
		b.WriteString(n.Error())
		sep = "; "
	}
	return b.String()
}

// Unwrap gives ErrNoQuorum and each node's cause.
func (e *QuorumError) Unwrap() []error {
	errs := make([]error, 1, 1+len(e.Nodes))
	errs[0] = ErrNoQuorum
	for _, n := range e.Nodes {
		errs = append(errs, n)
	}
	return errs
}

// causes of a node that was silent.
type (
	timeoutError struct {
		after time.Duration
		first bool // the longer deadline of a node not heard of yet
	}
	suspectedError struct{ cause error }
	heldCause      struct {
		holder   string
		reserved bool
	}
)

func (e timeoutError) Error() string {
	if e.first {
		return fmt.Sprintf("no reply within %v, nor ever before: is there a Redis server at this address?", e.after)
	}
	return fmt.Sprintf("no reply within %v (see Config.NodeTimeout)", e.after)
}

// Timeout makes it what net.Error calls a timeout.
func (e timeoutError) Timeout() bool { return true }

func (e suspectedError) Error() string {
	return "suspected, and not waited for until it answers a probe: " + e.cause.Error()
}

func (e suspectedError) Unwrap() error { return e.cause }

// Error says who holds the key on one node. It is not ErrHeld: what one node of an
// outage says is no answer to who holds the lock.
func (e heldCause) Error() string {
	if e.reserved {
		return "reserved for " + e.holder
	}
	return "held by " + e.holder
}

var errBusy = errors.New("too many requests are under way to this node: it is slower than the others")
