package check

// stander is one who stands in the queues of a majority of the nodes.
type stander struct {
	id     uint64
	client *client
	ticket uint64
	since  Time
	firm   bool // the nodes can push to it, and nothing has come between
	begun  Time // since when that is so
	tried  bool // it has had its turn, and the next may go first
	shares bool // it wants to share the key with others that do
	passed int  // how many have got a slot of a semaphore before it
}

// steadies begins or ends the time in which waiting is judged.
func (c *Checker) steadies(ev Event) {
	for _, k := range c.keys {
		c.judgeQueue(k)
		c.judgeWatching(k)
	}
	c.steady, c.restful = ev.Kind == Steady, ev.At+c.cfg.Settle
}

// stands begins or ends somebody's standing in the queues.
func (c *Checker) stands(ev Event) {
	k := c.key(ev.Key)
	s := k.stander(ev.By)
	switch {
	case ev.Kind == Leaves && s != nil:
		c.judgeQueue(k)
		if !s.shares {
			k.barred = max(k.barred, c.now)
			if s.client.crashed || s.client.paused {
				k.barred = c.now + max(c.cfg.TTL, c.cfg.Reservation) // the nodes do not know yet
			}
		}
		if c.stoodStill(k, s) {
			k.frozen++
		}
		*s = k.standing[len(k.standing)-1]
		k.standing = k.standing[:len(k.standing)-1]
	case ev.Kind == Leaves:
	case s == nil:
		k.standing = append(k.standing, stander{ev.By, c.client(ev.Client), ev.Ticket, ev.At, ev.First, ev.At, false, ev.Shares, 0})
	case ev.First != s.firm:
		s.firm, s.begun = ev.First, ev.At
	}
}

// hasTried takes note that one that stands in the queues has had its turn.
func (c *Checker) hasTried(ev Event) {
	if s := c.key(ev.Key).stander(ev.By); s != nil {
		s.tried, s.passed = true, 0
	}
}

func (k *key) stander(id uint64) *stander {
	for i := range k.standing {
		if k.standing[i].id == id {
			return &k.standing[i]
		}
	}
	return nil
}

// missed takes note of a push that did not come, or of a subscription that broke:
// what I7 promises then is the end of the holder's TTL, or of the reservation of which
// the push was to tell.
func (c *Checker) missed(ev Event) {
	k := c.key(ev.Key)
	c.judgeQueue(k)
	k.excused = max(k.excused, c.now+max(c.cfg.TTL, c.cfg.Reservation))
	if s := k.stander(ev.By); s != nil {
		s.firm = false
	}
}

// halts takes note that a client stands still, or is no more. What is reserved for it
// then keeps a key for that time; for nothing else does anybody wait for one that is no
// more.
func (c *Checker) halts(cl *client, crashed bool) {
	for _, k := range c.keys {
		c.judgeWatching(k)
		for i := range k.standing {
			s := &k.standing[i]
			if s.client != cl {
				continue
			}
			c.judgeQueue(k)
			s.firm = false
			if crashed {
				k.excused = max(k.excused, c.now+c.cfg.Reservation)
			}
		}
	}
}

// stuck takes note that what a client has under way may keep a key for a TTL. Who asked
// when it was reserved for that client knows of the end of the reservation only.
func (c *Checker) stuck(ev Event) {
	k := c.key(ev.Key)
	c.judgeQueue(k)
	c.judgeWatching(k)
	k.excused = max(k.excused, c.now+max(c.cfg.TTL, c.cfg.Reservation))
	k.election.excused = max(k.election.excused, c.now+c.cfg.TTL)
}

// stoodStill reports whether a waiter's client has stood still since the key became
// free: then it may have cost a reservation.
func (c *Checker) stoodStill(k *key, s *stander) bool {
	return !s.client.crashed && (s.client.paused || s.client.until >= k.free(c.now))
}

// free is since when no lease of the key has been valid; in the future if one is. A
// semaphore is free if one of its slots is, and has been so at least since a lease last ended.
func (k *key) free(now Time) Time {
	since, full := k.freed, k.full(now)
	for _, l := range k.leases {
		if full || l.end() <= now {
			since = max(since, l.end())
		}
	}
	return since
}

// judgeTurn checks I7 when a waiter gets the key: of those who stood in the queues
// before it came, all the time able to be pushed to, none has an older ticket.
//
// One that has had its turn, and got some nodes and too few, has given those to the next: that
// one may go first, once, or one that did not wait if there is no next.
//
// One that did not wait at all may find the key when it has expired, or a reservation has.
// Where the last lease was given back, and nobody has an excuse, it may not; unless the
// key is shared with clients of other libraries, which reserve nothing.
func (c *Checker) judgeTurn(l *claim, ev Event) {
	if !c.steady || ev.Foreign {
		return
	}
	if l.of > 0 {
		c.judgeOvertaking(l, ev)
		return
	}
	if ev.Ticket == 0 {
		c.judgeNewcomer(l)
		return
	}
	for i := range l.key.standing {
		s := &l.key.standing[i]
		if l.shares && s.shares {
			continue // nobody is before another
		}
		if s.firm && s.ticket < ev.Ticket && max(s.begun, c.restful) < l.asked {
			if s.tried {
				s.tried = false
				continue
			}
			c.violate(I7, -1, []uint64{l.id}, "%s got %s out of turn: %s has stood in the queues since %v, with an older ticket",
				c.name(l), c.cfg.Key(l.key.id), c.cfg.Client(s.client.id), s.begun)
		}
	}
}

// judgeNewcomer checks I7 when one that did not wait gets the key.
func (c *Checker) judgeNewcomer(l *claim) {
	k := l.key
	if l.shares {
		c.judgeSharer(l)
		return
	}
	if !k.handed || k.shared || max(k.excused, k.kept, c.restful) >= k.freed || c.frozen(k) > 0 {
		return
	}
	for i := range k.standing {
		if s := &k.standing[i]; s.firm && s.begun < k.freed {
			if s.tried { // what it gave to the next, and there was none, is there for anybody
				s.tried = false
				continue
			}
			c.violate(I7, -1, []uint64{l.id}, "%s came by and got %s, which was given back at %v: %s has stood in the queues since %v",
				c.name(l), c.cfg.Key(k.id), k.freed, c.cfg.Client(s.client.id), s.begun)
		}
	}
}

// judgeSharer checks I7 when one that did not wait shares the key with others: it has to wait
// behind those who want it alone and stood in the queues when it asked.
func (c *Checker) judgeSharer(l *claim) {
	k := l.key
	if c.prune(k); len(k.leases) == 0 || k.shared || c.frozen(k) > 0 {
		return
	}
	for i := range k.standing {
		if s := &k.standing[i]; s.firm && !s.shares && max(s.begun, c.restful, k.excused) < l.asked {
			c.violate(I7, -1, []uint64{l.id}, "%s came by and shares %s: %s wants it alone, and has stood in the queues since %v",
				c.name(l), c.cfg.Key(k.id), c.cfg.Client(s.client.id), s.begun)
		}
	}
}

// frozen counts the waiters that have stood still since the key became free.
func (c *Checker) frozen(k *key) int {
	n := k.frozen
	for i := range k.standing {
		if c.stoodStill(k, &k.standing[i]) {
			n++
		}
	}
	return n
}

// judgeQueue checks I7 for a key that somebody may have stood in the queues for, while
// it was free, for too long.
func (c *Checker) judgeQueue(k *key) {
	if c.cfg.HandOver == 0 || len(k.standing) == 0 || !c.steady {
		return
	}
	c.judgeSharers(k)
	c.excuseSets(k)
	free := k.free(c.now)
	if free >= c.now {
		return
	}
	frozen := c.frozen(k)
	for i := range k.standing {
		s := &k.standing[i]
		if s.client.paused || s.client.crashed {
			continue
		}
		since := max(free, s.since, s.client.until, c.restful, k.excused, k.kept)
		if took := c.now - since; took > c.cfg.HandOver+Time(frozen)*c.cfg.Reservation {
			c.violate(I7, -1, nil, "%s has been free since %v, and %s has stood in the queues for it since %v, for nothing since %v; %d that stand before it stood still",
				c.cfg.Key(k.id), free, c.cfg.Client(s.client.id), s.since, since, frozen)
		}
	}
}
