package core

// end is the end of the claim, whatever the reason: from here on it only cleans
// up. The key is released on every node on which it may be ours; where a
// request is under way, as soon as that is answered (I5). A node that said that
// the key was another's needs nothing: its "no" was final, as the value is this
// claim's alone.
func (c *Claim) end(_ Now, reason Reason, out []Effect) []Effect {
	if c.phase == held {
		for i := range c.seats {
			if c.seats[i].established <= c.good {
				c.trusted++
			}
		}
	}
	c.phase = ending
	c.reason = reason
	c.next = Never
	out = append(out, Effect{Kind: Ended})
	for i := range c.seats {
		if c.seats[i].op == 0 {
			out = c.clean(i, out)
		}
	}
	return c.decideEnd(out)
}

// clean releases the key on a node, if it may be ours there. A waiter leaves all
// queues with its last claim; after an attempt that was outvoted it stays in them.
func (c *Claim) clean(node int, out []Effect) []Effect {
	s := &c.seats[node]
	if c.borrowed() || c.reason == HandedOver && s.left {
		return out // it is for whoever has the text
	}
	if s.mayHold() || c.openAt(node) || c.queued && c.reason != Outvoted && !s.left {
		return c.send(node, Release, out)
	}
	return out
}

// decideEnd says when the user need not wait any longer: as soon as a majority
// deleted the key, which proves that it was there to the end and lets the next
// holder in, or when all have answered that will; and when nothing is under way
// any more.
func (c *Claim) decideEnd(out []Effect) []Effect {
	waiting, flying := false, false
	for i := range c.seats {
		if s := &c.seats[i]; s.op != 0 {
			flying = true
			waiting = waiting || !s.overdue
		}
	}
	if !c.freed && (int(c.deleted) >= c.terms.Need || !waiting) {
		c.freed = true
		out = append(out, Effect{Kind: Freed})
	}
	if !c.done && !flying {
		c.done = true
		out = append(out, Effect{Kind: Done})
	}
	return out
}
