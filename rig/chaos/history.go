package chaos

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/redlock-go/redlock/rig/check"
	"github.com/redlock-go/redlock/rig/clock"
	"github.com/redlock-go/redlock/rig/fault"
	"github.com/redlock-go/redlock/rig/traffic"
)

// DecideWithin bounds the check of one register.
const DecideWithin = time.Minute

// evidence is what there is to judge a contestant by, of one section.
type evidence struct {
	stories []traffic.Story
	stops   map[string][]span        // when processes stood still, by their names
	deaths  map[string]clock.Instant // when processes had ended that were killed
	seen    []check.Sighting         // of its keys
	silent  []check.Excuse           // when nodes did not answer in time
}

// score judges what a contestant's clients have written down.
func score(contestant traffic.Contestant, e evidence, o *Outcome, ttl time.Duration) Score {
	s := Score{Errors: make(map[string]int), Seen: len(e.seen)}
	plain, guarded := make(map[string][]string), make(map[string][]string) // what writes were based on
	ops := make(map[string][]check.RegisterOp)
	var uses []check.Use
	for _, story := range e.stories {
		for kind, n := range story.Errors {
			s.Errors[kind] += n
		}
		s.Wait = max(s.Wait, story.Wait)
		s.Acquired += len(story.Tenures)
		s.Overstayed += len(story.Overstayed)
		for i, t := range story.Tenures {
			s.Leases = append(s.Leases, leases(t, contestant.Timeless, e.stops[traffic.ClientOf(t.Client)])...)
			done := t.Done
			if i == len(story.Tenures)-1 && !t.Released {
				done = max(done, e.deaths[traffic.ClientOf(t.Client)]) // it renewed the lease until then
			}
			for _, lock := range locksOf(t) {
				for _, key := range contestant.Keys(lock) {
					uses = append(uses, check.Use{Owner: traffic.ClientOf(t.Client), Key: key, From: t.Asked, To: done})
				}
			}
		}
		read := make(map[string]string) // last, by operation and lock
		for _, t := range story.Touches {
			switch t.Op {
			case traffic.ReadPlain, traffic.ReadGuarded:
				read[string(t.Op)+t.Lock] = t.Value
			case traffic.WritePlain:
				if t.Answered != 0 {
					plain[t.Lock] = append(plain[t.Lock], read[string(traffic.ReadPlain)+t.Lock])
				}
			case traffic.WriteGuarded:
				if t.Answered != 0 && t.Stale == 0 {
					guarded[t.Lock] = append(guarded[t.Lock], read[string(traffic.ReadGuarded)+t.Lock])
				}
			}
			if t.Op == traffic.ReadGuarded || t.Op == traffic.WriteGuarded {
				ops[t.Lock] = append(ops[t.Lock], check.RegisterOp{
					Client: t.Client, Write: t.Op == traffic.WriteGuarded, Token: t.Token, Shared: t.Shared, Value: t.Value,
					Stale: t.Stale, Asked: t.Asked, Answered: t.Answered,
				})
				s.Touches++
				if t.Stale > 0 {
					s.Refused++
				}
			}
		}
	}
	for lock, bases := range plain {
		s.PlainWrites += len(bases)
		s.PlainLost += check.LostWrites(bases)
		s.GuardedWrites += len(guarded[lock])
		s.GuardedLost += check.LostWrites(guarded[lock])
	}
	for _, history := range ops {
		findings, err := check.Register(history, DecideWithin)
		s.Register, s.Undecided = append(s.Register, findings...), errors.Join(s.Undecided, err)
	}
	s.judgeLeases(contestant, o, ttl)
	s.judgeWaits(contestant, e, o, ttl)
	s.Orphans = check.Orphans(e.seen, uses, append(excuses(o.Faults), e.silent...), ttl+Margin)
	return s
}

// locksOf are the locks that somebody had at once.
func locksOf(t traffic.Tenure) []string { return append([]string{t.Lock}, t.Also...) }

// judgeLeases looks for overlaps and for tokens out of order, and for how long the
// lock that is wanted most was nobody's. Each slot of a semaphore is a lock.
func (s *Score) judgeLeases(contestant traffic.Contestant, o *Outcome, ttl time.Duration) {
	slices.SortFunc(s.Leases, func(a, b Lease) int { return cmp.Compare(a.Begin, b.Begin) })
	byLock := make(map[string][]check.Hold)
	s.Taken = make(map[string]int)
	for _, l := range s.Leases {
		byLock[l.Lock] = append(byLock[l.Lock], l.Hold)
		lock, _, _ := strings.Cut(l.Lock, "#")
		s.Taken[lock]++
	}
	for _, lock := range slices.Sorted(maps.Keys(byLock)) {
		holds := byLock[lock]
		if lock == contestant.Locks()[0] {
			s.Idle = idle(holds)
		}
		for _, overlap := range check.FindOverlaps(holds) {
			s.Overlaps = append(s.Overlaps, Overlap{Overlap: overlap, Lock: lock, During: during(o, overlap, ttl), Doubtful: doubtful(o, overlap, ttl)})
		}
		if contestant.Ours {
			s.Disorder = append(s.Disorder, check.TokenOrder(holds)...)
		}
	}
}

// idle is the longest time between two holds, which are in the order of their
// beginnings.
func idle(holds []check.Hold) time.Duration {
	var longest time.Duration
	for i := 1; i < len(holds); i++ {
		longest = max(longest, holds[i].Begin.Sub(holds[i-1].End))
	}
	return longest
}

// leases is the time in which the holder can have known its lease to be valid:
// nothing, if it was over before anyone looked. Where the library does not tell
// until when it is valid, that is the time in which the process ran: nothing can
// tell a process that stands still.
func leases(t traffic.Tenure, timeless bool, stops []span) []Lease {
	hold := check.Hold{Worker: t.Client, Token: t.Token, Shared: t.Shared, Begin: t.Begin, End: t.End, Ended: t.How != ""}
	var all []Lease
	add := func(from, to clock.Instant) {
		if part := hold; from < to {
			part.Begin, part.End = from, to
			for _, lock := range locksOf(t) {
				all = append(all, Lease{part, lock})
			}
		}
	}
	from := t.Begin
	if timeless {
		for _, stop := range stops { // in order
			if stop.from < t.End && stop.to > from {
				add(from, stop.from)
				from = max(from, stop.to)
			}
		}
	}
	add(from, t.End)
	return all
}

// during names the faults of nodes around an overlap, and of clients.
func during(o *Outcome, overlap check.Overlap, ttl time.Duration) []string {
	return happened(o, overlap.Second.Begin.Add(-ttl), min(overlap.First.End, overlap.Second.End))
}

// happened names the faults of nodes and of clients of a time.
func happened(o *Outcome, from, to clock.Instant) []string {
	who := make(map[string][]string)
	add := func(begin, end clock.Instant, kind string, index int, what string) {
		if begin < to && end >= from {
			what = kind + " %s " + what
			who[what] = append(who[what], fmt.Sprint(index))
		}
	}
	for _, f := range o.Faults {
		add(f.From, f.To, "node", f.Node, f.What)
	}
	for _, h := range o.Harm {
		add(h.From, h.To, "client", h.Client, h.What)
	}
	var whats []string
	for _, what := range slices.Sorted(maps.Keys(who)) {
		slices.Sort(who[what])
		indexes := slices.Compact(who[what])
		if len(indexes) > 1 {
			what = strings.Replace(what, " ", "s ", 1)
		}
		whats = append(whats, fmt.Sprintf(what, strings.Join(indexes, ", ")))
	}
	return whats
}

// doubtful reports whether the overlap may come from a loss of memory that was more
// than a minority's: every lease that was lost with it is over a TTL later.
func doubtful(o *Outcome, overlap check.Overlap, ttl time.Duration) bool {
	return slices.ContainsFunc(o.Lapses, func(l fault.Lapse) bool {
		return l.From <= overlap.Second.Begin && overlap.Second.Begin <= l.To.Add(ttl)
	})
}

// excuses are the times in which nodes were in trouble.
func excuses(faults []fault.Span) []check.Excuse {
	var all []check.Excuse
	for _, f := range faults {
		all = append(all, check.Excuse{Node: f.Node, From: f.From, To: f.Until})
	}
	return all
}

// stories reads the journals of a contestant's clients.
func (c *crew) stories(contestant string) ([]traffic.Story, error) {
	paths, err := c.journals(contestant)
	if err != nil {
		return nil, err
	}
	var all []traffic.Story
	for _, path := range paths {
		story, err := traffic.ReadJournal(path, strings.TrimSuffix(filepath.Base(path), ".journal"))
		if err != nil {
			return nil, err
		}
		all = append(all, story)
	}
	return all, nil
}
