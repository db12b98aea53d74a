package check

// judgeSharers checks I7 for those who stand in the queues to share a key with others: while nobody
// but such has it, and nobody who wants it alone stands before them, there is nothing to wait for.
func (c *Checker) judgeSharers(k *key) {
	since := max(k.alone, k.barred, c.restful, k.excused, k.kept)
	joined := false
	for _, l := range k.leases {
		if !l.sharer {
			since = max(since, l.end())
			continue
		}
		joined = joined || l.end() > c.now
	}
	if !joined || k.shared || k.sets > 0 { // who wants a set stands before them, too
		return
	}
	for i := range k.standing {
		s := &k.standing[i]
		if !s.shares || !s.firm || s.client.paused || s.client.crashed || k.isBarred(s) {
			continue
		}
		from := max(since, s.begun, s.client.until)
		if took := c.now - from; took > c.cfg.HandOver {
			c.violate(I7, -1, nil, "%s is shared, and %s has stood in the queues to share it since %v, for nothing since %v",
				c.cfg.Key(k.id), c.cfg.Client(s.client.id), s.since, from)
		}
	}
}

// isBarred reports whether one who wants the key alone stands before that one. Of two with one
// ticket either may: their names decide.
func (k *key) isBarred(s *stander) bool {
	for i := range k.standing {
		if o := &k.standing[i]; !o.shares && o.ticket <= s.ticket {
			return true
		}
	}
	return false
}
