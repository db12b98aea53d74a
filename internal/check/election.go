package check

import "slices"

// election is what is known of the elections of a key, and of those who watch.
type election struct {
	// The reign is that of the leader that was elected last.
	reign *claim // nil if it is over
	token uint64
	since Time // when it began to say so
	over  Time // of one that is over, when it ended

	elected []term  // of the last leaders, in order
	grants  []grant // of the key, to whomever: the last ones

	excused  Time // until when a delay has an excuse
	watchers []watcher
}

type grant struct {
	at    Time
	token uint64
}

// term is what a leader said when it was elected. A lease that passes within a process has
// one for each who was, and what is noted with its key is one of them.
type term struct {
	token uint64
	lease uint64
	risen bool // the lease's key rose again on a node, from an old copy of its data
}

// mostReigns is how many leaders and grants are remembered. A reading does not last as long as
// so many of them.
const mostReigns = 256

// watcher is one who watches.
type watcher struct {
	id      uint64
	client  *client
	since   Time
	excused Time
	told    bool
	dark    bool   // it does not know, and
	darkAt  Time   // since when; 0 if what it knew before was wrong then
	token   uint64 // that it reported last
	highest uint64
}

// granted takes note of a lease that a majority of the nodes granted. (One that passes within a process
// is known to the nodes when its user says that it was elected.)
func (e *election) granted(at Time, token uint64) {
	if len(e.grants) == 2*mostReigns {
		e.grants = slices.Delete(e.grants, 0, mostReigns)
	}
	e.grants = append(e.grants, grant{at, token})
}

// rises takes note that an old copy of a node's data has a lease's key.
func (c *Checker) rises(ev Event) {
	e := &c.key(ev.Key).election
	for i := range e.elected {
		e.elected[i].risen = e.elected[i].risen || e.elected[i].lease == ev.Claim
	}
}

// elected begins a reign.
func (c *Checker) elected(ev Event) {
	l := c.claims[ev.Claim]
	if l == nil || l.isOver {
		return
	}
	k := l.key
	c.judgeWatching(k)
	e := &k.election
	e.reign, e.token, e.since = l, ev.Token, ev.At
	if len(e.elected) == 2*mostReigns {
		e.elected = slices.Delete(e.elected, 0, mostReigns)
	}
	e.elected = append(e.elected, term{token: ev.Token, lease: ev.Claim})
}

// abdicates is the end of a claim: perhaps it was a leader's.
func (c *Checker) abdicates(k *key, l *claim) {
	if e := &k.election; e.reign == l {
		c.judgeWatching(k)
		e.reign, e.over = nil, l.end()
	}
}

// leads is the token of who leads, and since when that is so; 0 if nobody does.
func (e *election) leads(now Time) (token uint64, since Time) {
	over := e.over
	if e.reign != nil {
		over = e.reign.end()
	}
	if e.reign != nil && now < over {
		return e.token, e.since
	}
	return 0, over
}

// watches begins or ends somebody's watching.
func (c *Checker) watches(ev Event) {
	k := c.key(ev.Key)
	c.judgeWatching(k)
	e := &k.election
	if ev.Kind == Watches {
		e.watchers = append(e.watchers, watcher{id: ev.By, client: c.client(ev.Client), since: ev.At})
		return
	}
	e.watchers = slices.DeleteFunc(e.watchers, func(w watcher) bool { return w.id == ev.By })
}

func (e *election) watcher(id uint64) *watcher {
	for i := range e.watchers {
		if e.watchers[i].id == id {
			return &e.watchers[i]
		}
	}
	return nil
}

// blind takes note that a push did not come, or that a subscription broke.
func (c *Checker) blind(ev Event) {
	k := c.key(ev.Key)
	if w := k.election.watcher(ev.By); w != nil {
		c.judgeWatching(k)
		w.excused = max(w.excused, c.now+c.cfg.TTL)
	}
}

// reports checks E2 and E3.
func (c *Checker) reports(ev Event) {
	k := c.key(ev.Key)
	c.judgeWatching(k)
	e := &k.election
	w := e.watcher(ev.By)
	if w == nil {
		return
	}
	if ev.GaveUp {
		if token, _ := e.leads(c.now); !w.dark && w.told && w.token == token {
			w.darkAt = c.now
		}
		w.dark = true
		return
	}
	w.dark, w.darkAt = false, 0
	w.told, w.token = true, ev.Token
	if ev.Token == 0 {
		return
	}
	name := c.cfg.Client(w.client.id)
	if ev.Token < w.highest {
		c.violate(E2, -1, nil, "%s, who watches %s, reports a leader with token %d, after one with token %d",
			name, c.cfg.Key(k.id), ev.Token, w.highest)
	}
	w.highest = max(w.highest, ev.Token)
	said := slices.IndexFunc(e.elected, func(t term) bool { return t.token == ev.Token })
	if said < 0 && len(e.elected) < mostReigns {
		c.violate(E3, -1, nil, "%s, who watches %s, reports a leader with token %d: none was elected with it",
			name, c.cfg.Key(k.id), ev.Token)
	}
	if said >= 0 && e.elected[said].risen {
		return // for who has not seen a later one there is nothing to tell it by
	}
	newer := uint64(0)
	for _, g := range e.grants {
		if g.at < ev.Sent {
			newer = max(newer, g.token)
		}
	}
	if ev.Token < newer {
		c.violate(E3, -1, nil, "%s, who watches %s, began to look at %v, and reports the leader with token %d: before, a lease with token %d was granted",
			name, c.cfg.Key(k.id), ev.Sent, ev.Token, newer)
	}
}

// judgeWatching checks E4 for those who watch a key, and who may have missed a change for too long.
func (c *Checker) judgeWatching(k *key) {
	e := &k.election
	if c.cfg.Tell == 0 || len(e.watchers) == 0 || !c.steady {
		return
	}
	token, since := e.leads(c.now)
	for i := range e.watchers {
		w := &e.watchers[i]
		if w.client.paused || w.client.crashed || w.told && !w.dark && w.token == token {
			continue
		}
		since := max(since, w.since, w.client.until, c.restful, e.excused, w.excused, w.darkAt)
		if c.now-since <= c.cfg.Tell {
			continue
		}
		switch {
		case w.dark || !w.told:
			c.violate(E4, -1, nil, "%s watches %s since %v, and does not know who leads, since %v for no reason",
				c.cfg.Client(w.client.id), c.cfg.Key(k.id), w.since, since)
		case token != 0:
			c.violate(E4, -1, nil, "%s, who watches %s, reports the leader with token %d: for %v, since %v, it has been the one with token %d",
				c.cfg.Client(w.client.id), c.cfg.Key(k.id), w.token, c.now-since, since, token)
		default:
			c.violate(E4, -1, nil, "%s, who watches %s, reports the leader with token %d: for %v, since %v, nobody has led",
				c.cfg.Client(w.client.id), c.cfg.Key(k.id), w.token, c.now-since, since)
		}
	}
}
