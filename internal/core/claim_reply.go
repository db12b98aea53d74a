package core

import "github.com/redlock-go/redlock/internal/quorum"

// send marks a request as under way and emits it.
func (c *Claim) send(node int, op Op, out []Effect) []Effect {
	s := &c.seats[node]
	s.op, s.round, s.sentAt, s.overdue = op, c.round, c.sentAt, false
	e := Effect{Kind: Send, Op: op, Node: node, Round: c.round, Token: c.proposal, Block: c.block, Ahead: c.ahead, Slot: int(c.slot)}
	if op == Extend {
		e.Token, e.Block = c.Reserved(), 0
	}
	return append(out, e)
}

// tally counts this round's ballots. A vote that is overdue counts as a no
// until it comes, and one for another slot than most are for as a no for good.
func (c *Claim) tally() quorum.Tally {
	t := quorum.Tally{N: len(c.seats), Need: c.terms.Need}
	slot := int32(AnySlot)
	if c.phase == asking {
		slot, _ = c.leading()
	}
	for i := range c.seats {
		switch s := &c.seats[i]; {
		case s.ballot == yes && (s.slot == slot || c.phase != asking): // see move
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
	voter := s.established <= c.good || ev.Op == Resume && c.listed(ev.Node)
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
	case c.strayed(ev):
		out = c.move(ev.Node, out)
	case c.phase == held && (ev.Op == Extend || ev.Op == Resume) && ev.Vote.Answer == Absent:
		// Repair: give the key back. It is no vote (I9).
		s.ballot = no
		out = c.send(ev.Node, Ask, out)
	case ev.Op == Resume && ev.Vote.Answer == Granted && c.extends():
		out = c.send(ev.Node, Extend, out)
		s.ballot = awaited
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
	case Resume:
		return v.Answer == Granted && voter && !v.Abstain
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
			s.slot = int32(ev.Vote.Slot) //nolint:gosec // a semaphore has fewer
			s.established = c.round + 1
			asking := c.phase != held && c.phase != ending
			if (asking || ev.Round == 0 && !late) && !ev.Vote.Abstain {
				s.established = 0
			}
		case Unknown:
			s.doubt = true
		default:
		}
	case Resume:
		c.inherited(s, ev)
	case Raise, Extend:
		switch ev.Vote.Answer {
		case Absent, Refused:
			s.established = none
			s.doubt = s.doubt || ev.Vote.Left
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
		if c.estate != nil {
			c.estate.bequests[ev.Node].open = false
		}
	}
}
