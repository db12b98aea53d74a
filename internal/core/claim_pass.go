package core

// CanPass reports whether the lease may pass to the next user of the same process, at
// the cost of no request: it has a token left that is its own, and not been the
// process's for so long that others who wait would wait beyond their turn. Enough of
// its validity is left for renewal to have many tries.
func (c *Claim) CanPass(at Time) bool {
	return c.Held(at) && c.passed < c.block && at-c.wonAt < c.terms.PassFor && c.deadline-at > c.terms.TTL/2
}

// passOn makes the lease the next user's. A majority of the nodes have accepted the
// whole block of tokens while they held the key for us; so the next of them is above
// all tokens of leases before, and below those of all leases that the nodes
// will grant (I3).
func (c *Claim) passOn(now Now, ev Event, out []Effect) []Effect {
	if !c.CanPass(now.At) {
		return out
	}
	c.passed++
	c.renew, c.maxHold = ev.Renew, ev.MaxHold
	c.wanted = false
	c.limit(now)
	switch {
	case !c.open:
		c.schedule()
	case c.stalled && c.renew:
		c.next = min(c.next, now.At+c.pause(now.At))
	}
	return c.decide(now, out)
}

// limit begins the max hold of a user.
func (c *Claim) limit(now Now) {
	c.holdEnd = Never
	if c.maxHold > 0 {
		c.holdEnd = now.At + c.maxHold
	}
}
