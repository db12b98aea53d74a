package check

// marks are the leases with the highest tokens: the newest, unless I3 is violated.
type marks struct {
	any   mark // of all
	alone mark // of those that shared the key with nobody

	fence   uint64 // the highest token of an eviction that has come to pass, and
	fenceAt Time   // when it was known
}

type mark struct {
	claim *claim
	token uint64
}

// order checks I3. A lease that shares its key need not come after others that do.
func (c *Checker) order(l *claim) {
	for _, k := range l.keys {
		m := k.marksOf(l)
		before := m.any
		if l.shares {
			before = m.alone
		}
		if before.claim != nil && l.token <= before.token {
			c.violate(I3, -1, []uint64{before.claim.id, l.id}, "%s was granted %s with token %d, after %s had been granted it with token %d",
				c.name(l), c.cfg.Key(k.id), l.token, c.name(before.claim), before.token)
		}
		if m.any.claim == nil || l.token > m.any.token {
			m.any = mark{l, l.token}
		}
		if !l.shares && (m.alone.claim == nil || l.token > m.alone.token) {
			m.alone = mark{l, l.token}
		}
	}
}

// marksOf are those that a lease is measured against.
func (k *key) marksOf(l *claim) *marks { return k.marksAt(l.of, l.slot) }

// marksAt are those of a slot, if the key is a semaphore's of so many.
func (k *key) marksAt(of, slot int) *marks {
	if of == 0 {
		return &k.newest
	}
	for len(k.slots) <= slot {
		k.slots = append(k.slots, marks{})
	}
	return &k.slots[slot]
}

// isMarked reports whether the claim has one of the highest tokens of its keys.
func (cl *claim) isMarked() bool {
	for _, k := range cl.keys {
		if m := k.marksOf(cl); m.any.claim == cl || m.alone.claim == cl {
			return true
		}
	}
	return false
}
