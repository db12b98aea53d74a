package check

import "slices"

// set is what somebody wants who wants several keys, all of them or none.
type set struct {
	id     uint64
	client *client
	keys   []*key
	since  Time
}

// wantsSet takes note of one who wants several keys, or does not any more.
func (c *Checker) wantsSet(ev Event) {
	if ev.Kind == Wants {
		s := &set{id: ev.By, client: c.client(ev.Client), keys: []*key{c.key(ev.Key)}, since: ev.At}
		for _, id := range ev.Also {
			s.keys = append(s.keys, c.key(id))
		}
		for _, k := range s.keys {
			c.judgeWaiting(k)
			c.judgeQueue(k)
			k.sets++
		}
		c.sets = append(c.sets, s)
		return
	}
	at := slices.IndexFunc(c.sets, func(s *set) bool { return s.id == ev.By })
	if at < 0 {
		return
	}
	s := c.sets[at]
	c.judgeSet(s)
	c.sets = slices.Delete(c.sets, at, at+1)
	for _, k := range s.keys {
		c.excuseSets(k)
		k.sets--
	}
}

// excuseSets: a key may be kept for one who waits for the rest of a set, for as long as
// half of the TTL, and be given back when that one has what it wants; and those who would
// share it stand behind that one.
func (c *Checker) excuseSets(k *key) {
	if k.sets > 0 {
		k.kept = max(k.kept, c.now+c.cfg.TTL/2)
	}
}

// judgeSets checks A3 for those that want the key, or for all.
func (c *Checker) judgeSets(k *key) {
	for _, s := range c.sets {
		if k == nil || slices.Contains(s.keys, k) {
			c.judgeSet(s)
		}
	}
}

// judgeSet checks A3: one who waits for several keys, in fair weather, has them within
// Waits of the moment at which all of them are free. So much longer may one of them be kept for
// another who waits for a set.
func (c *Checker) judgeSet(s *set) {
	if !c.calm || c.cfg.Settle == 0 || c.cfg.Waits == 0 || s.client.crashed || s.client.paused {
		return
	}
	since := max(c.calmSince+c.cfg.Settle, s.since, s.client.until)
	others := Time(0)
	for _, k := range s.keys {
		c.prune(k)
		if len(k.leases) > 0 {
			return
		}
		since = max(since, k.freed+c.cfg.Quick, k.excused)
		if k.sets > 1 {
			others = c.cfg.TTL
		}
	}
	if waited := c.now - since; waited > c.cfg.Waits+others {
		c.violate(A3, -1, nil, "%s has waited since %v for %d keys, which have all been free since %v, and has not got them",
			c.cfg.Client(s.client.id), s.since, len(s.keys), since)
	}
}
