package chaos

import (
	"strings"
	"testing"
	"time"

	"github.com/redlock-go/redlock/rig/check"
	"github.com/redlock-go/redlock/rig/clock"
	"github.com/redlock-go/redlock/rig/fault"
	"github.com/redlock-go/redlock/rig/traffic"
)

// TestWaits: what counts of a wait, and what I7 allows. One client has the lock from 10 s
// to 20 s and gives it back, another waits from 11 s on, and gets it, later or less so.
func TestWaits(t *testing.T) {
	c := ours(t)
	lock := c.Locks()[0]
	key := c.Keys(lock)[0]
	at := func(seconds float64) clock.Instant { return clock.Instant(seconds * 1e9) }
	nodesIn := func(what string, from, to float64, nodes ...int) (all []fault.Span) {
		for _, n := range nodes {
			all = append(all, fault.Span{Node: n, What: what, From: at(from), To: at(to), Until: at(to)})
		}
		return all
	}
	const ttl = time.Second // the bound is TTL, and a second for the machine
	tests := []struct {
		name  string
		got   float64
		fails bool
		spoil func(e *evidence, o *Outcome)
		late  float64
		found string // "" for nothing
	}{
		{name: "at once", got: 20.004, late: 0.002},
		{name: "as late as a lost push may make it", got: 21.9, late: 1.898},
		{name: "too late", got: 22.1, late: 2.098, found: "beyond its turn"},
		{name: "in vain", got: 22.1, fails: true, late: 2.098, found: "beyond its turn"},
		{name: "the head of the queue was frozen", got: 22.4, late: 2.398, spoil: func(_ *evidence, o *Outcome) {
			o.Harm = []ClientSpan{{What: "frozen", From: at(15), To: at(24)}}
		}},
		{name: "the head of the queue was frozen, but that is over", got: 22.4, late: 2.398, found: "beyond its turn", spoil: func(_ *evidence, o *Outcome) {
			o.Harm = []ClientSpan{{What: "frozen", From: at(5), To: at(10.4)}}
		}},
		{name: "too late, while it stood still itself", got: 25, late: 1.998, spoil: func(e *evidence, _ *Outcome) {
			e.stops = map[string][]span{"b": {{at(21), at(24)}}}
		}},
		{name: "too late, while another had it", got: 25, late: 1.498, spoil: func(e *evidence, _ *Outcome) {
			e.stories = append(e.stories, traffic.Story{Client: "c", Tenures: []traffic.Tenure{{
				Client: "c", Lock: lock, Asked: at(10), Begin: at(20.5), End: at(23.9), Done: at(24), How: traffic.ByRelease, Released: true,
			}}})
		}},
		{name: "too late, while another had another lock", got: 25, late: 4.998, found: "wedge", spoil: func(e *evidence, _ *Outcome) {
			e.stories = append(e.stories, traffic.Story{Client: "c", Tenures: []traffic.Tenure{{
				Client: "c", Lock: c.Locks()[1], Asked: at(10), Begin: at(20.5), End: at(23.9), Done: at(24), How: traffic.ByRelease, Released: true,
			}}})
		}},
		{name: "too late, while a majority was not well", got: 25, late: 1.998, spoil: func(_ *evidence, o *Outcome) {
			o.Faults = nodesIn("frozen", 21, 24, 0, 2, 3)
		}},
		{name: "too late, while a minority was not well", got: 25, late: 4.998, found: "wedge", spoil: func(_ *evidence, o *Outcome) {
			o.Faults = nodesIn("frozen", 21, 24, 0, 2)
		}},
		{name: "too late, while a minority was not well and another node had the key of a client that was killed", got: 25, late: 1.998, spoil: func(e *evidence, o *Outcome) {
			o.Faults = nodesIn("frozen", 21, 24, 0, 2)
			e.deaths = map[string]clock.Instant{"c": at(20)}
			e.seen = []check.Sighting{{Node: 1, Key: key, Owner: "c", First: at(19), Last: at(24)}}
		}},
		{name: "too late, while a minority was not well and another node had the key of a client that lives", got: 25, late: 4.998, found: "wedge", spoil: func(e *evidence, o *Outcome) {
			o.Faults = nodesIn("frozen", 21, 24, 0, 2)
			e.seen = []check.Sighting{{Node: 1, Key: key, Owner: "c", First: at(19), Last: at(24)}}
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := evidence{stories: []traffic.Story{
				{Client: "a", Tenures: []traffic.Tenure{{Client: "a", Lock: lock, Asked: at(9), Begin: at(10), End: at(20), Done: at(20.002), How: traffic.ByRelease, Released: true}}},
				{Client: "b", Waits: []traffic.Wait{{Client: "b", Lock: lock, From: at(11), To: at(test.got), Got: !test.fails}}},
			}}
			if !test.fails {
				e.stories[1].Tenures = []traffic.Tenure{{Client: "b", Lock: lock, Asked: at(11), Begin: at(test.got), End: at(test.got + 1), Done: at(test.got + 1), How: traffic.ByRelease, Released: true}}
			}
			o := Outcome{Section: Section{Title: "A. Made up", Within: true}}
			if test.spoil != nil {
				test.spoil(&e, &o)
			}
			s := score(c, e, &o, ttl)
			w := s.Waiting
			if got := w.Late.Seconds(); got < test.late-1e-6 || got > test.late+1e-6 {
				t.Errorf("it came %v too late, want %v", w.Late, test.late)
			}
			if w.Failed != test.fails || w.Calls != 1 {
				t.Errorf("%+v", w)
			}
			found := strings.Join(w.Findings, "\n")
			if (test.found == "") != (found == "") || !strings.Contains(found, test.found) {
				t.Errorf("found %q, want %q", found, test.found)
			}
			for _, within := range []bool{true, false} {
				violations := strings.Join(s.violations(within, nil, ttl), "\n")
				if told := strings.Contains(violations, "I7 allows"); told != (within && test.found != "") {
					t.Errorf("within the assumptions: %v: violations %q", within, violations)
				}
			}
			if test.name == "at once" && (len(w.HandOvers) != 1 || w.HandOver(0.5) != 4*time.Millisecond) {
				t.Errorf("hand-overs %v", w.HandOvers)
			}
		})
	}
}
