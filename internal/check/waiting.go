package check

// stander is one who stands in the queues of a majority of the nodes.
type stander struct {
	id     uint64
	client *client
	ticket uint64
	since  Time
}

// stands begins or ends somebody's standing in the queues.
func (c *Checker) stands(ev Event) {
	k := c.key(ev.Key)
	for i := range k.standing {
		if k.standing[i].id == ev.By {
			if ev.Kind == Leaves {
				c.judgeQueue(k)
				k.standing = append(k.standing[:i], k.standing[i+1:]...)
			}
			return
		}
	}
	if ev.Kind == Stands {
		k.standing = append(k.standing, stander{ev.By, c.client(ev.Client), ev.Token, ev.At})
	}
}

// judgeTurn checks I7 when a waiter gets the key: of those who stood in the queues
// before it came, in fair weather all the time, none has an older ticket.
func (c *Checker) judgeTurn(l *claim, ev Event) {
	if ev.By == 0 || !c.calm {
		return
	}
	var winner *stander
	for i := range l.key.standing {
		if l.key.standing[i].id == ev.By {
			winner = &l.key.standing[i]
		}
	}
	if winner == nil {
		return
	}
	for i := range l.key.standing {
		s := &l.key.standing[i]
		if s.ticket < winner.ticket && s.since >= max(c.settled, c.calmSince)+c.cfg.Listen && s.since < winner.since && s.since < l.asked && !s.client.paused && !s.client.crashed {
			c.violate(I7, -1, []uint64{l.id}, "%s got %s out of turn: %s has stood in the queues since %v, with an older ticket",
				c.name(l), c.cfg.Key(l.key.id), c.cfg.Client(s.client.id), s.since)
		}
	}
}

// judgeQueue checks I7 for a key that somebody may have stood in the queues for, while
// it was free, for too long.
func (c *Checker) judgeQueue(k *key) {
	if c.cfg.HandOver == 0 || len(k.standing) == 0 || !c.calm {
		return
	}
	c.prune(k)
	if len(k.leases) > 0 {
		return
	}
	for i := range k.standing {
		s := &k.standing[i]
		if s.since < max(c.settled, c.calmSince)+c.cfg.Listen {
			continue
		}
		since := max(k.freed, s.since)
		if took := c.now - since; took > c.cfg.HandOver {
			c.violate(I7, -1, nil, "%s has been free since %v, and %s has stood in the queues for it for %v",
				c.cfg.Key(k.id), since, c.cfg.Client(s.client.id), took)
		}
	}
}
