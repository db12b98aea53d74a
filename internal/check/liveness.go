package check

// weather begins or ends the time in which liveness is judged.
func (c *Checker) weather(ev Event) {
	c.judgeSets(nil)
	for _, k := range c.keys {
		c.judgeWaiting(k)
		k.lost = 0
	}
	for _, cl := range c.clients {
		cl.slow = 0
	}
	c.calm, c.calmSince, c.flaky = ev.Kind == Calm, ev.At, ev.Flaky
	if !ev.First || !c.calm {
		c.settled = ev.At + c.cfg.Settle
	}
}

// free says since when the key has been free, in fair weather that has settled, and
// nobody has had an excuse (I7) to leave it alone, with the key kept for them; ok is false if it is not free, or the weather is not fair.
func (c *Checker) free(k *key) (since Time, ok bool) {
	if !c.calm || c.cfg.Settle == 0 {
		return 0, false
	}
	c.prune(k)
	c.excuseSets(k)
	since = max(c.calmSince+c.cfg.Settle, k.freed+c.cfg.Quick, k.excused, k.kept)
	return since, !k.full(c.now) && since < c.now
}

// judgeLost checks I8 when an attempt was lost, or given up.
func (c *Checker) judgeLost(cl *claim, gaveUp bool) {
	if gaveUp {
		return
	}
	c.judgeAttempt(cl)
	k := cl.key
	since, ok := c.free(k)
	if !ok || k.sets > 0 || len(cl.keys) > 1 {
		k.lost = 0 // it may be kept for one who waits for the rest of a set
		return
	}
	if cl.asked < since {
		return
	}
	k.lost++
	if most := c.cfg.Attempts * (1 + k.wants); k.lost > most {
		c.violate(I8, -1, []uint64{cl.id}, "%s has been free since %v and wanted by %d, and %d attempts in a row have failed",
			c.cfg.Key(k.id), since, k.wants, k.lost)
	}
	c.judgeWaiting(k)
}

// judgeAttempt checks I8 when an attempt was decided: that it did not wait for a
// node that does not answer. One that is won never does. One that is lost may,
// because only that node could have told who holds the key; but once its client
// has done so, it knows better. (Not where a node answers now and then: it can be
// worth waiting for, and there is nothing to know better.)
func (c *Checker) judgeAttempt(cl *claim) {
	took := c.now - cl.asked
	if c.cfg.Slow == 0 || !c.calm || c.flaky || cl.asked < max(c.settled, c.calmSince) || took < c.cfg.Slow {
		return
	}
	switch before := cl.client.slow; {
	case cl.won:
		c.violate(I8, -1, []uint64{cl.id}, "%s was granted %s after %v only: it waited for a node that does not answer, and was not needed",
			c.name(cl), c.cfg.Key(cl.key.id), took)
	case before > 0 && cl.asked >= before:
		c.violate(I8, -1, []uint64{cl.id}, "%s waited %v for %s, for a node that does not answer, as it had found out at %v",
			c.name(cl), took, c.cfg.Key(cl.key.id), before)
	}
	if cl.client.slow == 0 {
		cl.client.slow = c.now
	}
}

// judgeWaiting checks I8 for a key that may have been waited for too long.
func (c *Checker) judgeWaiting(k *key) {
	since, ok := c.free(k)
	if !ok || k.wants == 0 || c.cfg.Waits == 0 {
		return
	}
	if waited := c.now - max(since, k.since); waited > c.cfg.Waits {
		c.violate(I8, -1, nil, "%s has been free and waited for by %d for %v, and nobody has taken it",
			c.cfg.Key(k.id), k.wants, waited)
	}
}

// wants counts those who wait for a key.
func (c *Checker) wants(ev Event) {
	k := c.key(ev.Key)
	if ev.Kind == Wants {
		if k.wants == 0 {
			k.since = ev.At
		}
		k.wants++
		return
	}
	c.judgeWaiting(k)
	if k.wants--; k.wants == 0 {
		k.since = ev.At
	}
}
