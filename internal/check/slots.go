package check

// A semaphore's slots are keys of their own for exclusion and for tokens. What is judged
// here is what they have in common.

// counted takes note that a client goes by so many slots; 0: the key is no semaphore's for it.
func (k *key) counted(of int) {
	if of > 0 {
		k.most = max(k.most, of)
		if k.least == 0 || of < k.least {
			k.least = of
		}
	}
}

// limit checks I1 for a semaphore: the slot is one that its client knows of, and no more
// leases are valid than the largest number of slots in use.
func (c *Checker) limit(l *claim) {
	if l.of == 0 {
		return
	}
	k := l.key
	n := 0
	if l.end() > c.now { // else it was evicted before it knew that it was granted
		n++
	}
	for _, o := range k.leases {
		if o != l && o.end() > c.now {
			n++
		}
	}
	if l.slot < 0 || l.slot >= l.of || n > k.most {
		c.violate(I1, -1, []uint64{l.id}, "%s is granted slot %d of %d of %s, of which %d are held",
			c.name(l), l.slot, l.of, c.cfg.Key(k.id), n)
	}
}

// full reports whether no slot that everybody knows of is free.
func (k *key) full(now Time) bool {
	n := 0
	for _, l := range k.leases {
		if (k.least == 0 || l.slot < k.least) && l.end() > now {
			n++
		}
	}
	return n >= max(1, k.least)
}

// judgeOvertaking checks I7 when somebody gets a slot. Slots that become free at the same time
// reach the nodes in any order, so that one that waits may be passed by, but by no more
// than there are slots: each node has given it one before. One that got some nodes, and too few,
// has had its turn, as for a key: see judgeTurn; and while one asks it is not known yet whether it has.
func (c *Checker) judgeOvertaking(l *claim, ev Event) {
	if l.slot >= l.key.least {
		return // it may be nothing for those who wait
	}
	for i := range l.key.standing {
		s := &l.key.standing[i]
		if !s.firm || ev.Ticket > 0 && s.ticket >= ev.Ticket || max(s.begun, c.restful) >= l.asked {
			continue
		}
		if s.tried {
			s.tried = false
			continue
		}
		if s.passed++; s.passed > l.key.most && !c.asks(s.client, l.key) {
			c.violate(I7, -1, []uint64{l.id}, "%s got slot %d of %s: that makes %d before %s, which has stood in the queues since %v",
				c.name(l), l.slot, c.cfg.Key(l.key.id), s.passed, c.cfg.Client(s.client.id), s.begun)
		}
	}
}

// asks reports whether a client has an attempt under way.
func (c *Checker) asks(cl *client, k *key) bool {
	for _, l := range c.claims {
		if l.client == cl && l.key == k && !l.won && !l.isOver {
			return true
		}
	}
	return false
}
