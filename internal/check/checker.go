package check

import (
	"fmt"
	"slices"
	"strconv"
)

// Config says what a history is measured against. A bound that is 0 turns off
// the check that needs it.
type Config struct {
	Need int // how many nodes decide

	// TTL is for how long a node keeps a key at the most that nobody extends: the
	// longest TTL in use, by the slowest clock, and a clock's resolution.
	TTL Time

	// Slack is by how much a holder may be late to know that its lease is over
	// (I2): the resolution of the history.
	Slack Time

	// Quick is when a node that there was no trouble with is free of the key
	// after its claim is over, and Reach when one is that there was trouble with,
	// after its end; and so much later as the trouble lasted, but no more than
	// Pause, because it is asked ever less often whether it is back (I5).
	Quick, Reach, Pause Time

	// Settle is for how long the weather must have been fair before liveness is
	// judged (I8): what older times left behind is gone by then. Then a free key
	// sees at most Attempts lost attempts for each client that wants it, one that
	// is waited for is taken within Waits, and an attempt that takes as long as
	// Slow is one that waited for a node that does not answer: no client does so
	// twice.
	Settle   Time
	Attempts int
	Waits    Time
	Slow     Time

	// HandOver is within which time a key that is free is taken by one who stands in
	// the queues for it, when it is steady, and nobody has an excuse. Excuses are what
	// I7 names: each waiter that stands still costs Reservation, and one that dies with
	// the key reserved for it; and who has missed a push, or who may have to do with the
	// key and died or stands still, the rest of a TTL.
	HandOver, Reservation Time

	// Tell is within which time one who watches an election knows of a change that was pushed
	// to it, when it is steady; of another, within a TTL more.
	Tell Time

	// Client, Node and Key are how the words call them; by number if nil.
	Client, Node, Key func(int) string
}

// Violation is an invariant that does not hold in a history.
type Violation struct {
	Invariant Invariant
	At        Time
	Text      string // what happened, in words
	Claims    []uint64
	Node      int // -1 if no node has a special part in it
}

// String gives the invariant, the time and the words.
func (v Violation) String() string {
	return fmt.Sprintf("%s violated at %v: %s\n   %s", v.Invariant, v.At, v.Text, v.Invariant.Statement())
}

// Checker takes a history event by event. What it keeps does not grow with the
// length of the history. It is not safe for concurrent use.
type Checker struct {
	cfg        Config
	now        Time
	claims     map[uint64]*claim
	keys       map[int]*key
	sets       []*set // that are wanted
	clients    map[int]*client
	everyone   []trouble // by node
	forgot     map[place]loss
	calm       bool
	calmSince  Time
	flaky      bool
	steady     bool
	restful    Time     // since when it is steady, and what came before is over
	settled    Time     // since when it is settled, but for nodes that went silent
	over       []*claim // in the order of their ends, to be dropped when nothing of them can be left
	spare      []*claim
	violations []Violation
	count      map[Invariant]int
}

// New returns a checker that has seen nothing.
func New(cfg Config) *Checker {
	number := func(what string) func(int) string {
		return func(n int) string { return what + " " + strconv.Itoa(n) }
	}
	if cfg.Client == nil {
		cfg.Client = number("client")
	}
	if cfg.Node == nil {
		cfg.Node = number("node")
	}
	if cfg.Key == nil {
		cfg.Key = number("key")
	}
	return &Checker{
		cfg:     cfg,
		claims:  make(map[uint64]*claim),
		keys:    make(map[int]*key),
		clients: make(map[int]*client),
		forgot:  make(map[place]loss),
		count:   make(map[Invariant]int),
	}
}

// Run holds a whole history against the invariants. It sorts the events by time,
// and leaves the order of those of the same time as it is.
func Run(cfg Config, history []Event) []Violation {
	c := New(cfg)
	history = slices.Clone(history)
	slices.SortStableFunc(history, func(a, b Event) int { return int(a.At - b.At) })
	for _, ev := range history {
		c.Observe(ev)
	}
	if n := len(history); n > 0 {
		c.Finish(history[n-1].At)
	}
	return c.Violations()
}

// Violations returns the first violation of each invariant, in the order of their
// discovery.
func (c *Checker) Violations() []Violation { return c.violations }

// Count returns how often the invariant was seen violated.
func (c *Checker) Count(i Invariant) int { return c.count[i] }

func (c *Checker) violate(i Invariant, node int, claims []uint64, format string, args ...any) {
	c.count[i]++
	if c.count[i] == 1 {
		c.violations = append(c.violations, Violation{i, c.now, fmt.Sprintf(format, args...), claims, node})
	}
}

// Observe takes the next event. The time must not go back.
func (c *Checker) Observe(ev Event) {
	c.now = max(c.now, ev.At)
	switch ev.Kind {
	case Asked:
		c.asked(ev)
	case Won:
		c.won(ev)
	case Passed:
		c.passed(ev)
	case Extended:
		c.extended(ev)
	case Yields:
		if l := c.claims[ev.Claim]; l != nil {
			l.shares = true
		}
	case Moved:
		if l := c.claims[ev.Claim]; l != nil && !l.isOver {
			l.deadline = ev.Deadline
		}
	case Over:
		c.ended(ev)
	case HandedOver:
		c.handedOver(ev)
	case TookOver:
		c.tookOver(ev)
	case Prolonged:
		c.prolonged(ev)
	case Paused, Resumed, Crashed:
		c.life(ev)
	case Wants, Settled:
		if ev.Also == nil {
			c.wants(ev)
		} else {
			c.wantsSet(ev)
		}
	case Tried:
		c.hasTried(ev)
	case Stands, Leaves:
		c.stands(ev)
	case Missed:
		c.missed(ev)
	case Stuck:
		c.stuck(ev)
	case Steady, Unsteady:
		c.steadies(ev)
	case Took, Kept, Dropped, Rose:
		if ev.Kind == Rose {
			c.rises(ev)
		}
		c.touched(ev)
	case Evicts:
		c.evicts(ev)
	case Forced:
		c.forced(ev)
	case Forgot:
		c.forget(ev)
	case Voted:
		c.voted(ev)
	case Unanswered:
		if cl := c.claims[ev.Claim]; cl != nil {
			for _, k := range cl.keys {
				if s := cl.seat(ev.Node, k.id); ev.Asks && !s.doubtful {
					s.doubtful, s.since = true, ev.At
				}
			}
			c.begin(c.trouble(cl.client, ev.Node)).ended = ev.At
		}
	case Seen:
		c.seen(ev)
	case Cut:
		c.begin(c.troubleOf(ev)).cuts++
	case Healed:
		t := c.troubleOf(ev)
		t.cuts--
		t.ended = ev.At
	case Calm, Storm:
		c.weather(ev)
	case Elected:
		c.elected(ev)
	case Watches, Turns:
		c.watches(ev)
	case Reports:
		c.reports(ev)
	case Blind:
		c.blind(ev)
	}
}

// Finish ends the history.
func (c *Checker) Finish(at Time) {
	c.now = max(c.now, at)
	c.judgeSets(nil)
	for _, k := range c.keys {
		c.judgeWaiting(k)
		c.judgeQueue(k)
		c.judgeWatching(k)
		for _, l := range k.leases {
			c.judgeHolding(l)
		}
	}
}

func (c *Checker) client(id int) *client {
	cl := c.clients[id]
	if cl == nil {
		cl = &client{id: id, from: -1, until: -1}
		c.clients[id] = cl
	}
	return cl
}

func (c *Checker) key(id int) *key {
	k := c.keys[id]
	if k == nil {
		k = &key{id: id}
		c.keys[id] = k
	}
	return k
}

// asked makes the claim.
func (c *Checker) asked(ev Event) {
	var cl *claim
	if n := len(c.spare); n > 0 {
		cl, c.spare = c.spare[n-1], c.spare[:n-1]
		seats, keys := cl.seats, cl.keys
		clear(seats)
		*cl = claim{seats: seats, keys: keys[:0]}
	} else {
		cl = new(claim)
	}
	cl.id, cl.client, cl.key, cl.asked = ev.Claim, c.client(ev.Client), c.key(ev.Key), ev.At
	cl.of, cl.shares, cl.sharer = ev.Of, ev.Shares, ev.Shares
	cl.from, cl.fromID = c.claims[ev.From], ev.From
	cl.key.counted(ev.Of)
	cl.keys = append(cl.keys, cl.key)
	for _, id := range ev.Also {
		cl.keys = append(cl.keys, c.key(id))
	}
	cl.key.shared = cl.key.shared || ev.Foreign
	c.claims[ev.Claim] = cl
}

// won makes a claim a lease.
func (c *Checker) won(ev Event) {
	l := c.claims[ev.Claim]
	if l == nil {
		return
	}
	l.foreign, l.slot = ev.Foreign, ev.Slot
	l.won, l.token, l.deadline, l.success = true, ev.Token, ev.Deadline, ev.At
	c.rest(l, l.asked)
	c.judgeAttempt(l)
	for _, k := range l.keys {
		c.judgeWaiting(k)
		c.judgeQueue(k)
		c.judgeSets(k)
	}
	c.judgeTurn(l, ev)
	c.exclude(l)
	c.limit(l)
	if !ev.Foreign && !l.isDecreed { // else it was evicted before it knew that it was granted
		c.order(l)
		for _, k := range l.keys {
			k.election.granted(ev.At, ev.Token)
		}
		c.behindFence(l)
	}
	for _, k := range l.keys {
		k.leases = append(k.leases, l)
		k.lost, k.frozen = 0, 0
	}
}

func (c *Checker) extended(ev Event) {
	l := c.claims[ev.Claim]
	if l == nil || l.isOver {
		return
	}
	if ev.At > l.deadline+c.cfg.Slack {
		c.violate(I2, -1, []uint64{l.id}, "%s extended its lease of %s, %v after its deadline had passed",
			c.name(l), c.cfg.Key(l.key.id), ev.At-l.deadline)
	}
	c.unbroken(l, ev)
	c.revived(l, ev)
	l.deadline, l.success = ev.Deadline, ev.At
	c.rest(l, ev.Sent)
	c.exclude(l)
}

// ended is the end of a claim for its client.
func (c *Checker) ended(ev Event) {
	cl := c.claims[ev.Claim]
	if cl == nil || cl.isOver {
		return
	}
	if cl.won {
		c.judgeHolding(cl)
		c.judgeReturn(cl, ev)
		for _, k := range cl.keys {
			k.handed = ev.GaveUp && !cl.foreign
		}
	} else if cl.from == nil {
		c.judgeLost(cl, ev.GaveUp)
	}
	cl.isOver, cl.overAt = true, ev.At
	for _, k := range cl.keys {
		c.abdicates(k, cl)
		c.prune(k)
	}
	c.over = append(c.over, cl)
	c.sweep()
}

// sweep drops the claims that ended so long ago that nothing of them is left, as
// far as it is for them to see to.
func (c *Checker) sweep() {
	keep := 4 * (c.cfg.TTL + c.cfg.Reach + c.cfg.Pause)
	n := 0
	for n < len(c.over) && n < 8 && c.over[n].overAt+keep < c.now {
		delete(c.claims, c.over[n].id)
		if !c.over[n].isMarked() {
			c.spare = append(c.spare, c.over[n])
		}
		n++
	}
	c.over = c.over[n:]
}

// name is how the words call a claim: its client, and its number.
func (c *Checker) name(cl *claim) string {
	return c.cfg.Client(cl.client.id) + " (#" + strconv.FormatUint(cl.id, 10) + ")"
}
