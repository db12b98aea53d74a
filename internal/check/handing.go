package check

// What is checked of a lease that is handed over from one client to another (H1 to H3). The
// lease of the other is a claim of its own, with a value of its own, that follows upon the first.

// handedOver is the end of a lease for a client that handed it over. Its value stays on the nodes.
func (c *Checker) handedOver(ev Event) {
	l := c.claims[ev.Claim]
	if l == nil || l.isOver {
		return
	}
	l.handed, ev.GaveUp = true, true
	c.ended(ev)
	c.keeps(l)
	l.key.handed = false
}

// keeps takes note that a value may keep its key for a TTL from now on, whoever has a lease.
func (c *Checker) keeps(l *claim) {
	c.judgeQueue(l.key)
	l.key.excused = max(l.key.excused, c.now+max(c.cfg.TTL, c.cfg.Reservation))
}

// tookOver is the beginning of the lease of the other client.
func (c *Checker) tookOver(ev Event) {
	l := c.claims[ev.Claim]
	if l == nil || l.from == nil || l.from.id != l.fromID { // it was dropped: see sweep
		return
	}
	c.judgeHeir(l, ev, l.isDecreed)
	l.from.heir = l
	l.won, l.token, l.deadline, l.success = true, ev.Token, ev.Deadline, l.from.success
	c.unbroken(l, ev)
	l.success = ev.At
	c.rest(l, ev.Sent)
	c.exclude(l)
	m := l.key.marksOf(l)
	for _, mark := range []*mark{&m.any, &m.alone} {
		if mark.claim == l.from {
			mark.claim = l
		}
	}
	l.key.leases = append(l.key.leases, l)
	l.key.lost, l.key.frozen = 0, 0
}

// prolonged is an extension of a lease that is in nobody's hands. If somebody has taken it over by the
// time that the answers are in, it is that one's business.
func (c *Checker) prolonged(ev Event) {
	l := c.claims[ev.Claim]
	if l == nil || l.from == nil || l.from.id != l.fromID || l.from.heir != nil {
		return
	}
	evicted := l.from.isDecreed // it keeps the value that it had
	c.judgeHeir(l, ev, evicted)
	c.unbroken(l.from, ev)
	l.from.success = ev.At
	c.prune(l.key)
	for _, o := range l.key.leases {
		if o.end() > c.now && o.excludes(l.from) && !evicted {
			c.violate(I1, -1, []uint64{o.id, l.id}, "%s holds %s until %v, and %s extended the lease that had been handed over",
				c.name(o), c.cfg.Key(l.key.id), o.end(), c.name(l))
		}
	}
}

// judgeHeir checks H1, that nobody else has taken the lease over; and H2, that it is the lease that it
// was: with its token, and with no other granted in between, unless it was evicted before its client
// knew that it has it.
func (c *Checker) judgeHeir(l *claim, ev Event, evicted bool) {
	f := l.from
	if h := f.heir; h != nil {
		c.violate(H1, -1, []uint64{f.id, h.id, l.id}, "%s has the lease of %s that #%d handed over, which %s has taken over before",
			c.name(l), c.cfg.Key(l.key.id), f.id, c.name(h))
	}
	newest := l.key.marksOf(l).any
	if newest.claim != f && newest.claim != nil && f.heir == nil && !evicted {
		c.violate(H2, -1, []uint64{f.id, newest.claim.id, l.id}, "%s has the lease of %s that #%d handed over, and %s has been granted it in between",
			c.name(l), c.cfg.Key(l.key.id), f.id, c.name(newest.claim))
	}
	if ev.Token != f.token {
		c.violate(H2, -1, []uint64{f.id, l.id}, "%s has the lease of %s with token %d, and it was handed over with token %d",
			c.name(l), c.cfg.Key(l.key.id), ev.Token, f.token)
	}
}

// follows reports whether a request may do with the value of the claim before what it did: extend it,
// have it put back by one that did not get the lease, delete it by one that did.
func (c *Checker) follows(ev Event) bool {
	by := c.claims[ev.By]
	if by == nil {
		return c.claims[ev.Claim] == nil // too long ago to be known: see sweep
	}
	if by.fromID != ev.Claim {
		return false
	}
	if ev.Kind == Dropped && !by.won {
		c.violate(H3, ev.Node, []uint64{ev.By, ev.Claim}, "%s deleted the key of a lease of %s that #%d had handed over, and did not have it",
			c.name(by), c.cfg.Key(ev.Key), ev.Claim)
	}
	if ev.Kind == Took && by.won {
		return false
	}
	return true
}

// leaves checks H3 for who handed a lease over: what it cleans up is what a request may have left on
// a few nodes that are not known to have the key.
func (c *Checker) leaves(cl *claim, s *seat, ev Event) {
	if !cl.handed || ev.By != ev.Claim || cl.isDecreed { // who evicts it does so by its value
		return
	}
	if s.left {
		return // a request that was sent twice took the key anew
	}
	s.left = true
	if cl.dropped++; cl.nodes()-cl.dropped < c.cfg.Need {
		c.violate(H3, ev.Node, []uint64{cl.id}, "%s handed over its lease of %s, and deleted its key on %d nodes of %d",
			c.name(cl), c.cfg.Key(ev.Key), cl.dropped, cl.nodes())
	}
}

// passedOn is the spell for which a node holds a value that it got for another one without a break.
func (c *Checker) passedOn(ev Event) (p spell, ok bool) {
	before := c.claims[ev.From]
	if ev.From == 0 || before == nil {
		return p, false
	}
	return before.seat(ev.Node, ev.Key).now, true
}
