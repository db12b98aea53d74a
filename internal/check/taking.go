package check

// evicts follows an eviction on a node, and checks F1. From the first deletion on the evicted
// lease is over by decree: nothing keeps others out that it relies on.
func (c *Checker) evicts(ev Event) {
	if ev.Claim != ev.By {
		c.violate(F1, ev.Node, []uint64{ev.By, ev.Claim}, "the eviction of #%d deleted the key of #%d on %s", ev.By, ev.Claim, c.cfg.Node(ev.Node))
	}
	k := c.key(ev.Key)
	c.judgeQueue(k)
	// Whom the node pushes to may have only this one, and the rest comes with the others or not at all.
	k.excused = max(k.excused, c.now+max(c.cfg.TTL, c.cfg.Reservation))
	cl := c.claims[ev.Claim]
	if cl == nil {
		return
	}
	if !cl.isDecreed {
		cl.isDecreed, cl.decreedAt = true, ev.At
		c.prune(k)
	}
	for i := range k.standing { // if it was being granted to one who waited, that one has had its turn
		if s := &k.standing[i]; s.client == cl.client {
			s.firm = false
		}
	}
}

// forced takes note of an eviction that has come to pass, and checks F3 of the evicted lease.
func (c *Checker) forced(ev Event) {
	k, l := c.key(ev.Key), c.claims[ev.Claim]
	m := k.marksAt(ev.Of, ev.Slot)
	m.fence, m.fenceAt = max(m.fence, ev.Token), ev.At
	if l == nil || !l.won {
		return
	}
	l.forced, l.forcedAt = true, ev.At
	if !l.foreign && ev.Token <= l.token {
		c.violate(F3, -1, []uint64{l.id}, "%s was evicted from %s with token %d, and had token %d",
			c.name(l), c.cfg.Key(k.id), ev.Token, l.token)
	}
}

// behindFence checks F3 when a lease is granted: it comes after every eviction that has
// come to pass. One that shares the key may have been granted it by the nodes before that.
func (c *Checker) behindFence(l *claim) {
	m := l.key.marksOf(l)
	granted := l.shares && l.asked <= m.fenceAt // perhaps
	if m.fence > 0 && l.token <= m.fence && !granted {
		c.violate(F3, -1, []uint64{l.id}, "%s was granted %s with token %d, after an eviction with token %d",
			c.name(l), c.cfg.Key(l.key.id), l.token, m.fence)
	}
}

// revived checks F2 when a lease is extended. A grant that was on its way when the lease was
// evicted, soon after its beginning, can give it a majority again that counts.
func (c *Checker) revived(l *claim, ev Event) {
	if l.forced && ev.Sent > l.forcedAt && l.forcedAt > l.asked+c.cfg.Quick {
		c.violate(F2, -1, []uint64{l.id}, "%s was evicted from %s at %v, and extended its lease by a round that began at %v",
			c.name(l), c.cfg.Key(l.key.id), l.forcedAt, ev.Sent)
	}
}
