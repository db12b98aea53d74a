package core

import "time"

// EventKind is what happened.
type EventKind uint8

// The events, and which fields of Event they use.
const (
	Begin       EventKind = iota + 1 // Token: the highest token seen so far by this client; Block, Renew, MaxHold, Stagger, Queued
	Reply                            // Node, Op, Round, Vote: the answer to a request
	Overdue                          // Node, Op, Round, Vote.Err: the per-node deadline of a request passed
	Alarm                            // the time of Claim.Alarm came
	WantExtend                       // the user asks for an extension
	StopRenewal                      // the lease is to run out
	End                              // Reason: Abandoned, Released or Evicted
	Kept                             // Node: it keeps the key for the waiter that this claim is of
	PassOn                           // Renew, MaxHold: the lease is the next user's of the same process; see CanPass
	HandOver                         // the lease is to be another process's; see Retaining
	Listed                           // Node: before Takeover or Prolong: it had the key when the lease was handed over
	Takeover                         // Token, Renew, MaxHold, Stagger: take over a lease that was handed over, with that token
	Prolong                          // Token: extend one, and leave it to whoever has the text
)

// Event is one thing that happened to a claim.
type Event struct {
	Kind    EventKind
	Op      Op
	Node    int
	Round   uint32
	Vote    Vote
	Token   uint64
	Block   uint64 // tokens to reserve for those to whom the lease may pass
	Renew   bool
	MaxHold time.Duration // 0: unbounded
	Stagger time.Duration // by how much this claim is renewed sooner than others
	Queued  bool          // the claim is of a waiter that stands in the nodes' queues
	Reason  Reason
}

// EffectKind is what is to be done.
type EffectKind uint8

// The effects, and which fields of Effect they use.
const (
	Send         EffectKind = iota + 1 // Node, Op, Round, Token, Block, Ahead, Slot: a request to a node
	Won                                // the claim is held
	Extended                           // an extension succeeded
	ExtendFailed                       // a round of extension failed; the lease is still valid
	Ended                              // the claim is not held, or no longer; see Claim.Reason
	Freed                              // as many nodes as will be free soon are free of the key
	Done                               // no request is under way any more, and none will be
)

// Effect is one thing to be done.
//
// An Ask and a Raise propose Token, and reserve the Block tokens after it; an Extend
// raises the register to Token, the last one reserved.
//
// Ahead is by how many seconds, at the most, the last of them is ahead of the wall clock. A
// node has to remember it for so much longer: once it is forgotten, what keeps the
// next token above it is the clock (I3).
//
// Slot is the slot that the request is about, AnySlot while the claim has none: then the
// node chooses.
type Effect struct {
	Kind  EffectKind
	Op    Op
	Node  int
	Round uint32
	Token uint64
	Block uint64
	Ahead uint64
	Slot  int
}
