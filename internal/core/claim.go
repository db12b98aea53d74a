package core

import (
	"time"
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
	seats []seat
	few   [5]seat // room for the seats, if that is enough

	sentAt   Time   // when the round's first request left
	deadline Time   // the end of the validity: quorum.Deadline of the round good
	proposal uint64 // the token proposed in this round, and the first lease's in the end
	block    uint64 // how many tokens after it are proposed with it
	passed   uint64 // how many of those were used
	highest  uint64 // the highest token seen or proposed
	ahead    uint64 // by how much the last of those is ahead of the wall clock, in s, rounded up

	maxHold time.Duration
	stagger time.Duration
	next    Time // when the next round of Extend is due, Never if none is
	holdEnd Time // the end of the max hold, Never if unbounded
	wonAt   Time

	estate *estate // of a lease that another process handed over; nil if there is none

	// What is small stands together: there are very many claims, and each holds one.
	round   uint32 // the round under way or the last one; 0 is the asking
	good    uint32 // the last round that succeeded, once held
	failed  int32  // rounds of Extend since the last that succeeded
	slot    int32  // which of the key's slots is ours, AnySlot until it is decided: see claim_slot.go
	trusted int16  // nodes that held the key to the end, for all we knew
	gone    int16  // those of them that turned out to have lost it
	deleted int16  // nodes that deleted it
	raises  int8   // rounds of Raise so far
	phase   phase
	reason  Reason
	open    bool // a round of Extend is under way
	stalled bool // and all that were waited for have answered, without success
	wanted  bool // the user waits for the outcome of an Extend
	renew   bool
	queued  bool // it is of a waiter that stands in the nodes' queues
	freed   bool // Freed was said
	done    bool // Done was said
}

type phase uint8

const (
	idle phase = iota
	asking
	raising
	resuming
	held
	ending
)

// Reason is why a claim ended.
type Reason uint8

// The reasons. Outvoted and Abandoned end a claim that was never held; the
// others end a lease.
const (
	NotEnded   Reason = iota
	Outvoted          // the round was lost, or won too late
	Abandoned         // the caller gave up
	Released          // by its user
	Expired           // the deadline passed without a successful extension
	Overrun           // the max hold was reached
	Undone            // so many nodes lost the key that no extension can succeed any more
	HandedOver        // the key is left to whoever has the text
	Evicted           // somebody took the key from the nodes who had seen who holds it
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
	*c = Claim{terms: terms, next: Never, holdEnd: Never, deadline: Never, slot: AnySlot}
	if c.seats = c.few[:]; terms.Nodes > len(c.few) {
		c.seats = make([]seat, terms.Nodes)
	}
	c.seats = c.seats[:terms.Nodes]
	for i := range c.seats {
		c.seats[i].established = none
	}
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
	case Listed:
		c.inherit().bequests[ev.Node].listed = true
		return out
	case Takeover, Prolong:
		return c.resume(now, ev, out)
	case HandOver:
		switch {
		case c.phase != held:
			return out
		case now.At >= c.Deadline():
			return c.decideHeld(now, out) // it was over before
		}
		return c.handOver(now, out)
	case Kept:
		// It comes late to a lease that the others gave: the node is taken as one
		// that is repaired.
		if s := &c.seats[ev.Node]; c.phase == held && s.op == 0 && s.established == none {
			out = c.send(ev.Node, Ask, out)
			s.overdue = true // it is none of the asking's, although no round has been since (I9)
		}
		return out
	}
	return out
}

// Alarm is when the claim wants to be stepped next if nothing else happens.
func (c *Claim) Alarm() Time {
	switch c.phase {
	case asking, raising, resuming:
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

// WonAt is when it became a lease.
func (c *Claim) WonAt() Time { return c.wonAt }

// Gone reports, after Freed, whether so many nodes had lost the key before the
// release that the lease had been lost without anyone knowing.
func (c *Claim) Gone() bool { return c.trusted > 0 && int(c.trusted-c.gone) < c.terms.Need }

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

// decide is called whenever something that matters may have changed.
func (c *Claim) decide(now Now, out []Effect) []Effect {
	switch c.phase {
	case asking:
		return c.decideAsk(now, out)
	case raising:
		return c.decideRaise(now, out)
	case resuming:
		return c.decideResume(now, out)
	case held:
		return c.decideHeld(now, out)
	case ending:
		return c.decideEnd(out)
	default:
		return out
	}
}
