package core

import "time"

// Lane is what a client knows of one node and has under way to it. A node that
// does not answer is suspected, and not waited for until it answers a probe;
// what is under way to it is bounded, so that a hung node cannot grow memory or
// goroutines (I8); what could not be released is owed, and paid when it is back
// (I5). Whether the node's votes count is for the lane's Guard to say.
type Lane struct {
	Guard Guard

	limits  *Limits
	flying  int
	known   bool // the node has answered before
	suspect bool
	probing bool
	misses  int
	broken  int // probes whose old connection broke, since the node has answered
	probeAt Time
	waited  flights
	owed    []Debt
	leaving []Debt // waiters that are to leave the queue: paid after what is owed
	paying  int
	paid    *[]Debt // which of the two is being paid
}

// Limits are the bounds of a lane.
type Limits struct {
	Timeout      time.Duration // the per-node deadline
	FirstTimeout time.Duration // the same for a node not heard of yet: it may have to be connected to
	Flying       int           // requests under way
	Owed         int           // releases that wait for the node to come back
	ProbeMin     time.Duration // first pause between probes, doubled after each
	ProbeMax     time.Duration
}

// Flight is one request under way.
type Flight struct {
	Owner      any // of use to the shell only
	sentAt     Time
	waited     bool
	prev, next *Flight
}

// SentAt is when the request was sent, for Guard.Standing.
func (f *Flight) SentAt() Time { return f.sentAt }

// Debt is a key that may be on the node and must go: its release could not be
// sent, or was not answered. Or, without a value, a waiter that is to leave the queue.
type Debt struct {
	Key, Value, Waiter string
	Kind               any    // of use to the shell only
	Back               string // the key is not to go, but to have that value again: its lease was handed over
}

// NewLane returns the lane to a node of which nothing is known.
func NewLane(limits *Limits) Lane { return Lane{limits: limits} }

// Verdict says whether a request is to be sent.
type Verdict uint8

// The verdicts.
const (
	Go Verdict = iota
	Suspected
	Busy
	NoVote
)

// Admit says whether a request is to be sent to the node, given what its vote
// would count for and whether the nodes that are not suspected suffice for a
// quorum. Then a suspected one is passed over: if its vote would have been needed
// all the same, the round fails, and is tried again when a probe has been
// answered, as it is within moments by a node that is well. Who wants the key does not ask a node that does not vote either: to take it
// there and give it back would only be in the way of the holder, who wants
// to repair that node. A release is never dropped: the caller owes what is not
// admitted. Every request that takes a key must leave room for the release that
// may have to follow, so what is owed counts as under way.
//
// A repair is an Ask too, and no attempt to acquire: it goes to every node.
func (l *Lane) Admit(op Op, repair bool, standing Standing, quorumWithout bool) Verdict {
	switch {
	case op == Release && l.suspect:
		return Suspected
	case op == Release:
		return Go
	case l.flying >= l.limits.Flying || len(l.owed) >= l.limits.Owed:
		if l.suspect {
			return Suspected
		}
		return Busy
	case (op == Ask || op == Extend || op == Resume) && l.suspect && quorumWithout:
		return Suspected
	case op == Ask && !repair && (standing == Abstains || standing == Barred):
		return NoVote
	}
	return Go
}

// Suspect reports whether the node is suspected of being hung or dead.
func (l *Lane) Suspect() bool { return l.suspect }

// Known reports whether the node has ever answered.
func (l *Lane) Known() bool { return l.known }

// Timeout is how long the node is waited for.
func (l *Lane) Timeout() time.Duration {
	if l.known {
		return l.limits.Timeout
	}
	return l.limits.FirstTimeout
}

// Launch takes note that a request is sent.
func (l *Lane) Launch(now Time, f *Flight) {
	l.flying++
	f.sentAt, f.waited = now, true
	l.waited.push(f)
}

// Land takes note that a request ended: with an answer, whatever it says, or
// without.
func (l *Lane) Land(now Time, f *Flight, answered bool) {
	l.flying--
	if f.waited {
		f.waited = false
		l.waited.remove(f)
	}
	if answered {
		l.known, l.suspect, l.misses, l.broken = true, false, 0, 0
		return
	}
	l.doubt(now)
}

func (l *Lane) doubt(now Time) {
	if !l.suspect {
		l.suspect = true
		l.probeAt = now // at once: most often it was a broken connection
	}
}

// Overdue returns the requests that have passed their deadline. They are still
// under way, and not waited for any more.
func (l *Lane) Overdue(now Time) (late []*Flight) {
	timeout := l.Timeout()
	for f := l.waited.first; f != nil && now-f.sentAt >= timeout; f = l.waited.first {
		f.waited = false
		l.waited.remove(f)
		late = append(late, f)
	}
	if late != nil {
		l.doubt(now)
	}
	return late
}

// Alarm is when Overdue or Probe will have something to say, if nothing else
// happens before.
func (l *Lane) Alarm() Time {
	at := Never
	if f := l.waited.first; f != nil {
		at = f.sentAt + l.Timeout()
	}
	if l.suspect && !l.probing {
		at = min(at, l.probeAt)
	}
	return at
}

// Probe reports whether to send a probe now. The caller does, and says how it
// ended by Land and Probed.
func (l *Lane) Probe(now Time) bool {
	if !l.suspect || l.probing || now < l.probeAt {
		return false
	}
	l.probing = true
	return true
}

// Ending is how a probe ended.
type Ending uint8

// The endings.
const (
	// Missed: it had no answer, or no connection was to be had, or a new one broke.
	Missed Ending = iota
	// Answered: the node is back.
	Answered
	// Broken: the connection broke that it was sent on, one that had been made before.
	Broken
)

// mostBroken bounds the probes that are sent at once because an old connection broke:
// so many there hardly are.
const mostBroken = 64

// Probed takes note of how a probe ended. The pauses between probes that were missed
// grow. One whose connection broke tells of that connection, and not of the node:
// where a machine died without a word, its client has as many dead connections as it had
// in its pool, and finds each out by sending on it. The next probe leaves at
// once, or a node that is well again would be passed over for as many pauses (I5, I8).
func (l *Lane) Probed(now Time, how Ending) {
	l.probing = false
	switch {
	case how == Answered:
		return
	case how == Broken && l.broken < mostBroken:
		l.broken++
		l.probeAt = now
		return
	}
	pause := l.limits.ProbeMax
	if l.misses < 16 {
		pause = min(l.limits.ProbeMin<<l.misses, l.limits.ProbeMax)
	}
	l.misses++
	l.probeAt = now + pause
}

// Owe remembers a key that must go from this node. The list does not grow
// without bound: see Admit. What is beyond that bound are keys of leases that
// were granted long ago, and go by TTL.
//
// So many waiters that leave are forgotten sooner: the node finds out when it is their turn.
func (l *Lane) Owe(d Debt) {
	if d.Value == "" {
		if len(l.leaving) < l.limits.Owed {
			l.leaving = append(l.leaving, d)
		}
		return
	}
	if len(l.owed) < 2*l.limits.Owed {
		l.owed = append(l.owed, d)
	}
}

// Owed is the number of keys that must go from this node, and of waiters.
func (l *Lane) Owed() int { return len(l.owed) + len(l.leaving) }

// Pay returns what is to be paid now, at most that many, if the node answers and
// no payment is under way. The caller sends the releases, and says how that
// ended by Land and Paid.
func (l *Lane) Pay(most int) []Debt {
	if l.suspect || l.paying > 0 {
		return nil
	}
	if l.paid = &l.owed; len(l.owed) == 0 {
		l.paid = &l.leaving
	}
	due := (*l.paid)[:min(len(*l.paid), most)]
	l.paying = len(due)
	return due
}

// Paid takes note of how a payment ended. An error reply is final too: asking
// again would say the same.
func (l *Lane) Paid(answered bool) {
	if answered && l.paying > 0 {
		*l.paid = append((*l.paid)[:0], (*l.paid)[l.paying:]...)
	}
	l.paying = 0
}

// flights is a list of requests under way, in the order of sending.
type flights struct{ first, last *Flight }

func (l *flights) push(f *Flight) {
	f.prev = l.last
	if l.last == nil {
		l.first = f
	} else {
		l.last.next = f
	}
	l.last = f
}

func (l *flights) remove(f *Flight) {
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
