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
	lock := locksOf(c.Name)[0]
	key := c.Keys(lock)[0]
	tests := []struct {
		name   string
		spoil  func(s []traffic.Story, seen *[]check.Sighting)
		want   string // in section A, "" for nothing
		always bool   // in the others too
	}{
		{"nothing", func([]traffic.Story, *[]check.Sighting) {}, "", false},
		{"overlap", func(s []traffic.Story, _ *[]check.Sighting) { s[0].Tenures[1].End += 200 }, "overlap of 100ns", false},
		{"over before it began", func(s []traffic.Story, _ *[]check.Sighting) {
			s[0].Tenures[1].End, s[0].Tenures[1].Begin = 13_500, 13_500
		}, "", false},
		{"token order", func(s []traffic.Story, _ *[]check.Sighting) { s[0].Tenures[1].Token = 101 }, "token order", false},
		{"orphan", func(_ []traffic.Story, seen *[]check.Sighting) {
			*seen = append(*seen, check.Sighting{Key: key, Owner: "a", First: 12_100, Last: 12_950 + ttl + clock.Instant(margin) + 1})
		}, "orphan", false},
		{"key that the node's trouble excuses", func(_ []traffic.Story, seen *[]check.Sighting) {
			*seen = append(*seen, check.Sighting{Node: 3, Key: key, Owner: "a", First: 12_100, Last: 12_950 + ttl + clock.Instant(margin) + 1})
		}, "", false},
		{"stale write done", func(s []traffic.Story, _ *[]check.Sighting) {
			s[0].Touches = append(s[0].Touches, traffic.Touch{Client: "a", Lock: lock, Op: traffic.WriteGuarded, Token: 100, Asked: 30_000, Answered: 30_001, Count: 77, Value: "x"})
		}, "register: no order explains", true},
		{"guarded increment lost", func(s []traffic.Story, _ *[]check.Sighting) {
			// Both read the same, under one token.
			s[1].Touches[3].Value, s[1].Touches[5].Value = "ii", "iij"
		}, "increments of the guarded counter were lost", true},
		{"context late", func(s []traffic.Story, _ *[]check.Sighting) { s[1].Overstayed = []clock.Instant{12_000} }, "not done after its lease's deadline", true},
		{"nothing done", func(s []traffic.Story, _ *[]check.Sighting) { s[0], s[1] = traffic.Story{}, traffic.Story{} }, "nothing was tested", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, within := range []bool{true, false} {
				stories := good(lock)
				var seen []check.Sighting
				test.spoil(stories, &seen)
				o := Outcome{
					Section: Section{Title: "A. Made up", Within: within},
					Faults:  []fault.Span{{Node: 3, What: "frozen", From: 12_000, To: 14_000, Until: 15_000}},
				}
				o.Scores = []Score{score(c, stories, nil, &o, ttl, seen)}
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

// TestPeersAreNotJudged: what they do is told and no violation.
func TestPeersAreNotJudged(t *testing.T) {
	c, _ := traffic.ContestantNamed("redsync")
	stories := good(locksOf(c.Name)[0])
	stories[0].Tenures[1].End += 200
	o := Outcome{Section: Section{Title: "A. Made up", Within: true}}
	o.Scores = []Score{score(c, stories, nil, &o, ttl, nil)}
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
