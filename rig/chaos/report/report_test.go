package report

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redlock-go/redlock/rig/chaos"
	"github.com/redlock-go/redlock/rig/check"
	"github.com/redlock-go/redlock/rig/clock"
	"github.com/redlock-go/redlock/rig/fault"
	"github.com/redlock-go/redlock/rig/traffic"
)

var update = flag.Bool("update", false, "write the files in testdata anew")

// at is an instant in seconds after a made-up boot.
func at(seconds float64) clock.Instant { return clock.Instant((1000 + seconds) * 1e9) }

// made is a result with one of everything: a clean section, and one in which our
// library and another had two leases at once.
func made(t *testing.T) chaos.Result {
	t.Helper()
	var contestants []traffic.Contestant
	for _, name := range []string{"redlock-goredis", "redsync", "redlock-kinds"} {
		c, found := traffic.ContestantNamed(name)
		if !found {
			t.Fatal("there is no " + name)
		}
		contestants = append(contestants, c)
	}
	lease := func(client, lock string, token uint64, from, to float64) chaos.Lease {
		return chaos.Lease{Hold: check.Hold{Worker: client, Token: token, Begin: at(from), End: at(to), Ended: true}, Lock: lock}
	}
	both := func(lock string, a, b chaos.Lease, during ...string) chaos.Overlap {
		return chaos.Overlap{Overlap: check.Overlap{First: a.Hold, Second: b.Hold}, Lock: lock, During: during}
	}
	taken := map[string]int{"redlock-kinds/shared": 2, "redlock-kinds/slots": 1, "redlock-kinds/pair": 1, "redlock-kinds/calm": 2}
	reader := lease("A-a", "redlock-kinds/shared", 1, 2, 3)
	reader.Shared = true
	ours, theirs := "redlock-goredis/busy", "redsync/busy"
	a, b := lease("B-a", ours, 7, 22, 23.2), lease("B-b", ours, 8, 22.8, 24)
	c, d := lease("A-c", theirs, 0, 8, 9), lease("A-d", theirs, 0, 8.75, 9.5)
	return chaos.Result{
		Terms:       chaos.Terms{Seed: 42, For: 30 * time.Second, TTL: time.Second, Clients: 2, Clocks: true},
		Contestants: contestants,
		Lacking:     []string{"disks: not on this system"},
		Sections: []chaos.Outcome{
			{
				Section: chaos.Section{Title: "A. Within the assumptions", Within: true, For: 20 * time.Second},
				From:    at(0), To: at(20),
				Faults: []fault.Span{
					{Node: 0, What: "killed and restarted without data", From: at(1), To: at(2), Until: at(3.3)},
					{Node: 3, What: "partitioned", From: at(4), To: at(6.5), Until: at(7.8)},
					{Node: 2, What: "clock +1.5s", From: at(8.2), To: at(9), Until: at(11)},
					{Node: 4, What: "flushed", From: at(12), To: at(12), Until: at(13.3)},
					{Node: 1, What: "frozen", From: at(14), To: at(16), Until: at(17.3)},
				},
				Harm: []chaos.ClientSpan{
					{Client: 0, What: "frozen", From: at(5), To: at(7)},
					{Client: 1, What: "killed", From: at(10), To: at(10)},
				},
				Scores: []chaos.Score{
					{
						Acquired: 3, Touches: 12, PlainWrites: 3, PlainLost: 1, GuardedWrites: 2, Refused: 1,
						Wait: 2340 * time.Millisecond, Gone: 4 * time.Millisecond,
						Waiting: chaos.Waiting{
							Calls: 5, Late: 1300 * time.Millisecond, Bound: 2500 * time.Millisecond, At: at(7.5), During: []string{"client 0 frozen"},
							Wedge: 800 * time.Millisecond, WedgeBound: 2 * time.Second, WedgeAt: at(7.4),
							HandOvers: []time.Duration{time.Millisecond, 3 * time.Millisecond, 500 * time.Millisecond},
						},
						Errors: map[string]int{"acquire: no quorum": 2, "release: lost": 1},
						Leases: []chaos.Lease{lease("A-a", ours, 1, 0.5, 1.4), lease("A-b", ours, 2, 5.1, 5.2), lease("A-a", "redlock-goredis/calm", 1, 14.5, 16)},
					},
					{
						Acquired: 2, PlainWrites: 2, PlainLost: 1, Wait: 7 * time.Second, Gone: time.Second,
						Waiting: chaos.Waiting{Calls: 3, Late: 4 * time.Second, Bound: 2 * time.Second, Wedge: time.Second, HandOvers: []time.Duration{90 * time.Millisecond}},
						Leases:  []chaos.Lease{c, d}, Overlaps: []chaos.Overlap{both(theirs, c, d, "node 2 clock +1.5s")},
						Orphans: []check.Orphan{{Sighting: check.Sighting{Key: theirs, Node: 1}, Over: 300 * time.Millisecond}},
						Errors:  map[string]int{"release: expired": 1},
					},
					{
						Acquired: 5, Touches: 9, PlainWrites: 3, GuardedWrites: 3, Wait: time.Second,
						Taken:  taken,
						Leases: []chaos.Lease{lease("A-a", "redlock-kinds/slots#1", 1, 2, 3), reader, lease("A-b", "redlock-kinds/shared", 3, 4, 5)},
					},
				},
			},
			{
				Section: chaos.Section{Title: "B. A majority loses its memory, and nothing tells", For: 10 * time.Second},
				From:    at(20.5), To: at(31),
				Faults: []fault.Span{
					{Node: 0, What: "flushed", From: at(22.7), To: at(22.7), Until: at(24)},
					{Node: 1, What: "flushed", From: at(22.7), To: at(22.7), Until: at(24)},
					{Node: 2, What: "flushed", From: at(22.7), To: at(22.7), Until: at(24)},
				},
				Scores: []chaos.Score{
					{
						Acquired: 2, Touches: 4, PlainWrites: 2, GuardedWrites: 2, Wait: time.Second,
						Waiting: chaos.Waiting{Calls: 2, Late: time.Millisecond, Bound: time.Second, Failed: true, At: at(23)},
						Leases:  []chaos.Lease{a, b}, Overlaps: []chaos.Overlap{both(ours, a, b, "nodes 0, 1, 2 flushed")},
					},
					{Left: []string{theirs}, Undecided: errors.New("too long")},
					{Acquired: 5, Taken: taken},
				},
			},
		},
	}
}

func about() About {
	return About{
		When: "2026-01-02", Machine: "linux/amd64, 2 CPUs", Server: "redis-server 7.0.15", Timeline: "chaos.svg",
		Versions: map[string]string{"github.com/redis/go-redis/v9": "v9.0.0", "github.com/go-redsync/redsync/v4": "v4.0.0"},
	}
}

// TestGolden compares the reports on a made-up run with those in testdata, which
// people have read. -update writes them anew.
func TestGolden(t *testing.T) {
	r := made(t)
	short := &strings.Builder{}
	if err := Summary(short, r); err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]string{
		"chaos.md": Markdown(r, about()), "chaos.svg": Timeline(r), "summary.txt": short.String(),
	} {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s is not what it was (go test -update, if that is right):\n%s", name, got)
		}
	}
}

// TestViolationsComeFirst: nobody should have to look for them.
func TestViolationsComeFirst(t *testing.T) {
	r := made(t)
	r.Sections[1].Within = true
	text := Markdown(r, about())
	head, _, _ := strings.Cut(text, "##")
	if !strings.Contains(head, "1 violations") || !strings.Contains(head, "section B, redlock-goredis: redlock-goredis/busy: overlap of 400ms") {
		t.Errorf("the head of the report: %s", head)
	}
	short := &strings.Builder{}
	if err := Summary(short, r); err != nil || !strings.Contains(short.String(), "VIOLATION: section B") {
		t.Errorf("%v, %s", err, short)
	}
}

// TestTimelineIsWellFormed, of a run that shows nothing as well.
func TestTimelineIsWellFormed(t *testing.T) {
	for name, r := range map[string]chaos.Result{"one of everything": made(t), "nothing": {}} {
		in := xml.NewDecoder(strings.NewReader(Timeline(r)))
		for {
			_, err := in.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
}

// TestTimelineDrawsEachLeaseAndOverlap: one piece of path a lease, one more where it
// goes on in the next row.
func TestTimelineDrawsEachLeaseAndOverlap(t *testing.T) {
	r := made(t)
	picture := Timeline(r)
	if n := strings.Count(picture, `class="bad" x`) - 1; n != 2 { // one is the legend's
		t.Errorf("%d overlaps are drawn", n)
	}
	for class, want := range map[string][]int{"ours": {3, 2, 2}, "read": {1}, "peer": {2}} { // of each contestant and section
		var got []int
		for _, path := range strings.Split(picture, `class="`+class+`" d="M`)[2:] { // the first is the legend's
			path, _, _ = strings.Cut(path, `"`)
			got = append(got, strings.Count(path, "h"))
		}
		if !slices.Equal(got, want) {
			t.Errorf("leases of class %s: %v, want %v", class, got, want)
		}
	}
}
