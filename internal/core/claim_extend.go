package core

import (
	"time"

	"github.com/redlock-go/redlock/internal/quorum"
)

// schedule sets when the next renewal is due: RenewEvery, less the claim's own
// stagger, after the last successful round was sent, unless the lease is not to be renewed or holds to
// its end already.
func (c *Claim) schedule() {
	c.next = Never
	if c.renew && c.deadline < c.holdEnd {
		c.next = c.sentAt + c.terms.RenewEvery - c.stagger
	}
}

// wantExtend starts a round at once. A round that is under way serves as well.
func (c *Claim) wantExtend(now Now, out []Effect) []Effect {
	if c.phase != held {
		return out
	}
	c.wanted = true
	if !c.open || c.stalled {
		c.next = now.At
	}
	return c.decide(now, out)
}

// decideHeld ends the lease when its time is over or when no extension can
// succeed any more, and else drives its rounds.
func (c *Claim) decideHeld(now Now, out []Effect) []Effect {
	switch {
	case now.At >= c.holdEnd && c.holdEnd <= c.deadline:
		return c.end(now, Overrun, out)
	case now.At >= c.deadline:
		return c.end(now, Expired, out)
	case c.voters() < c.terms.Need:
		return c.end(now, Undone, out)
	}
	if c.open {
		out = c.decideExtend(now, out)
	}
	if (!c.open || c.stalled) && now.At >= c.next {
		return c.extend(now, out)
	}
	return out
}

// voters counts the nodes that can vote in the next round: those that have held
// the key ever since the last success, and stragglers of the asking that may
// turn out to; and those that have yet to pass on a lease that was handed over.
func (c *Claim) voters() int {
	n := 0
	for i := range c.seats {
		s := &c.seats[i]
		if s.established <= c.good || s.op == Ask && s.round == 0 && !s.overdue || c.listed(i) && c.openAt(i) {
			n++
		}
	}
	return n
}

// extend starts a round. A node with a request under way is left out: the
// answer to that request says nothing of an expiry counted from now.
func (c *Claim) extend(now Now, out []Effect) []Effect {
	c.open, c.stalled, c.next = true, false, Never
	c.round++
	c.sentAt = now.At
	for i := range c.seats {
		s := &c.seats[i]
		if s.op != 0 {
			s.ballot = no
			continue
		}
		s.ballot = awaited
		if c.openAt(i) {
			out = c.send(i, Resume, out)
			continue
		}
		out = c.send(i, Extend, out)
	}
	return c.decideExtend(now, out)
}

// decideExtend: an extension succeeds only on the votes of a majority of nodes
// that retained the key (I9), and only before the deadline that it extends: what
// has lapsed is not revived.
func (c *Claim) decideExtend(now Now, out []Effect) []Effect {
	deadline := quorum.Deadline(c.sentAt, c.terms.TTL)
	switch {
	case c.tally().Result() == quorum.Won && now.At < deadline:
		c.open, c.wanted, c.failed = false, false, 0
		c.good = c.round
		c.deadline = deadline
		c.schedule()
		return append(out, Effect{Kind: Extended})
	case c.awaiting() || c.stalled:
		return out
	}
	// Every answer that was waited for is in. A late one may still turn the
	// round; until the next one starts.
	c.stalled = true
	c.failed++
	if c.renew {
		c.next = now.At + c.pause(now.At)
	}
	c.wanted = false
	return append(out, Effect{Kind: ExtendFailed})
}

// pause is the time until the next try after a round that failed: Retry, doubled with
// each, up to an eighth of the time that is left. So a lease is tried for some thirty
// times before it is lost, and very many leases leave the nodes alone that an outage
// keeps from answering.
func (c *Claim) pause(now Time) time.Duration {
	doubled := c.terms.Retry << min(c.failed-1, 10)
	return max(c.terms.Retry, min(doubled, (c.Deadline()-now)/8))
}
