package chaos

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/rig/check"
	"github.com/redlock-go/redlock/rig/clock"
	"github.com/redlock-go/redlock/rig/traffic"
)

// Waiting is how a contestant's clients waited.
//
// A wait is one call, from its beginning to the lease, or to its failure. Of that,
// the time counts as *beyond its turn* in which the lock was to be had and nobody had
// it: not while another's lease lasted, until its release returned; not while no
// majority of the nodes was well, or had no key of a client that was frozen or killed;
// and not while the client that waited stood still itself.
type Waiting struct {
	Calls  int
	Late   time.Duration // the longest beyond its turn
	Bound  time.Duration // of that wait
	Failed bool          // that wait was in vain
	At     clock.Instant // when it ended
	During []string      // what happened in that time
	// Wedge is the longest time at a stretch for which the lock was to be had and
	// wanted, and nobody had it; and its bound.
	Wedge, WedgeBound time.Duration
	WedgeAt           clock.Instant
	// HandOvers are the times from a release to the next lease, of those for which
	// somebody waited when it was released; the shortest first.
	HandOvers []time.Duration
	Findings  []string
}

// Reservation is for how long the nodes keep a key for the next in the queue: what a
// client that is dead or frozen then costs the others (I7).
const Reservation = script.ReservationMS * time.Millisecond

// HandOver is a quantile of the hand-overs, 0 if there were none.
func (w Waiting) HandOver(q float64) time.Duration {
	if len(w.HandOvers) == 0 {
		return 0
	}
	return w.HandOvers[min(int(q*float64(len(w.HandOvers))), len(w.HandOvers)-1)]
}

// court judges the waits for one lock.
type court struct {
	contestant traffic.Contestant
	outcome    *Outcome
	ttl        time.Duration
	lock       string
	waits      []traffic.Wait
	tenures    []traffic.Tenure // by their beginnings
	unwell     []check.Span     // no majority was to be had
	stops      map[string][]span
}

// judgeWaits looks at the waits for all locks. Where they are of several kinds, what is to be had by
// whom is the simulator's to judge; here it shows that each kind is taken at all.
func (s *Score) judgeWaits(contestant traffic.Contestant, e evidence, o *Outcome, ttl time.Duration) {
	if contestant.Kinds {
		return
	}
	for _, lock := range contestant.Locks() {
		c := court{contestant: contestant, outcome: o, ttl: ttl, lock: lock, stops: e.stops}
		for _, story := range e.stories {
			for _, w := range story.Waits {
				if w.Lock == lock {
					c.waits = append(c.waits, w)
				}
			}
			for _, t := range story.Tenures {
				if t.Lock == lock {
					c.tenures = append(c.tenures, t)
				}
			}
		}
		slices.SortFunc(c.tenures, func(a, b traffic.Tenure) int { return cmp.Compare(a.Begin, b.Begin) })
		c.unwell = c.notToBeHad(e)
		c.judge(&s.Waiting)
	}
	slices.Sort(s.Waiting.HandOvers)
}

// notToBeHad are the times in which too few nodes were well, and free of keys that a
// client left which was frozen or killed.
func (c *court) notToBeHad(e evidence) []check.Span {
	rows := make([][]check.Span, nodes)
	add := func(node int, from, to clock.Instant) {
		rows[node] = append(rows[node], check.Span{From: from, To: to})
	}
	for _, f := range c.outcome.Faults {
		add(f.Node, f.From, f.Until)
	}
	for _, s := range e.silent {
		add(s.Node, s.From, s.To)
	}
	keys := c.contestant.Keys(c.lock)
	for _, s := range e.seen {
		if s.Owner == "" || !slices.Contains(keys, s.Key) {
			continue
		}
		first, last := s.First.Add(-sampleEvery), s.Last.Add(sampleEvery)
		for _, stop := range e.stops[s.Owner] {
			add(s.Node, max(first, stop.from), min(last, stop.to.Add(sampleEvery)))
		}
		if died := e.deaths[s.Owner]; died != 0 {
			add(s.Node, max(first, died.Add(-sampleEvery)), last)
		}
	}
	if !c.contestant.Quorum {
		return check.Union(rows[0])
	}
	unwell := check.Together(rows, nodes-nodes/2)
	if c.contestant.Queues != nil {
		return unwell
	}
	// Whose values are on the nodes is not known of the others: a TTL for each death.
	for _, t := range c.tenures {
		if died := e.deaths[traffic.ClientOf(t.Client)]; died != 0 && !t.Released {
			unwell = append(unwell, check.Span{From: t.Begin, To: died.Add(c.ttl)})
		}
	}
	return check.Union(unwell)
}

// holds are the times in which clients had the lock, but for one of them.
func (c *court) holds(butFor string) []check.Span {
	var all []check.Span
	for _, t := range c.tenures {
		if t.Client == butFor {
			continue
		}
		until := t.End.Add(c.ttl/100 + 2*time.Millisecond) // the drift, in which the key lives on
		if t.How == traffic.ByRelease && t.Released {
			until = t.Done
		}
		all = append(all, check.Span{From: t.Begin, To: until})
	}
	return all
}

// still are the times in which a worker's client stood still.
func (c *court) still(worker string) []check.Span {
	var all []check.Span
	for _, s := range c.stops[traffic.ClientOf(worker)] {
		all = append(all, check.Span{From: s.from, To: s.to})
	}
	return all
}

// bound is I7's, for a time: a lost wake-up costs the rest of a TTL, a waiter that is
// dead or frozen a reservation; and the Margin of a machine that has much to do.
func (c *court) bound(s check.Span) time.Duration {
	dead := 0
	for _, h := range c.outcome.Harm {
		if h.From <= s.To && h.To.Add(Reservation) >= s.From {
			dead += workers
		}
	}
	return c.ttl + time.Duration(dead)*Reservation + Margin
}

func (c *court) judge(w *Waiting) {
	var wanted []check.Span // by clients that run
	for _, wait := range c.waits {
		w.Calls++
		s := check.Span{From: wait.From, To: wait.To}
		still := c.still(wait.Client)
		wanted = append(wanted, s.Without(still)...)
		late := check.Total(s.Without(slices.Concat(c.holds(wait.Client), c.unwell, still)))
		bound := c.bound(s)
		if late > w.Late {
			w.Late, w.Bound, w.Failed, w.At, w.During = late, bound, !wait.Got, wait.To, happened(c.outcome, s.From, s.To)
		}
		if late > bound {
			w.Findings = append(w.Findings, fmt.Sprintf("waiting: %s waited for %v for %s until %v, %v beyond its turn, where I7 allows %v; during %v",
				wait.Client, s.For(), c.lock, wait.To, late, bound, happened(c.outcome, s.From, s.To)))
		}
	}
	taken := slices.Concat(c.holds(""), c.unwell)
	for _, s := range check.Union(wanted) {
		for _, free := range s.Without(taken) {
			took, bound := free.For(), c.bound(free)
			if took > w.Wedge {
				w.Wedge, w.WedgeBound, w.WedgeAt = took, bound, free.To
			}
			if took > bound {
				w.Findings = append(w.Findings, fmt.Sprintf("wedge: %s was to be had and wanted from %v for %v, where I7 allows %v; during %v",
					c.lock, free.From, took, bound, happened(c.outcome, free.From, free.To)))
			}
		}
	}
	for i := 1; i < len(c.tenures); i++ {
		before, next := c.tenures[i-1], c.tenures[i]
		if before.How == traffic.ByRelease && before.Released && next.Asked < before.End && next.Begin >= before.End {
			w.HandOvers = append(w.HandOvers, next.Begin.Sub(before.End))
		}
	}
}
