package core

import "github.com/redlock-go/redlock/internal/quorum"

// A lease can be handed over to another process: see docs/decisions/0015. The first holder
// ends its claim and leaves the key where it is; a text says what the value is, and on which
// nodes it has been ever since (I9). Whoever has the text begins a claim of its own, which
// takes the key over on each node, from the old value to a new one, in one atomic step: of
// two that try it at most one gets a majority (I1), and nothing that the first holder sent
// can touch the key any more (I4).

// estate is what a claim has of one that was handed over.
type estate struct {
	kept     bool // the value stays what it is: the claim prolongs it for whoever has the text
	proven   bool // a majority has had the key ever since
	bequests []bequest
}

// bequest is what a node has of it.
type bequest struct {
	listed bool // it had the old value ever since, when the lease was handed over
	open   bool // it may have it yet
}

// inherit makes a claim one that takes another over.
func (c *Claim) inherit() *estate {
	if c.estate == nil {
		c.estate = &estate{bequests: make([]bequest, len(c.seats))}
		for i := range c.estate.bequests {
			c.estate.bequests[i].open = true
		}
	}
	return c.estate
}

// listed reports whether the node voted for the claim that was handed over.
func (c *Claim) listed(node int) bool { return c.estate != nil && c.estate.bequests[node].listed }

// open reports whether the node may still have the value that was handed over.
func (c *Claim) openAt(node int) bool { return c.estate != nil && c.estate.bequests[node].open }

// borrowed reports whether the value is that of the text, and not the claim's to give back.
func (c *Claim) borrowed() bool { return c.estate != nil && c.estate.kept }

// resume asks all nodes to pass the key on. It is the first round, and not the round of
// asking, which takes a key that is free: nothing here does. It leaves the expiry as it is, so
// that who fails, and tries again, cannot keep alive what would be over.
func (c *Claim) resume(now Now, ev Event, out []Effect) []Effect {
	c.inherit().kept = ev.Kind == Prolong
	c.phase = resuming
	c.renew, c.maxHold, c.stagger = ev.Renew, ev.MaxHold, ev.Stagger
	c.round = 1
	c.sentAt = now.At
	c.deadline = quorum.Deadline(now.At, c.terms.TTL)
	c.proposal, c.highest = ev.Token, ev.Token
	c.lead(now)
	for i := range c.seats {
		c.seats[i].ballot = awaited
		out = c.send(i, Resume, out)
	}
	return out
}

// decideResume: the claim is the lease that was handed over if and only if a majority of nodes
// that had its key at the hand-over have it yet (I9), whatever the time: none of them can have
// been anybody else's in between. A second round then extends it: the validity is that round's (I2).
func (c *Claim) decideResume(now Now, out []Effect) []Effect {
	result := c.tally().Result()
	switch {
	case now.At >= c.deadline:
		return c.end(now, Outvoted, out)
	case result == quorum.Pending, result == quorum.Lost && c.awaiting():
		return out // whether the lease is gone, or too few nodes answer, is for those to say that have not answered
	case result == quorum.Lost:
		return c.end(now, Outvoted, out)
	case !c.estate.proven:
		return c.extendResumed(now, out)
	}
	out = c.win(now, out)
	if c.borrowed() {
		return c.end(now, HandedOver, out)
	}
	for i := range c.seats {
		if s := &c.seats[i]; s.op == 0 && s.established == none && s.answer == Absent {
			out = c.send(i, Ask, out) // repair
		}
	}
	return out
}

// extendResumed begins the second round. A node that passes the key on later takes part in it.
func (c *Claim) extendResumed(now Now, out []Effect) []Effect {
	c.estate.proven = true
	c.round++
	c.sentAt = now.At
	c.deadline = quorum.Deadline(now.At, c.terms.TTL)
	for i := range c.seats {
		switch s := &c.seats[i]; {
		case s.established != none:
			s.ballot = awaited
			out = c.send(i, Extend, out)
		case s.op == 0:
			s.ballot = no
		default:
			s.ballot = awaited
		}
	}
	return out
}

// extends reports whether a node that has passed the key on is to extend it at once: only then does it
// vote.
func (c *Claim) extends() bool { return c.phase == held || c.estate.proven }

// inherited takes note of what a node says that was asked to pass the key on. If the node is
// listed, and its memory trusted, it has had the key ever since; else it is taken as one that
// was repaired (I9).
func (c *Claim) inherited(s *seat, ev Event) {
	b := &c.estate.bequests[ev.Node]
	switch ev.Vote.Answer {
	case Granted:
		b.open = false
		s.provenAt = s.sentAt
		s.established = c.round + 1
		if b.listed && !ev.Vote.Abstain {
			s.established = 0
		}
	case Absent:
		b.open = false
		s.established = none
	case Refused:
		s.established = none // another has the text too, and may give the key back
	default:
	}
}

// Forfeited reports whether a claim that could not resume a lease never will: its key is gone
// on so many nodes that no majority is left, or another has it on one.
func (c *Claim) Forfeited() bool {
	gone := 0
	holders := make(map[string]int)
	for i := range c.seats {
		v, _ := c.Vote(i)
		switch {
		case !c.listed(i), v.Answer == Absent:
			gone++
		case v.Answer == Refused:
			holders[v.Holder]++
			if holders[v.Holder] >= c.terms.Need {
				return true
			}
		}
	}
	return len(c.seats)-gone < c.terms.Need
}

// Retaining reports whether the node has had the key ever since, as far as the holder knows, and
// nothing can give it the key anew: what may vote for the lease in another process's hands.
// Where a request for the key was given up it can come late, and forge what it says (I9).
func (c *Claim) Retaining(node int) bool {
	s := &c.seats[node]
	return c.phase == held && s.established <= c.good && s.op != Ask && !s.doubt
}

// Settling reports whether a node may yet answer in time that was asked for the key: until then a hand-over
// would leave it out, which may be the one that is missed.
func (c *Claim) Settling() bool {
	for i := range c.seats {
		if s := &c.seats[i]; c.phase == held && s.op == Ask && !s.overdue {
			return true
		}
	}
	return false
}

// handOver ends the claim and leaves the key where it is. Only what a request may leave behind that
// asked for the key, and was not answered yet, is cleaned up: none of those nodes is listed.
func (c *Claim) handOver(now Now, out []Effect) []Effect {
	for i := range c.seats {
		s := &c.seats[i]
		s.left = s.op != Ask && (s.established != none || !s.doubt)
	}
	return c.end(now, HandedOver, out)
}
