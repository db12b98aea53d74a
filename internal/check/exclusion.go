package check

// exclude checks I1 at the moment at which a lease begins or is prolonged.
func (c *Checker) exclude(l *claim) {
	for _, k := range l.keys {
		c.prune(k)
		for _, o := range k.leases {
			if o == l || o.end() <= c.now || l.end() <= c.now || !l.excludes(o) {
				continue
			}
			c.violate(I1, -1, []uint64{o.id, l.id}, "%s holds %s until %v, and %s holds it too, until %v",
				c.name(o), c.cfg.Key(k.id), o.end(), c.name(l), l.end())
		}
	}
}

// excludes reports whether two leases of one key must not be valid at once.
func (cl *claim) excludes(o *claim) bool { return cl.slot == o.slot && (!cl.shares || !o.shares) }

// prune forgets the leases of a key that are over for everybody.
func (c *Checker) prune(k *key) {
	kept := k.leases[:0]
	for _, l := range k.leases {
		switch {
		case l.end() > c.now, !l.isOver && !l.client.crashed:
			kept = append(kept, l) // valid, or its holder has not noticed the end yet
		default:
			k.freed = max(k.freed, l.end())
			if !l.sharer {
				k.alone = max(k.alone, l.end())
			}
		}
	}
	clear(k.leases[len(kept):])
	k.leases = kept
}

// judgeHolding checks I2 when a holder learns that its lease is over, and at the
// end of a history if it never did: it must have learned by the deadline or, if
// it stood still then, when it went on.
func (c *Checker) judgeHolding(l *claim) {
	if l.client.crashed || l.isOver {
		return
	}
	by := l.deadline
	if p := l.client; p.from >= 0 && p.from <= by+c.cfg.Slack {
		if p.paused {
			return
		}
		by = max(by, p.until)
	}
	if late := c.now - by; late > c.cfg.Slack {
		c.violate(I2, -1, []uint64{l.id}, "%s did not know, %v after the deadline, that its lease of %s was over",
			c.name(l), c.now-l.deadline, c.cfg.Key(l.key.id))
	}
}

// judgeReturn checks I2 when a lease is given back: a holder that does so after
// the deadline has to be told that it was lost.
func (c *Checker) judgeReturn(l *claim, ev Event) {
	if late := ev.At - l.deadline; ev.GaveUp && late > c.cfg.Slack {
		c.violate(I2, -1, []uint64{l.id}, "%s gave %s back, %v after the deadline, and was told that its lease had been valid",
			c.name(l), c.cfg.Key(l.key.id), late)
	}
}

// passed checks what a lease that passes on within a client must be as every other: it
// must be valid (I1, I2), and have a token of its own (I3).
func (c *Checker) passed(ev Event) {
	l := c.claims[ev.Claim]
	if l == nil || !l.won {
		return
	}
	if l.isDecreed {
		l.deadline, l.token = ev.Deadline, ev.Token // it is over for all others: see evicts
		return
	}
	if late := ev.At - l.end(); late > c.cfg.Slack {
		c.violate(I1, -1, []uint64{l.id}, "%s passed on a lease of %s that had been over for %v", c.name(l), c.cfg.Key(l.key.id), late)
	}
	l.deadline, l.token = ev.Deadline, ev.Token
	c.order(l)
	for _, k := range l.keys {
		c.judgeWatching(k)
	}
}

// life follows a client through its pauses and its end. A pause that follows
// upon another at once is one with it: there was no time to do anything.
func (c *Checker) life(ev Event) {
	cl := c.client(ev.Client)
	switch ev.Kind {
	case Paused:
		if cl.until < 0 || ev.At > cl.until+c.cfg.Slack {
			cl.from = ev.At
		}
		c.halts(cl, false)
		cl.paused = true
	case Resumed:
		cl.paused, cl.until = false, ev.At
	default:
		c.halts(cl, true)
		cl.crashed = true
	}
}
