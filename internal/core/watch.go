package core

import (
	"slices"
	"time"
)

// Sight is what a reading found on one node.
type Sight struct {
	Answered  bool
	Holder    string        // the value of the key, "" if nobody has it
	Remaining time.Duration // of the key, 0 if it does not say
	Elected   string        // the value of who was elected last, as far as the node knows
	Term      uint64        // and its token
}

// Lead is who leads: its value, its token, and until when at most if it does not renew.
// Without a term nobody does.
type Lead struct {
	Value     string
	Term      uint64
	Remaining time.Duration
}

// Finding is what the sights of all nodes come to.
type Finding uint8

// The findings. Silent: too few nodes answered. Undecided: those that did not may tip
// the scales. Vacant: no majority has anybody's key, whatever the silent ones say. Unnamed: one
// has the key of somebody who has not said that it was elected, be it not yet. Led: one has
// the key of who was elected last.
const (
	Silent Finding = iota + 1
	Undecided
	Vacant
	Unnamed
	Led
)

// Judge says what sights come to. Who leads is whom a majority has the key of, and
// never what fewer say: an old leader's key may be on those for as long as its TTL (E3).
// Its term is what any node knows of it: no other has written that.
func Judge(sights []Sight, need int) (Finding, Lead) {
	answered, most := 0, 0
	var holder string
	var newest Lead
	for i := range sights {
		s := &sights[i]
		if !s.Answered {
			continue
		}
		answered++
		if s.Term > newest.Term {
			newest = Lead{Value: s.Elected, Term: s.Term}
		}
		if s.Holder == "" {
			continue
		}
		n := 0
		for j := range sights {
			if sights[j].Answered && sights[j].Holder == s.Holder {
				n++
			}
		}
		if n > most {
			most, holder = n, s.Holder
		}
	}
	silent := len(sights) - answered
	switch {
	case answered < need:
		return Silent, Lead{}
	case most < need && most+silent >= need:
		return Undecided, Lead{}
	case most < need:
		return Vacant, Lead{}
	}
	lead := Lead{Value: holder, Remaining: lasts(sights, holder, need)}
	if newest.Value != holder {
		return Unnamed, lead
	}
	lead.Term = newest.Term
	return Led, lead
}

// lasts is for how long a majority keeps the holder's key if it is not renewed, 0 if that
// is not known.
func lasts(sights []Sight, holder string, need int) time.Duration {
	rest := make([]time.Duration, 0, len(sights))
	for i := range sights {
		if s := &sights[i]; s.Answered && s.Holder == holder {
			rest = append(rest, s.Remaining)
		}
	}
	slices.Sort(rest)
	return rest[len(rest)-need]
}

// Watch decides what one who watches an election reports, and when it looks again. Nobody
// polls: it looks when a node pushes that something has changed, and else once in a
// TTL, when the leader's key would be gone from a majority if it were not renewed. A push
// is a hint, and truth is what a reading finds on a majority (E3).
type Watch struct {
	need  int
	rules *WatchRules

	next  Time // when to look; what happens while it looks counts for the next time
	vague int  // readings in a row that came to no decision

	told    bool // lead was reported, or that nobody leads
	lead    Lead
	blind   bool   // the last report was that nothing is known
	highest uint64 // the highest term that was reported (E2)
}

// WatchRules are what all who watch have in common.
type WatchRules struct {
	// Most is the longest time between two readings: pushes may have been lost.
	Most time.Duration
	// Grace is the first pause after a reading that came to no decision: somebody is just
	// being elected, most often. It is doubled each time, up to MostGrace.
	Grace, MostGrace time.Duration
}

const (
	mostVague   = 5  // readings in a row that come to no decision, before that is reported
	mostDoubled = 10 // how often the pause after them is doubled
)

// News is what a reading changes for who is told.
type News uint8

// The news. Changed: somebody else leads now, or nobody, or it is known again. Dark: who
// leads is not known, as too few nodes answer.
const (
	Nothing News = iota
	Changed
	Dark
)

// NewWatch returns a watch that has seen nothing, and wants to look at once.
func NewWatch(now Time, need int, rules *WatchRules) Watch {
	return Watch{need: need, rules: rules, next: now}
}

// Alarm is when to look, if nothing else happens before.
func (w *Watch) Alarm() Time { return w.next }

// Lead is who leads, by the last report.
func (w *Watch) Lead() Lead { return w.lead }

// Look takes note that a reading begins.
func (w *Watch) Look() { w.next = Never }

// Pushed takes note that a node says that the one with the term was elected, or leads no more.
// What is known already is no news: the other nodes push it too.
func (w *Watch) Pushed(now Time, term uint64, elected bool) {
	if w.told && !w.blind && (term < w.highest || term == w.highest && elected == (w.lead.Term != 0)) {
		return
	}
	w.wake(now)
}

// Rejoin takes note that pushes of a node may have been lost. Those of the others come
// within a moment, as a rule: one reading is for all of them.
func (w *Watch) Rejoin(now Time) { w.wake(now + w.rules.Grace) }

// Seen takes what a reading found, and a random number between 0 and 1, and says what
// is to be told. Afterwards Alarm is when to look again.
func (w *Watch) Seen(now Time, sights []Sight, random float64) News {
	finding, lead := Judge(sights, w.need)
	if finding == Led && lead.Term < w.highest {
		finding = Unnamed // an old leader's key rose again: it leads no more (E2)
	}
	if finding == Led || finding == Vacant {
		w.vague = 0
		w.plan(now, lead.Remaining, random)
		return w.report(lead)
	}
	pause := min(w.rules.Grace<<w.vague, w.rules.MostGrace)
	w.vague = min(w.vague+1, mostDoubled)
	if w.vague >= mostVague && finding == Unnamed { // not by an election, or it died before it could say so
		w.plan(now, lead.Remaining, random)
		return w.report(Lead{})
	}
	w.wake(now + time.Duration((0.5+random)*float64(pause)))
	if w.vague < mostVague || w.blind {
		return Nothing
	}
	w.blind = true
	return Dark
}

// report is what is told of a decision.
func (w *Watch) report(lead Lead) News {
	known := w.told && !w.blind && w.lead.Term == lead.Term
	w.told, w.blind, w.lead = true, false, lead
	w.highest = max(w.highest, lead.Term)
	if known {
		return Nothing
	}
	return Changed
}

// plan has it look when the holder's time is over on a majority, or much later. Not all
// who watch do so at once.
func (w *Watch) plan(now Time, remaining time.Duration, random float64) {
	at := now + w.rules.Most - time.Duration(random*float64(w.rules.Most/4))
	if remaining > 0 {
		at = min(at, now+remaining+time.Millisecond+time.Duration(random*float64(w.rules.Grace)))
	}
	w.wake(at)
}

// wake has it look then, or before.
func (w *Watch) wake(at Time) { w.next = min(w.next, at) }
