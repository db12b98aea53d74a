package core

import (
	"errors"

	"github.com/redlock-go/redlock/internal/quorum"
)

// maxToken bounds tokens so that a score of a sorted set, a float64, holds each
// of them exactly.
const maxToken = 1 << 53

// maxRaises bounds the rounds that a token may take. One is the rule; more come
// only from contenders that raise the registers in between, and each of those
// holds the key or has been refused in the meantime.
const maxRaises = 8

// headStart, in µs, is by how much a proposal that was outrun gets ahead. It is
// doubled with each round.
const headStart = 1000

// ErrTokens is the cause when a node's register holds a token so high that
// there is none above it.
var ErrTokens = errors.New("the node's register of tokens is at its end: a token of 2^53 or more was written to it")

// begin asks all nodes for the key, and proposes
//
//	token = max(wall clock in µs, highest token seen + 1)
//
// and with it the block of tokens that follow, for those to whom the lease may pass.
func (c *Claim) begin(now Now, ev Event, out []Effect) []Effect {
	c.phase = asking
	c.renew, c.maxHold, c.stagger, c.queued = ev.Renew, ev.MaxHold, ev.Stagger, ev.Queued
	c.sentAt = now.At
	c.deadline = quorum.Deadline(now.At, c.terms.TTL)
	c.proposal, c.block = max(now.Wall, ev.Token+1), ev.Block
	c.highest = c.Reserved()
	c.lead(now)
	for i := range c.seats {
		c.seats[i].ballot = awaited
		out = c.send(i, Ask, out)
	}
	return out
}

// lead works out by how much the last token is ahead of the wall clock.
func (c *Claim) lead(now Now) {
	c.ahead = 0
	if last := c.Reserved(); last > now.Wall {
		c.ahead = (last - now.Wall + 999_999) / 1_000_000
	}
}

// decideAsk: the claim is held if and only if a majority granted the key, and the
// same slot of it, and the validity is not over. If that majority also accepted the token, there
// is nothing more to do; else a second round raises it.
func (c *Claim) decideAsk(now Now, out []Effect) []Effect {
	if now.At >= c.deadline {
		return c.end(now, Outvoted, out)
	}
	switch c.tally().Result() {
	case quorum.Lost:
		// That so many refused is an answer. Else wait for those that have not
		// answered, for the per-node deadline at the most: whether it was an
		// outage, and whose, or a split vote, and for whom, is for them to say.
		if c.refused() < c.terms.Need && c.awaiting() {
			return out
		}
		return c.end(now, Outvoted, out)
	case quorum.Won:
		accepted := 0
		out = c.choose(out)
		for i := range c.seats {
			if s := &c.seats[i]; s.ballot == yes && s.accepts {
				accepted++
			}
		}
		if accepted >= c.terms.Need {
			return c.win(now, out)
		}
		return c.raise(now, out)
	default:
		return out
	}
}

// refused counts the nodes on which the key is another's.
func (c *Claim) refused() int {
	n := 0
	for i := range c.seats {
		if s := &c.seats[i]; s.ballot == no && s.answer == Refused {
			n++
		}
	}
	return n
}

// raise starts a round in which the nodes that granted the key are asked to
// accept a token above all that any of them has seen. Any two majorities share a
// node, and its register only rises; so a token that a majority accepted while
// it held the key for us is above that of every lease before (I3).
func (c *Claim) raise(now Now, out []Effect) []Effect {
	proposal := max(now.Wall, c.highest+1)
	if c.raises > 1 {
		// The first proposal was made without knowing the registers, most often, and the second
		// with. Contenders whose clocks are ahead raise them with each attempt of theirs: get
		// ahead of them, and not by one. But no more than that: what runs ahead of all clocks is
		// not remembered by a node that loses its data (I3).
		proposal += headStart << (c.raises - 1)
	}
	over := proposal+c.block >= maxToken
	if over {
		for i := range c.seats {
			if s := &c.seats[i]; s.more != nil && s.more.Register >= maxToken-1-c.block {
				s.more.Err = ErrTokens
			}
		}
	}
	ready, asked, _ := c.raisers()
	if c.raises == maxRaises || ready+asked < c.terms.Need || over {
		return c.end(now, Outvoted, out)
	}
	c.phase = raising
	c.raises++
	c.round++
	c.proposal = proposal
	c.highest = c.Reserved()
	c.lead(now)
	for i := range c.seats {
		switch s := &c.seats[i]; {
		case s.op == Ask && !s.overdue:
			s.ballot = awaited // its grant will be followed by a Raise
		case s.established == 0 && s.op == 0:
			s.ballot = awaited
			out = c.send(i, Raise, out)
		default:
			s.ballot = no
		}
	}
	return out
}

// raisers counts the nodes that can take part in another round of Raise: those
// that granted the key and owe no answer, and those that may grant it yet; and
// those whose answer in this round may come in time.
func (c *Claim) raisers() (ready, asked, raised int) {
	for i := range c.seats {
		switch s := &c.seats[i]; {
		case s.established == 0 && s.op == 0:
			ready++
		case s.op == Ask && !s.overdue:
			asked++
		case s.op == Raise && s.ballot == awaited && !s.overdue:
			raised++
		}
	}
	return ready, asked, raised
}

// decideRaise: when a round has not been won by those who granted the key, the
// next one begins as soon as enough nodes are ready for it. Those that have not
// granted it yet are welcome, but not waited for (I8).
func (c *Claim) decideRaise(now Now, out []Effect) []Effect {
	result := c.tally().Result()
	ready, _, raised := c.raisers()
	switch {
	case now.At >= c.deadline:
		return c.end(now, Outvoted, out)
	case result == quorum.Won:
		return c.win(now, out)
	case result == quorum.Pending && raised > 0, ready < c.terms.Need && c.awaiting():
		return out
	default:
		return c.raise(now, out)
	}
}

// win makes the claim a lease. Its validity counts from before the asking.
func (c *Claim) win(now Now, out []Effect) []Effect {
	c.phase = held
	c.good, c.wonAt = c.round, now.At
	for i := range c.seats {
		if s := &c.seats[i]; s.established != none && s.established > 0 {
			s.established = c.good + 1 // it granted without a vote: a later round must prove it
		}
	}
	c.limit(now)
	c.schedule()
	return append(out, Effect{Kind: Won})
}
