package core

// AnySlot is the slot of a claim that has none yet.
const AnySlot = -1

// A semaphore's key has several slots, each of which is a lock. The node chooses which
// one it grants to the asking, and the claim is won if a majority granted the same one. From
// then on that is the claim's slot, and everything is about it alone: any two holders of
// one slot would share a node that granted it to both (I1), and a token is one of those
// of its slot (I3). What a node granted of another slot is no vote, neither now nor in a later
// round (I9): the node is told to exchange it for ours, and counts as one that is repaired.
//
// A key that has one slot only has slot 0, and none of this comes to pass.

// leading is the slot that most of this round's ballots are for, and how many: the
// lowest of them, so that contenders who see the same agree.
func (c *Claim) leading() (slot int32, votes int) {
	slot = AnySlot
	for i := range c.seats {
		s := &c.seats[i]
		if s.ballot != yes || s.slot == slot {
			continue
		}
		n := 0
		for j := range c.seats {
			if o := &c.seats[j]; o.ballot == yes && o.slot == s.slot {
				n++
			}
		}
		if n > votes || n == votes && s.slot < slot {
			slot, votes = s.slot, n
		}
	}
	return slot, votes
}

// choose makes the slot that a majority granted the claim's.
func (c *Claim) choose(out []Effect) []Effect {
	slot, _ := c.leading()
	c.slot = slot
	for i := range c.seats {
		if s := &c.seats[i]; s.established != none && s.slot != slot {
			out = c.move(i, out)
		}
	}
	return out
}

// strayed reports whether an answer grants another slot than the claim's.
func (c *Claim) strayed(ev Event) bool {
	return ev.Op == Ask && ev.Vote.Answer == Granted && c.slot != AnySlot && ev.Vote.Slot != int(c.slot)
}

// move has a node that granted another slot take it back, and give the claim's if
// that is to be had there. Its vote does not count in this round.
func (c *Claim) move(node int, out []Effect) []Effect {
	s := &c.seats[node]
	told := s.doubt // a node that grants something else than it was asked for is not asked again and again
	s.established, s.doubt, s.ballot = none, true, no
	if told {
		return out
	}
	out = c.send(node, Ask, out)
	s.overdue = true // it is waited for by nobody, and is none of the asking's (I9)
	return out
}

// Slot is which of the key's slots a claim has that was won.
func (c *Claim) Slot() int { return int(c.slot) }
