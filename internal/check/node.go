package check

// seat is what is known of a claim's value on one node.
type seat struct {
	now, before, earlier spell
	doubtful             bool // a request for the key was given up
	since                Time // when the first was
	took                 Time // when it got the value
	risen                bool // it has the value from an old copy
	left                 bool // its client deleted it when it had handed the lease over
}

// spell is a time for which a node held a value without a break.
type spell struct {
	began Time
	kept  Time // the last time that its expiry was reset, or the beginning
	first bool // it was taken by the round that asked, before that was given up
}

// seat is that of one of the claim's keys on a node.
func (cl *claim) seat(node, key int) *seat {
	at := node * len(cl.keys)
	for len(cl.seats) < at+len(cl.keys) {
		cl.seats = append(cl.seats, seat{})
	}
	for i, k := range cl.keys {
		if k.id == key {
			at += i
		}
	}
	return &cl.seats[at]
}

// seatsAt are those of all its keys on a node.
func (cl *claim) seatsAt(node int) []seat {
	n := len(cl.keys)
	return cl.seats[node*n : (node+1)*n]
}

// nodes is of how many nodes it has seats.
func (cl *claim) nodes() int { return len(cl.seats) / len(cl.keys) }

// touched follows the key on a node, and checks I4.
func (c *Checker) touched(ev Event) {
	cl := c.claims[ev.Claim]
	if ev.By != ev.Claim && ev.Kind != Rose && !c.follows(ev) {
		what := map[Kind]string{Took: "took the key for", Kept: "extended the key of", Dropped: "deleted the key of"}[ev.Kind]
		c.violate(I4, ev.Node, []uint64{ev.By, ev.Claim}, "a request of #%d %s #%d on %s: they are different attempts",
			ev.By, what, ev.Claim, c.cfg.Node(ev.Node))
	}
	if cl == nil {
		return
	}
	s := cl.seat(ev.Node, ev.Key)
	if cl.from != nil || cl.handed {
		c.keeps(cl)
	}
	switch ev.Kind {
	case Took, Rose:
		s.earlier, s.before = s.before, s.now
		s.now = spell{ev.At, ev.At, ev.First && !s.doubtful}
		if p, ok := c.passedOn(ev); ok {
			s.now = p
		}
		s.took = ev.At
		s.risen = ev.Kind == Rose
	case Kept:
		s.now.kept = ev.At
	case Dropped:
		c.leaves(cl, s, ev)
	default:
	}
}

// unbroken checks I9: of a majority of nodes, each has held the key without a
// break since the last success, or since it was asked for the first time, and
// answered a request of this round. A request of an earlier round that came late
// is taken for one of this round.
func (c *Checker) unbroken(l *claim, ev Event) {
	votes, seen := 0, false
	for node := range l.nodes() {
		kept := 0
		for _, s := range l.seatsAt(node) {
			for _, p := range [...]spell{s.now, s.before, s.earlier} {
				seen = seen || p.kept > 0
				if p.kept > 0 && p.kept >= ev.Sent && (p.first || p.began <= l.success) {
					kept++
					break
				}
			}
		}
		if kept == len(l.keys) {
			votes++
		}
	}
	if seen && votes < c.cfg.Need {
		c.violate(I9, -1, []uint64{l.id}, "%s extended its lease of %s on the votes of %d nodes that had held the key ever since %v, of the %d needed",
			c.name(l), c.cfg.Key(l.key.id), votes, l.success, c.cfg.Need)
	}
}

// loss is what a node forgot of a key.
type loss struct {
	claim *claim
	id    uint64
	at    Time
	end   Time // until when the lease may rest on what the node granted before
}

// forget takes note of what a node lost.
func (c *Checker) forget(ev Event) {
	if cl := c.claims[ev.Claim]; cl != nil {
		c.forgot[place{ev.Node, ev.Key}] = loss{cl, ev.Claim, ev.At, cl.deadline}
	}
}

// rest takes note that a round has succeeded whose first request left at sent: a
// node that forgot the lease after that may have voted in it. A round that was sent
// after the loss rests on other nodes.
func (c *Checker) rest(l *claim, sent Time) {
	for node := range l.nodes() {
		for _, k := range l.keys {
			at := place{node, k.id}
			if lost, ok := c.forgot[at]; ok && lost.id == l.id && sent <= lost.at {
				lost.end = l.deadline
				c.forgot[at] = lost
			}
		}
	}
}

// voted checks I6: a node that forgot a lease which it had granted does not vote
// for another while that lease rests on its grant, or on a round before the loss.
func (c *Checker) voted(ev Event) {
	cl := c.claims[ev.Claim]
	if cl == nil {
		return
	}
	for _, k := range cl.keys {
		lost, ok := c.forgot[place{ev.Node, k.id}]
		if !ok || lost.claim == cl || lost.claim.id != lost.id || !lost.claim.excludes(cl) {
			continue
		}
		l := lost.claim
		if end := min(l.end(), lost.end); l.won && end > c.now {
			c.violate(I6, ev.Node, []uint64{l.id, cl.id}, "%s forgot at %v that it had granted %s to %s, whose lease lasts until %v, and voted for %s",
				c.cfg.Node(ev.Node), lost.at, c.cfg.Key(k.id), c.name(l), end, c.name(cl))
		}
	}
}

// begin takes note of a trouble, which is one with the last if that has not been
// over for long.
func (c *Checker) begin(t *trouble) *trouble {
	if !t.any || t.cuts == 0 && c.now > t.ended+c.cfg.Reach {
		t.any, t.began = true, c.now
	}
	return t
}

// after is when a node is free of a key after a trouble.
func (c *Checker) after(t *trouble) Time {
	return t.ended + c.cfg.Reach + min(t.ended-t.began, c.cfg.Pause)
}

func (c *Checker) troubleOf(ev Event) *trouble {
	if ev.Client == Everyone {
		for ev.Node >= len(c.everyone) {
			c.everyone = append(c.everyone, trouble{})
		}
		return &c.everyone[ev.Node]
	}
	return c.trouble(c.client(ev.Client), ev.Node)
}

func (c *Checker) trouble(cl *client, node int) *trouble {
	for node >= len(cl.troubles) {
		cl.troubles = append(cl.troubles, trouble{})
	}
	return &cl.troubles[node]
}

// seen checks I5 when a value of a claim is found on a node. Three bounds hold
// for a claim that is over:
//
//   - TTL after the last request of it that the node executed, whatever happened;
//   - Quick after its end, on a node that there was no trouble with;
//   - Reach after the end of the trouble, and up to Pause more.
//
// Only the first holds for a lease that was handed over; for a client that crashed, as it cleans nothing up; for a
// value that came back from an old copy of the node's data; and for one that was
// taken by a request after its client had given it up.
func (c *Checker) seen(ev Event) {
	cl := c.claims[ev.Claim]
	if cl == nil {
		return
	}
	s := cl.seat(ev.Node, ev.Key)
	if last := max(s.now.began, s.now.kept); c.cfg.TTL > 0 && last > 0 && ev.At > last+c.cfg.TTL {
		c.violate(I5, ev.Node, []uint64{cl.id}, "%s still has %s for %s, %v after it was last asked to keep it",
			c.cfg.Node(ev.Node), c.cfg.Key(ev.Key), c.name(cl), ev.At-last)
	}
	if !cl.isOver || cl.handed || cl.client.crashed || cl.client.paused || c.cfg.Quick == 0 ||
		s.risen || s.doubtful && s.took > s.since {
		return
	}
	by := cl.overAt + c.cfg.Quick
	if cl.client.until >= 0 {
		by = max(by, cl.client.until+c.cfg.Reach)
	}
	ours := *c.trouble(cl.client, ev.Node)
	theirs := *c.troubleOf(Event{Client: Everyone, Node: ev.Node})
	for _, t := range [...]trouble{ours, theirs} {
		if t.cuts > 0 {
			return
		}
		if t.any {
			by = max(by, c.after(&t))
		}
	}
	if ev.At > by {
		c.violate(I5, ev.Node, []uint64{cl.id}, "%s still has %s for %s, whose claim was over %v ago; it could be reached for long enough",
			c.cfg.Node(ev.Node), c.cfg.Key(ev.Key), c.name(cl), ev.At-cl.overAt)
	}
}
