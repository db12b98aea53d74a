package core

import (
	"time"

	"github.com/redlock-go/redlock/internal/quorum"
)

// Terms are what all claims of a client have in common.
type Terms struct {
	Nodes int
	Need  int
	TTL   time.Duration
	// RenewEvery is the time from the sending of one successful round to the
	// next renewal, less the claim's own Stagger; Retry is the pause after a round
	// that failed, and doubled after each.
	RenewEvery time.Duration
	Retry      time.Duration
	// PassFor is for how long since it was won a lease may pass on, see PassOn.
	PassFor time.Duration
}

// Claim is the life of one value on the nodes: from the first request that asks
// for the key to the last that removes it. Every attempt to acquire is a
// claim of its own, with a value that no other has, so that no late packet of
// one attempt can undo or forge another (I4).
//
// A claim has at most one request under way to each node, so that it never
// depends on the order in which a node executes requests that came over
// different connections. What it learns late it still acts on: a grant that
// comes after the claim has ended is released (I5).
//
// The zero Claim is not usable; see [NewClaim].
type Claim struct {
	terms *Terms
	phase phase
	seats []seat
	few   [5]seat // room for the seats, if that is enough

	round    uint32 // the round under way or the last one; 0 is the asking
	good     uint32 // the last round that succeeded, once held
	sentAt   Time   // when the round's first request left
	deadline Time   // the end of the validity: quorum.Deadline of the round good
	proposal uint64 // the token proposed in this round, and the first lease's in the end
	block    uint64 // how many tokens after it are proposed with it
	passed   uint64 // how many of those were used
	highest  uint64 // the highest token seen or proposed
	ahead    uint64 // by how much the last of those is ahead of the wall clock, in s, rounded up
	raises   int    // rounds of Raise so far

	open    bool // a round of Extend is under way
	stalled bool // and all that were waited for have answered, without success
	renew   bool
	failed  int  // rounds of Extend since the last that succeeded
	queued  bool // it is of a waiter that stands in the nodes' queues
	maxHold time.Duration
	stagger time.Duration
	next    Time // when the next round of Extend is due, Never if none is
	holdEnd Time // the end of the max hold, Never if unbounded
	wonAt   Time
	wanted  bool // the user waits for the outcome of an Extend

	reason  Reason
	freed   bool // Freed was said
	done    bool // Done was said
	trusted int  // nodes that held the key to the end, for all we knew
	gone    int  // those of them that turned out to have lost it
	deleted int  // nodes that deleted it
}

type phase uint8

const (
	idle phase = iota
	asking
	raising
	held
	ending
)

// none is the established round of a node on which the key is not ours.
const none = ^uint32(0)

// seat is what a claim knows of its key on one node. A process may hold very many
// leases: what is not needed for one that is well is behind a pointer.
type seat struct {
	op      Op     // the request under way, 0 if none
	overdue bool   // it is past the per-node deadline, and no longer waited for
	doubt   bool   // the key may be there: the fate of an Ask is unknown
	freed   bool   // at the end: known to be free of our key
	left    bool   // at the end: it was told to release, as far as it can be told
	ballot  ballot // this round's
	answer  Answer // the last answer that explains the ballot, and
	accepts bool   // whether it accepted the token
	round   uint32 // the round in which the request under way was sent

	// established is the first round whose success proves that the node has
	// held our key ever since: the node votes in a later round only if
	// established <= good (I9). none: the key is not ours there.
	established uint32
	sentAt      Time  // when the round of the request under way began
	provenAt    Time  // the same of the last request whose answer was that the key is ours
	more        *Vote // the whole answer, if there is more to it
}

// hear takes note of an answer that explains the ballot.
func (s *seat) hear(v Vote) {
	s.answer, s.accepts, s.more = v.Answer, v.Accepted, nil
	if (v != Vote{Answer: v.Answer, Accepted: v.Accepted}) {
		more := v
		s.more = &more
	}
}

// vote is the last answer that explains the ballot.
func (s *seat) vote() Vote {
	if s.more != nil {
		return *s.more
	}
	return Vote{Answer: s.answer, Accepted: s.accepts}
}

// mayHold reports whether the key may be ours on that node.
func (s *seat) mayHold() bool { return s.established != none || s.doubt }

type ballot uint8

const (
	unasked ballot = iota
	awaited
	yes
	no
)

// Reason is why a claim ended.
type Reason uint8

// The reasons. Outvoted and Abandoned end a claim that was never held; the
// others end a lease.
const (
	NotEnded  Reason = iota
	Outvoted         // the round was lost, or won too late
	Abandoned        // the caller gave up
	Released         // by its user
	Expired          // the deadline passed without a successful extension
	Overrun          // the max hold was reached
	Undone           // so many nodes lost the key that no extension can succeed any more
)

// NewClaim returns a claim that has not begun. The terms are shared and
// constant.
func NewClaim(terms *Terms) *Claim {
	c := new(Claim)
	c.Init(terms)
	return c
}

// Init makes a claim that has not begun of one that is part of something else. It
// must not be copied after that.
func (c *Claim) Init(terms *Terms) {
	*c = Claim{terms: terms, next: Never, holdEnd: Never, deadline: Never}
	if c.seats = c.few[:]; terms.Nodes > len(c.few) {
		c.seats = make([]seat, terms.Nodes)
	}
	c.seats = c.seats[:terms.Nodes]
	for i := range c.seats {
		c.seats[i].established = none
	}
}

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
	End                              // Reason: Abandoned or Released
	Kept                             // Node: it keeps the key for the waiter that this claim is of
	PassOn                           // Renew, MaxHold: the lease is the next user's of the same process; see CanPass
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
	Send         EffectKind = iota + 1 // Node, Op, Round, Token, Block, Ahead: a request to a node
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
type Effect struct {
	Kind  EffectKind
	Op    Op
	Node  int
	Round uint32
	Token uint64
	Block uint64
	Ahead uint64
}

// Step takes one event and appends to out what is to be done, in order. After
// each Step the shell sets its timer to Alarm.
func (c *Claim) Step(now Now, ev Event, out []Effect) []Effect {
	switch ev.Kind {
	case Begin:
		return c.begin(now, ev, out)
	case Reply:
		return c.reply(now, ev, out)
	case Overdue:
		return c.overdue(now, ev, out)
	case Alarm:
		return c.decide(now, out)
	case WantExtend:
		return c.wantExtend(now, out)
	case StopRenewal:
		c.renew = false
		c.next = Never
		return out
	case End:
		switch {
		case c.phase == ending:
			return out
		case c.phase == held && now.At >= c.Deadline():
			return c.decideHeld(now, out) // it was over before
		}
		return c.end(now, ev.Reason, out)
	case PassOn:
		return c.passOn(now, ev, out)
	case Kept:
		// It comes late to a lease that the others gave: the node is taken as one
		// that is repaired.
		if s := &c.seats[ev.Node]; c.phase == held && s.op == 0 && s.established == none {
			return c.send(ev.Node, Ask, out)
		}
		return out
	}
	return out
}

// Alarm is when the claim wants to be stepped next if nothing else happens.
func (c *Claim) Alarm() Time {
	switch c.phase {
	case asking, raising:
		return c.deadline
	case held:
		if c.open && !c.stalled {
			return min(c.deadline, c.holdEnd)
		}
		return min(c.next, c.deadline, c.holdEnd)
	default:
		return Never
	}
}

// Renewal is when the next round of Extend is due, Never if none is. It may as well
// begin a little later, as Alarm at any other time may not.
func (c *Claim) Renewal() Time {
	if c.phase != held || c.Renewing() {
		return Never
	}
	return c.next
}

// Renewing reports whether a round of Extend is under way that may still succeed in
// time.
func (c *Claim) Renewing() bool { return c.phase == held && c.open && !c.stalled }

// Deadline is the end of the lease's validity as it stands now (I2): that of
// the last successful round, or the max hold if it comes first.
func (c *Claim) Deadline() Time { return min(c.deadline, c.holdEnd) }

// Token is the fencing token of a claim that was won, as it stands now.
func (c *Claim) Token() uint64 { return c.proposal + c.passed }

// Reserved is the last token that is the claim's.
func (c *Claim) Reserved() uint64 { return c.proposal + c.block }

// Reason is why the claim ended, NotEnded while it has not.
func (c *Claim) Reason() Reason { return c.reason }

// Failing reports whether the last round of extension has not succeeded.
func (c *Claim) Failing() bool { return c.open }

// Held reports whether the claim is a valid lease at that time.
func (c *Claim) Held(at Time) bool { return c.phase == held && at < c.Deadline() }

// Vote is the last answer of a node that explains how it voted, and yes whether
// it voted for the claim in the last round.
func (c *Claim) Vote(node int) (v Vote, agreed bool) {
	s := &c.seats[node]
	return s.vote(), s.ballot == yes
}

// Gone reports, after Freed, whether so many nodes had lost the key before the
// release that the lease had been lost without anyone knowing.
func (c *Claim) Gone() bool { return c.trusted > 0 && c.trusted-c.gone < c.terms.Need }

// Free is the number of nodes that are known, after Freed, to be free of the key.
func (c *Claim) Free() int {
	n := 0
	for i := range c.seats {
		if c.seats[i].freed {
			n++
		}
	}
	return n
}

// FreedAt reports whether the node is known to be free of the key.
func (c *Claim) FreedAt(node int) bool { return c.seats[node].freed }

// send marks a request as under way and emits it.
func (c *Claim) send(node int, op Op, out []Effect) []Effect {
	s := &c.seats[node]
	s.op, s.round, s.sentAt, s.overdue = op, c.round, c.sentAt, false
	e := Effect{Kind: Send, Op: op, Node: node, Round: c.round, Token: c.proposal, Block: c.block, Ahead: c.ahead}
	if op == Extend {
		e.Token, e.Block = c.Reserved(), 0
	}
	return append(out, e)
}

// tally counts this round's ballots. A vote that is overdue counts as a no
// until it comes.
func (c *Claim) tally() quorum.Tally {
	t := quorum.Tally{N: len(c.seats), Need: c.terms.Need}
	for i := range c.seats {
		switch s := &c.seats[i]; {
		case s.ballot == yes:
			t.Yes++
		case s.ballot == awaited && !s.overdue:
		default:
			t.No++
		}
	}
	return t
}

// awaiting reports whether an answer of this round may still come in time.
func (c *Claim) awaiting() bool {
	for i := range c.seats {
		if s := &c.seats[i]; s.ballot == awaited && !s.overdue {
			return true
		}
	}
	return false
}

// overdue takes note that a request is past its deadline. It is not waited for
// any longer, but if the answer comes in this round all the same it counts.
func (c *Claim) overdue(now Now, ev Event, out []Effect) []Effect {
	s := &c.seats[ev.Node]
	if s.op != ev.Op || s.round != ev.Round || s.overdue {
		return out
	}
	s.overdue = true
	s.hear(Vote{Answer: Unknown, Err: ev.Vote.Err})
	return c.decide(now, out)
}

// reply takes an answer: first what it says of the key on that node, then
// what it says for the round.
func (c *Claim) reply(now Now, ev Event, out []Effect) []Effect {
	s := &c.seats[ev.Node]
	if s.op != ev.Op || s.round != ev.Round {
		return out // the answer to a request that has been answered
	}
	late := s.overdue
	if ev.Vote.Answer == Retained && s.established != none && now.At >= quorum.Deadline(s.provenAt, c.terms.TTL) {
		// Since the node last said so the key has had time to expire, and an Ask
		// that was given up can have come late and taken it anew. It has to prove
		// itself again, as a node that was repaired (I9).
		s.established = c.round + 1
	}
	voter := s.established <= c.good
	s.op, s.overdue = 0, false
	c.learn(s, ev, late)
	if c.phase == ending {
		return c.decideEnd(c.clean(ev.Node, out))
	}
	counts := ev.Round == c.round && s.ballot == awaited
	if counts || ev.Op == Ask {
		s.hear(ev.Vote)
	}
	switch {
	case c.phase == held && ev.Op == Extend && ev.Vote.Answer == Absent:
		// Repair: give the key back. It is no vote (I9).
		s.ballot = no
		out = c.send(ev.Node, Ask, out)
	case c.phase == raising && ev.Op == Ask && ev.Vote.Answer == Granted && !ev.Vote.Abstain:
		// A straggler's grant: it may vote on the token too.
		out = c.send(ev.Node, Raise, out)
		s.ballot = awaited
	case c.phase == raising && ev.Op == Ask:
		s.ballot = no
	case counts:
		s.ballot = no
		if c.agrees(ev.Op, ev.Vote, voter) {
			s.ballot = yes
		}
	}
	return c.decide(now, out)
}

// agrees reports whether an answer is a vote for the claim in its round.
func (c *Claim) agrees(op Op, v Vote, voter bool) bool {
	switch op {
	case Ask:
		return v.Answer == Granted && !v.Abstain
	case Raise:
		return v.Answer == Granted && v.Accepted && !v.Abstain
	case Extend:
		return v.Answer == Retained && voter
	default:
		return false
	}
}

// learn updates what is known of the key on a node. A grant proves that the
// node holds the key from now on; that it held the key ever since an earlier
// round is proved by a later round that succeeds without it (I9). The grants of
// the asking itself, those of its stragglers included, are the beginning.
func (c *Claim) learn(s *seat, ev Event, late bool) {
	c.highest = max(c.highest, ev.Vote.Register)
	switch ev.Op {
	case Ask:
		switch ev.Vote.Answer {
		case Granted:
			s.provenAt = s.sentAt
			s.established = c.round + 1
			asking := c.phase != held && c.phase != ending
			if (asking || ev.Round == 0 && !late) && !ev.Vote.Abstain {
				s.established = 0
			}
		case Unknown:
			s.doubt = true
		default:
		}
	case Raise, Extend:
		switch ev.Vote.Answer {
		case Absent, Refused:
			s.established = none
		case Retained:
			s.provenAt = s.sentAt
			if s.established == none {
				s.established = c.round + 1
			}
		default:
		}
	case Release:
		s.left = true
		switch ev.Vote.Answer {
		case Absent:
			if s.established <= c.good {
				c.gone++
			}
			s.freed = true
		case Deleted:
			c.deleted++
			s.freed = true
		default:
			s.hear(ev.Vote)
		}
		// Whatever became of it, the claim has done its part: a release that
		// did not reach the node is owed by the node's gate.
		s.established, s.doubt = none, false
	}
}

// decide is called whenever something that matters may have changed.
func (c *Claim) decide(now Now, out []Effect) []Effect {
	switch c.phase {
	case asking:
		return c.decideAsk(now, out)
	case raising:
		return c.decideRaise(now, out)
	case held:
		return c.decideHeld(now, out)
	case ending:
		return c.decideEnd(out)
	default:
		return out
	}
}
