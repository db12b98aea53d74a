// Package core holds the decisions of the lock as pure state machines. A
// machine is given the time and an event and answers with effects; it starts no
// goroutine, reads no clock, draws no random number and does no I/O. So the
// library, the simulator and a replay all run the same core, and a run that
// went wrong can be run again from its seed.
//
//   - [Claim] is the life of one value on the nodes: the round that asks for the
//     key, the token, renewal, the end, and the cleaning up after it.
//   - [Lane] is what a client knows of one node: whether to send to it, when to
//     suspect it, when to probe it, what it is owed.
//   - [Guard] keeps a node from voting that may have forgotten what it granted.
//   - [Waiter] is when one who stands in the nodes' queues tries again.
//   - [Watch] is what one who watches an election reports, and when it looks again.
//   - [Pace] is how long to wait between two attempts where there is no queue.
package core

import "time"

// Time is a reading of the process's own clock, which never goes back: the time
// since some zero of the process. It is never compared across processes.
type Time = time.Duration

// Never is a time that does not come.
const Never Time = 1<<63 - 1

// Now is all that a machine knows of the time.
type Now struct {
	At Time
	// Wall is the wall clock in µs since 1970. It makes a proposed token likely
	// to be the highest, and carries no safety.
	Wall uint64
}

// Op is a kind of request to a node about a claim's key.
type Op uint8

// The requests. Ask takes the key if it is free and proposes a token; it also
// gives the key back to a node that lost it. Raise proposes a higher token
// to a node that granted. Extend resets the expiry. Release compares and deletes.
// Resume makes the key ours that another process handed over, and leaves the expiry as it is.
const (
	Ask Op = iota + 1
	Raise
	Extend
	Release
	Resume
)

// String names the request as errors do.
func (op Op) String() string {
	switch op {
	case Ask:
		return "acquire"
	case Raise:
		return "raise token"
	case Extend:
		return "extend"
	case Release:
		return "release"
	case Resume:
		return "resume"
	}
	return "no request"
}

// Answer is what a reply, or its absence, means for the key on that node.
type Answer uint8

// The answers. After Unknown the request may have been executed, or may be yet;
// after Unsent it was not and will not be. Failed is the node's own refusal to
// execute it ("NOAUTH …").
const (
	Unknown  Answer = iota // to any request: no reply
	Unsent                 // to any request: the client kept it back
	Failed                 // to any request: an error reply, nothing was done
	Granted                // to Ask, Raise and Resume: the key is ours
	Refused                // to Ask, Raise, Extend and Resume: the key is another's
	Retained               // to Extend: the key was ours all the time
	Absent                 // to Raise, Extend, Resume and Release: there was no key of ours
	Deleted                // to Release: the key was ours and is gone
)

// Vote is one node's answer to one request.
type Vote struct {
	Answer Answer
	// Accepted says that the proposed token was higher than all that the node
	// had seen for this key. Register is the highest that it has seen, if it
	// told.
	Accepted bool
	Register uint64
	// Slot is which one of the key's slots was granted: of a semaphore, which has
	// several. Every other key has one, slot 0.
	Slot int
	// Abstain says that the node granted the key, and that its vote does not
	// count: the Guard does not trust its memory (I6).
	Abstain bool
	// Holder is the value that holds the key when the answer is Refused, and
	// Remaining for how long it will, 0 if the node was not asked or the key
	// does not expire.
	Holder    string
	Remaining time.Duration
	// Queued says that who asked stands in the node's queue now, and Rank at which
	// place; Reserved that the key is nobody's, but kept for another waiter;
	// Foreign that another library holds it, which wakes nobody.
	Queued, Reserved, Foreign bool
	Rank                      int
	// Where is which of several keys the answer is about, if it is Refused. Left says
	// that something of the claim's is there although the answer is Absent.
	Where int
	Left  bool
	// Waited says that the key was Deleted, and that somebody waited for it.
	Waited bool
	// Err is the cause when the node did not do as asked for another reason
	// than another holder.
	Err error
}
