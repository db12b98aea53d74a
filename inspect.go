package redlock

import (
	"context"
	"time"

	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/script"
)

// Inspection is what the nodes say of a lock: at one moment, each node at its own, so that
// it is history when it is read. It is for people and their tools. No program may take
// it for permission: who wants to know whether it may work has to hold the lock.
type Inspection struct {
	Key     string // on the nodes: the prefix and the name
	Verdict Verdict
	Need    int // how many nodes are a majority

	// Holder is who has the key on most nodes; nil if it is on none. It holds the lock
	// if the Verdict is Held.
	Holder *Holder

	// Waiters are those who stand in the nodes' queues, in the order in which it is their
	// turn: each node's first hundred. Callers of one process stand as one, and
	// those who have not asked twice yet, or use another library, do not stand there at all.
	Waiters []QueuedWaiter

	// Readers are those who share the lock to read it; then the Holder's Label is "readers". Slots
	// are those who have one of the semaphore of that name, by slot, and SlotWaiters those who
	// wait for one: the semaphore has nothing to do with the lock, and the Verdict says nothing of it. Of
	// each, a node tells the first hundred.
	Readers     []Share
	Slots       []Share
	SlotWaiters []QueuedWaiter

	// Nodes are all nodes, in the order of Config.Nodes.
	Nodes []NodeState
}

// Share is what one of several holders has.
type Share struct {
	ID    string // as Holder.ID
	Label string // as Holder.Label
	Slot  int    // of a semaphore: which one
	Nodes int    // how many nodes have it: it is valid if they are a majority

	// Remaining is for how long a majority has it yet, or some node if no majority has,
	// unless it is extended; 0 if that is not known.
	Remaining time.Duration

	key, value string
	kind       script.Kind
}

// Holder is the same for ForceRelease: who has this, and nothing else of the lock or the semaphore.
func (s Share) Holder() Holder {
	return Holder{
		Key: s.key, ID: s.ID, Label: s.Label, Nodes: s.Nodes, Remaining: s.Remaining,
		value: s.value, kind: s.kind, slot: s.Slot,
	}
}

// Verdict is what the nodes, taken together, say of a lock.
type Verdict string

// The verdicts.
const (
	Held     Verdict = "held"     // a majority has it for the Holder
	Free     Verdict = "free"     // a majority does not have it
	Reserved Verdict = "reserved" // a majority keeps it for the first of the Waiters, for half a second
	Split    Verdict = "split"    // none of these: attempts are under way, or a holder has lost nodes
	Unknown  Verdict = "unknown"  // too few nodes answered
)

// Holder is who has the key of a lock. It says what ForceRelease has to know.
type Holder struct {
	Key string

	// ID tells this attempt from every other, for a person to repeat it.
	ID string

	// Label is its owner's, "host/pid" if it set none, or "another client" if
	// another library wrote the value: then Foreign is true.
	Label   string
	Foreign bool

	// Nodes is how many nodes have the key for it.
	Nodes int

	// Remaining is for how long a majority has the key yet, if nobody extends or
	// releases it, or some node if no majority has; 0 if that is not known, negative if
	// the key does not expire, which no Redlock client writes.
	Remaining time.Duration

	// Since is about when the lock was taken, or zero. The nodes do not keep that: it is the
	// lowest token that those of them know that have the key, read as the wall clock
	// of the client that proposed it. The true time is that or, if others
	// tried to get the lock in vain meanwhile, earlier.
	Since time.Time

	value string
	kind  script.Kind // of one of several who have the lock, else nil
	slot  int
}

// QueuedWaiter is one who stands in the nodes' queues.
type QueuedWaiter struct {
	Process string // an id of the process, the same for all its waiters

	// Since is when it came, by its own wall clock, or the clock of the last token that
	// its process has seen if that is later: its ticket.
	Since time.Time

	Nodes int // how many nodes have it in their queue
	Kept  int // how many nodes keep the key for it now
}

// NodeState is what one node says of a lock.
type NodeState struct {
	Node string

	// Err is why it did not answer, or not in full: unreachable, suspected, a wrong
	// password, no right to. Answered says whether it told who has the key.
	Err      error
	Answered bool

	// Doubt is why its vote to acquire would not count: a quarantine after a restart, or
	// that it is a replica. Nil if it would.
	Doubt error

	HolderID  string        // as Holder.ID; "" if nobody has the key there
	Label     string        // as Holder.Label
	Reserved  bool          // nobody has it, and it is kept for one who waits
	Remaining time.Duration // as in Holder, on this node
	Register  uint64        // the highest token that the node has seen, or 0
	Waiters   int           // how many stand in its queue, up to 100

	// Of the semaphore of that name: how many slots are held there, and how many wait for one,
	// up to 100 of each.
	Slots       int
	SlotWaiters int

	sight  script.View
	unsure bool // the server is not known yet to be the one that it was
	barred bool // what it says of the key counts for nothing: it is no independent primary
}

// Inspect asks all nodes what they know of a lock, in one round of commands that read and
// never write: a user who may only read will do, see docs/ACL.md. What it returns is
// advice, out of date when it is there.
//
// A node that is down is shown as such, and does not spoil the answer. If so many are that
// nothing can be said, the error is a *QuorumError (ErrNoQuorum), and the Inspection, with the
// Verdict Unknown, still has what the others say. If ctx ends before, or the Locker is
// closed, the error is that, and there is an Inspection too. It waits for
// Config.NodeTimeout at the most.
func (l *Locker) Inspect(ctx context.Context, name string) (*Inspection, error) {
	o, err := l.options(name, nil)
	if err != nil {
		return nil, err
	}
	in := &Inspection{Key: o.key, Need: l.terms.Need}
	for _, a := range l.survey(ctx, script.Look(o.key)) {
		in.Nodes = append(in.Nodes, l.lanes[a.index].state(a))
	}
	in.Waiters = queued(in.Nodes, true, func(v *script.View) []script.Waiter { return v.Waiters })
	in.SlotWaiters = queued(in.Nodes, false, func(v *script.View) []script.Waiter { return v.SlotWaiters })
	in.Readers = l.readersOf(o.key, in.Nodes)
	in.Slots = l.slotsOf(o.key, in.Nodes)
	in.Verdict, in.Holder = l.judge(o.key, in.Nodes)
	if in.Verdict != Unknown {
		return in, nil
	}
	switch {
	case l.isClosing():
		return in, ErrClosed
	case ctx.Err() != nil:
		return in, contextError(ctx)
	}
	return in, l.silence("inspect", o.key, in.Nodes)
}

// state is what a node's answer says.
func (ln *lane) state(a answer) NodeState {
	s := NodeState{Node: ln.node.Name(), Err: a.err}
	s.doubt(ln)
	if a.err != nil {
		return s
	}
	s.sight, s.Answered, s.Err = script.ReadLook(a.replies)
	s.describe()
	return s
}

// doubt takes note of what the node's votes count for.
func (s *NodeState) doubt(ln *lane) {
	ln.mu.Lock()
	defer ln.mu.Unlock()
	now := ln.locker.clock.now()
	switch ln.core.Guard.Standing(now, ln.epoch()) {
	case core.Unverified:
		s.unsure = true
	case core.Barred:
		s.barred = true
		fallthrough
	case core.Abstains:
		s.Doubt = ln.core.Guard.Cause(now)
	default:
	}
}

// describe puts what the node keeps of the key into words.
func (s *NodeState) describe() {
	s.Remaining, s.Register, s.Waiters = s.sight.Remaining, s.sight.Register, len(s.sight.Waiters)
	s.SlotWaiters = len(s.sight.SlotWaiters)
	for _, share := range s.sight.Slots {
		if !script.IsReservation(share.Value) {
			s.Slots++
		}
	}
	switch value := s.sight.Value; {
	case value == "":
	case script.IsReservation(value):
		s.Reserved = true
	default:
		s.HolderID, s.Label = script.HolderID(value), holderName(value)
	}
}
