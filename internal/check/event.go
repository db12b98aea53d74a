// Package check holds a history of leases against the invariants of the lock.
//
// A history is what happened in true time: in the simulator that is the world's
// own clock, on real servers it is one clock that all parties can be measured
// by. The package knows nothing of either; it is given events, in order, and says
// which invariant they violate. What a history cannot tell (a rig does not see
// when a server's key expired) is left out, and the invariants that need it are
// not checked then.
//
// I7 is checked for those who stand in the queues, as long as it is steady.
package check

import "time"

// Time is an instant of true time: the time since the history began.
type Time = time.Duration

// Event is one thing that happened. Clients, nodes and keys are numbers of the
// caller's choice; a client is one process: started again, it is another. A claim
// is one attempt to take a key, and the lease if it is won; its number is not 0
// and belongs to no other claim.
type Event struct {
	At       Time
	Kind     Kind
	Client   int
	Node     int
	Key      int
	Claim    uint64
	From     uint64 // of Asked: the claim whose lease it is to take over; of Took: whose value the node had and passed on
	By       uint64 // the claim whose request did it
	Token    uint64
	Ticket   uint64 // of a waiter: its place in the order
	Deadline Time   // the instant at which the holder's own clock reads the lease's deadline
	Sent     Time   // when the first request of the round left
	First    bool   // the request belonged to the round that asked for the key; of Calm: see there
	Flaky    bool   // of Calm: some of the nodes outside the majority answer now and then
	Asks     bool   // the request could take the key
	Also     []int  // further keys: the claim takes all of them or none
	Of       int    // 0, or how many slots the key has for this client: it is a semaphore's
	Slot     int    // of those, the one that is the lease's
	Shares   bool   // the claim shares its key with others that do
	Foreign  bool   // of Asked and Won: the client is of another library, and its lease has no token
	GaveUp   bool   // the claim was given up before it was decided; or the lease was given back while it was valid, for all that its holder was told
}

// Kind is what happened.
type Kind uint8

// The kinds of event, and the fields that they use beside At.
const (
	// The life of a claim. Asked, then Won or Over; after Won any number of
	// Extended, Passed and Moved, then Over. A claim may also just stop with its client.
	Asked    Kind = iota + 1 // Claim, Client, Key, Also, Of, Shares, Foreign: the attempt begins
	Won                      // Claim, Token, Slot, Deadline, Foreign, Ticket (0: it did not wait): its client may work under the lease from here on
	Extended                 // Claim, Deadline, Sent: a round of extension succeeded
	Moved                    // Claim, Deadline: a clock was changed, and with it when the deadline will come
	Passed                   // Claim, Token, Deadline: the lease is the next user's of the same client from here on
	Yields                   // Claim: from here on it shares its key
	Over                     // Claim: the attempt failed or was given up, or the lease ended, for its client to know

	// A lease that is handed over to another client: then claims that are Asked From it try
	// to take it over.
	HandedOver // Claim: stands for Over: its value stays on the nodes
	TookOver   // Claim, Token, Deadline, Sent: stands for Won: it has the lease of the claim that it is From
	Prolonged  // Claim, Token, Deadline, Sent: it has extended that lease, which stays in nobody's hands

	// The life of a client. A client that waits for a key Wants it until it does
	// not any more, by Settled, whatever the outcome.
	Paused  // Client
	Resumed // Client
	Crashed // Client: never comes back
	// One that wants several keys has a number of its own, By.
	Wants   // Client, Key, Also, By
	Settled // Client, Key, Also, By

	// A waiter stands in the queues of a majority of the nodes, until it does not any
	// more, whatever the outcome. With First, all of those can push to it, and it has not had its turn in vain.
	// That is so until it Missed a push, or a subscription of it broke, and until its client
	// is paused; when it changes it is told again. By is the waiter's number, 0 in Missed if it is
	// that of nobody any more.
	Stands // Client, Key, By, Ticket, First, Shares
	Missed // Key, By
	Tried  // Key, By: it got some nodes and too few, and gives them to the next
	Leaves // Key, By

	// A client that is paused, or has crashed, had an attempt, a lease or its release
	// under way.
	Stuck // Key

	// What happens to a key on a node, seen with the eye of God.
	Took       // Node, Key, Claim, By, First: a request of By made it hold Claim's value; By is Claim but for bugs
	Kept       // Node, Key, Claim, By: a request of By reset the expiry of Claim's value
	Dropped    // Node, Key, Claim, By: a request of By deleted Claim's value
	Forgot     // Node, Key, Claim: it lost Claim's value otherwise than by expiry
	Rose       // Node, Key, Claim: it has Claim's value again, from an old copy of its data
	Voted      // Node, Claim: the vote of the node was counted for an attempt
	Unanswered // Node, Claim, Asks: a request was given up; it may have been executed, or may be yet
	Seen       // Node, Key, Claim: an inspection found Claim's value there

	// Somebody takes a key by force from the holder that was seen.
	Evicts // Node, Key, Claim, By: the eviction of By deleted Claim's value; By is Claim but for bugs
	Forced // Key, Claim, Token: the eviction has come to pass, with a token above the lease's

	// Trouble between a client and a node, for a time: it is cut off, down, hung
	// or slow. Cuts are counted: two Cuts are over with the second Healed.
	Cut    // Client or Everyone, Node
	Healed // Client or Everyone, Node

	// Fair weather: from Calm to the next Storm, a majority of nodes, always the
	// same, answers every client soon and votes; every client runs; no request of
	// older times is on its way. The other nodes may be hung or dead. A Calm upon
	// another begins it anew, with other nodes; with First, the only change is that
	// some went silent.
	Calm  // First, Flaky
	Storm //

	// It is steady, from Steady to the next Unsteady, if there is fair weather but for
	// clients that stand still, or die, and for pushes that get lost. A Steady upon
	// another begins it anew, with other nodes.
	Steady
	Unsteady

	// An election. A lease is a leader's from when its client begins to say that it was
	// Elected; its token is told again when the lease was passed on. A watcher, By,
	// Watches until it Turns away, and Reports whom it takes for the leader by a reading that began at Sent,
	// token 0 for nobody; or that it does not know. It is Blind for what a node has pushed in vain.
	Elected // Claim, Token
	Watches // Client, Key, By
	Reports // Key, By, Token, Sent, GaveUp: it does not know
	Blind   // Key, By
	Turns   // Key, By
)

// Everyone stands for all clients in Cut and Healed.
const Everyone = -1

// Invariant is the number of an invariant.
type Invariant string

// The invariants that are checked. They are stated in full in docs/GUARANTEES.md.
const (
	I1 Invariant = "I1"
	I2 Invariant = "I2"
	I3 Invariant = "I3"
	I4 Invariant = "I4"
	I5 Invariant = "I5"
	I6 Invariant = "I6"
	I7 Invariant = "I7"
	I8 Invariant = "I8"
	I9 Invariant = "I9"
	A3 Invariant = "A3"

	H1 Invariant = "H1"
	H2 Invariant = "H2"
	H3 Invariant = "H3"
	E2 Invariant = "E2"
	E3 Invariant = "E3"
	E4 Invariant = "E4"

	F1 Invariant = "F1"
	F2 Invariant = "F2"
	F3 Invariant = "F3"
)

// Statement is the invariant in words.
func (i Invariant) Statement() string {
	switch i {
	case I1:
		return "exclusion: at no instant are two leases of one key valid, but for those that share it, and those of different slots"
	case I2:
		return "loss is known locally: a lease is over for its holder no later than its deadline"
	case I3:
		return "tokens: a lease that is granted later has a greater token, of those that exclude each other"
	case I4:
		return "attempts are independent: what one attempt sent neither undoes nor forges another"
	case I5:
		return "nothing is left behind: when a claim is over, each node that answers is free of its key"
	case I6:
		return "no amnesia: a node that lost its data casts no vote while a lease rests on what it granted before"
	case I7:
		return "waiting: who stands in the queues is served in the order of the tickets, and a free key is handed over at once; who stands still costs the others a reservation, and a lost push the rest of the TTL"
	case I8:
		return "liveness: with a majority alive and well a free lock is taken in a bounded number of rounds, and a hung or dead minority adds nothing"
	case A3:
		return "sets are served: who wants several keys has them soon after all of them are free"
	case I9:
		return "continuity: an extension succeeds only on a majority of nodes that retained the key"
	case H1:
		return "handing over: a lease that was handed over is taken over once at most"
	case H2:
		return "handing over: it is the same lease, with the same token, and nobody had it in between"
	case H3:
		return "handing over: who cannot take it over leaves it to be taken over"
	case E2:
		return "rising terms: who watches an election never reports a leader with a smaller token than one before"
	case E3:
		return "no stale leader: who watches reports only leaders that were elected, and none that had been succeeded before it looked"
	case E4:
		return "no blind watcher: who watches knows of a new leader, and of the end of one, at once if that is pushed, and else by the end of a TTL"
	case F1:
		return "taking over: a newer holder is never hit by the eviction of an older one"
	case F2:
		return "taking over: an evicted lease is not extended any more"
	case F3:
		return "taking over: an eviction's token is above the evicted lease's and below all later ones"
	}
	return "no such invariant"
}
