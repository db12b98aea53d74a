package chaos

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redlock-go/redlock/rig/check"
	"github.com/redlock-go/redlock/rig/clock"
	"github.com/redlock-go/redlock/rig/fault"
	"github.com/redlock-go/redlock/rig/traffic"
)

const ttl = 1000 // ns, in the made-up histories

func ours(t *testing.T) traffic.Contestant {
	t.Helper()
	c, found := traffic.ContestantNamed("redlock-goredis")
	if !found || !c.Ours {
		t.Fatal("there is no such contestant")
	}
	return c
}

// good is what two clients of a lock may have written down: ten leases in turn, and
// under each an increment of the guarded counter.
func good(lock string) []traffic.Story {
	stories := []traffic.Story{{Client: "a"}, {Client: "b"}}
	for i := range clock.Instant(10) {
		s, at := &stories[i%2], 10_000+1000*i
		token := uint64(100 + i)
		s.Tenures = append(s.Tenures, traffic.Tenure{
			Client: s.Client, Lock: lock, Token: token, Want: at - 500, Asked: at - 500, Begin: at, End: at + 900, Done: at + 950, How: traffic.ByRelease,
		})
		value := func(n clock.Instant) string {
			if n == 0 {
				return ""
			}
			return strings.Repeat("i", int(n))
		}
		s.Touches = append(
			s.Touches,
			traffic.Touch{Client: s.Client, Lock: lock, Op: traffic.ReadGuarded, Token: token, Asked: at + 10, Answered: at + 20, Count: int64(i), Value: value(i)},
			traffic.Touch{Client: s.Client, Lock: lock, Op: traffic.WritePlain, Asked: at + 700, Answered: at + 710, Count: int64(i + 1), Value: value(i + 1)},
			traffic.Touch{Client: s.Client, Lock: lock, Op: traffic.WriteGuarded, Token: token, Asked: at + 800, Answered: at + 810, Count: int64(i + 1), Value: value(i + 1)},
		)
	}
	return stories
}

// TestViolations spoils a good history in each way that a run is there to find, and
// sees it objected to; and not, where the assumptions do not hold, but for the
// guarded register.
func TestViolations(t *testing.T) {
	c := ours(t)
	lock := c.Locks()[0]
	key := c.Keys(lock)[0]
	type world struct {
		stories []traffic.Story
		evidence
		lapses []fault.Lapse
		score  func(*Score)
	}
	late := func(node int) check.Sighting {
		return check.Sighting{Node: node, Key: key, Owner: "a", First: 12_100, Last: 12_950 + ttl + clock.Instant(Margin) + 1}
	}
	overlap := func(w *world) { w.stories[0].Tenures[1].End += 200 } // from 13,000 on
	tests := []struct {
		name   string
		spoil  func(w *world)
		want   string // in section A, "" for nothing
		always bool   // in the others too
	}{
		{"nothing", func(*world) {}, "", false},
		{"overlap", overlap, "overlap of 100ns", false},
		{"overlap, and a node may have forgotten more than others knew", func(w *world) {
			overlap(w)
			w.lapses = []fault.Lapse{{From: 11_000, To: 13_000 - ttl}}
		}, "", false},
		{"overlap, and that was too long before", func(w *world) {
			overlap(w)
			w.lapses = []fault.Lapse{{From: 11_000, To: 13_000 - ttl - 1}}
		}, "overlap of 100ns", false},
		{"overlap, and that was later", func(w *world) {
			overlap(w)
			w.lapses = []fault.Lapse{{From: 13_001, To: 13_002}}
		}, "overlap of 100ns", false},
		{"over before it began", func(w *world) {
			w.stories[0].Tenures[1].End, w.stories[0].Tenures[1].Begin = 13_500, 13_500
		}, "", false},
		{"token order", func(w *world) { w.stories[0].Tenures[1].Token = 101 }, "token order", false},
		{"orphan", func(w *world) { w.seen = []check.Sighting{late(0)} }, "orphan", false},
		{"key that the node's trouble excuses", func(w *world) { w.seen = []check.Sighting{late(3)} }, "", false},
		{"key on a node that was slow", func(w *world) {
			w.seen, w.silent = []check.Sighting{late(0)}, []check.Excuse{{Node: 0, From: 12_200, To: 12_951}}
		}, "", false},
		{"key on a node while another was slow", func(w *world) {
			w.seen, w.silent = []check.Sighting{late(0)}, []check.Excuse{{Node: 1, From: 12_200, To: 12_951}}
		}, "orphan", false},
		{"key of a client that was killed later", func(w *world) {
			w.seen, w.deaths = []check.Sighting{late(0)}, map[string]clock.Instant{"a": 12_951}
			w.stories[0].Tenures = w.stories[0].Tenures[:2]
		}, "", false},
		{"key of a client that was killed later, and had released it", func(w *world) {
			w.seen, w.deaths = []check.Sighting{late(0)}, map[string]clock.Instant{"a": 12_951}
			w.stories[0].Tenures = w.stories[0].Tenures[:2]
			w.stories[0].Tenures[1].Released = true
		}, "orphan", false},
		{"key that is never gone", func(w *world) { w.score = func(s *Score) { s.Left = []string{key} } }, "is still there", false},
		{"client that does not end", func(w *world) { w.score = func(s *Score) { s.Hung = 1 } }, "1 clients had not ended", true},
		{"stale write done", func(w *world) {
			w.stories[0].Touches = append(w.stories[0].Touches, traffic.Touch{Client: "a", Lock: lock, Op: traffic.WriteGuarded, Token: 100, Asked: 30_000, Answered: 30_001, Count: 77, Value: "x"})
		}, "register: no order explains", true},
		{"guarded increment lost", func(w *world) {
			// Both read the same, under one token.
			w.stories[1].Touches[3].Value, w.stories[1].Touches[5].Value = "ii", "iij"
		}, "increments of the guarded counter were lost", true},
		{"context late", func(w *world) { w.stories[1].Overstayed = []clock.Instant{12_000} }, "not done after its lease's deadline", true},
		{"nothing done", func(w *world) { w.stories[0], w.stories[1] = traffic.Story{}, traffic.Story{} }, "nothing was tested", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, within := range []bool{true, false} {
				w := world{stories: good(lock), score: func(*Score) {}}
				test.spoil(&w)
				w.evidence.stories = w.stories
				o := Outcome{
					Section: Section{Title: "A. Made up", Within: within},
					Faults:  []fault.Span{{Node: 3, What: "frozen", From: 12_000, To: 14_000, Until: 15_000}},
					Lapses:  w.lapses,
				}
				o.Scores = []Score{score(c, w.evidence, &o, ttl)}
				w.score(&o.Scores[0])
				r := Result{Terms: Terms{TTL: ttl}, Contestants: []traffic.Contestant{c}, Sections: []Outcome{o}}
				found := strings.Join(r.Violations(), "\n")
				switch wanted := test.want != "" && (within || test.always); {
				case wanted && !strings.Contains(found, test.want):
					t.Errorf("within the assumptions: %v: found %q, want %q", within, found, test.want)
				case !wanted && found != "":
					t.Errorf("within the assumptions: %v: found %q", within, found)
				}
			}
		})
	}
}

// TestKinds: each slot is a lock, readers exclude only writers, and a set is a lease of each of its locks.
func TestKinds(t *testing.T) {
	c, found := traffic.ContestantNamed("redlock-kinds")
	if !found {
		t.Fatal("there is no such contestant")
	}
	locks := c.Locks()
	shared, slots, pair, calm := locks[0], locks[1], locks[2], locks[3]
	tenure := func(client, lock string, token uint64, begin, end clock.Instant) traffic.Tenure {
		return traffic.Tenure{Client: client, Lock: lock, Token: token, Asked: begin - 10, Begin: begin, End: end, Done: end + 10, How: traffic.ByRelease, Released: true}
	}
	reads := func(t traffic.Tenure) traffic.Tenure { t.Shared = true; return t }
	with := func(t traffic.Tenure, also string) traffic.Tenure { t.Also = []string{also}; return t }
	good := []traffic.Tenure{
		tenure("a", shared, 5, 1000, 1100), reads(tenure("b", shared, 6, 1200, 1400)), reads(tenure("c", shared, 7, 1250, 1500)),
		tenure("d", slots+"#0", 5, 1000, 1500), tenure("e", slots+"#2", 5, 1100, 1600),
		with(tenure("f", pair, 8, 1000, 1200), calm), tenure("g", calm, 9, 1300, 1400),
	}
	for name, test := range map[string]struct {
		more []traffic.Tenure
		want string
	}{
		"good":                         {nil, ""},
		"a slot twice":                 {[]traffic.Tenure{tenure("h", slots+"#2", 6, 1500, 1700)}, slots + "#2: overlap of 100ns"},
		"a token of a slot that fell":  {[]traffic.Tenure{tenure("h", slots+"#2", 4, 1700, 1800)}, "token order"},
		"a writer among readers":       {[]traffic.Tenure{tenure("h", shared, 9, 1450, 1600)}, shared + ": overlap of 50ns"},
		"one of a set, beside the set": {[]traffic.Tenure{tenure("h", calm, 9, 1150, 1180)}, calm + ": overlap of 30ns"},
	} {
		o := Outcome{Section: Section{Title: "A.", Within: true}}
		s := score(c, evidence{stories: []traffic.Story{{Client: "a", Tenures: slices.Concat(good, test.more)}}}, &o, ttl)
		got := strings.Join(s.violations(true, locks, ttl), "\n")
		if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
	o := Outcome{Section: Section{Title: "A.", Within: true}}
	s := score(c, evidence{stories: []traffic.Story{{Client: "a", Tenures: good[:5]}}}, &o, ttl)
	if got := strings.Join(s.violations(true, locks, ttl), "\n"); !strings.Contains(got, pair+" was not taken once") {
		t.Errorf("without a set: %q", got)
	}
}

// TestPeersAreNotJudged: what they do is told and no violation.
func TestPeersAreNotJudged(t *testing.T) {
	c, _ := traffic.ContestantNamed("redsync")
	stories := good(c.Locks()[0])
	stories[0].Tenures[1].End += 200
	o := Outcome{Section: Section{Title: "A. Made up", Within: true}}
	o.Scores = []Score{score(c, evidence{stories: stories}, &o, ttl)}
	r := Result{Terms: Terms{TTL: ttl}, Contestants: []traffic.Contestant{c}, Sections: []Outcome{o}}
	if s := o.Scores[0]; len(s.Overlaps) != 1 || s.Longest() != 100*time.Nanosecond || len(r.Violations()) != 0 {
		t.Fatalf("%d overlaps, longest %v, violations %q", len(s.Overlaps), s.Longest(), r.Violations())
	}
}

// TestTimelessLeaseDoesNotCountWhileItsHolderStandsStill: nobody can tell a stopped
// process that its lease is over.
func TestTimelessLeaseDoesNotCountWhileItsHolderStandsStill(t *testing.T) {
	tenure := traffic.Tenure{Client: "a", Lock: "l", Begin: 100, End: 900}
	stops := []span{{from: 0, to: 50}, {from: 300, to: 400}, {from: 500, to: 700}, {from: 950, to: 990}}
	var got []clock.Instant
	for _, l := range leases(tenure, true, stops) {
		got = append(got, l.Begin, l.End)
	}
	want := []clock.Instant{100, 300, 400, 500, 700, 900}
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
	if whole := leases(tenure, false, stops); len(whole) != 1 || whole[0].Begin != 100 || whole[0].End != 900 {
		t.Errorf("of a library that tells the deadline: %v", whole)
	}
}

// TestDuringGroupsFaults by what they are.
func TestDuringGroupsFaults(t *testing.T) {
	o := Outcome{
		Faults: []fault.Span{
			{Node: 4, What: "flushed", From: 500, To: 500},
			{Node: 1, What: "flushed", From: 510, To: 510},
			{Node: 2, What: "frozen", From: 100, To: 200}, // before
		},
		Harm: []ClientSpan{{Client: 0, What: "frozen", From: 600, To: 900}},
	}
	overlap := check.Overlap{First: check.Hold{Begin: 400, End: 1500}, Second: check.Hold{Begin: 1300, End: 1400}}
	if got := strings.Join(during(&o, overlap, ttl), "; "); got != "client 0 frozen; nodes 1, 4 flushed" {
		t.Fatal(got)
	}
}
