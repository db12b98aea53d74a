package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redlock-go/redlock/rig/chaos"
	"github.com/redlock-go/redlock/rig/check"
	"github.com/redlock-go/redlock/rig/clock"
	"github.com/redlock-go/redlock/rig/traffic"
)

// TestStatus: 1 for two leases of our library at once within the assumptions, and 0 if
// another library has them, or the assumptions do not hold.
func TestStatus(t *testing.T) {
	hold := func(begin, end clock.Instant) check.Hold { return check.Hold{Begin: begin, End: end, Ended: true} }
	for _, test := range []struct {
		name   string
		within bool
		twice  bool
		want   int
	}{
		{"redlock-goredis", true, true, 1},
		{"redlock-goredis", true, false, 0},
		{"redlock-goredis", false, true, 0},
		{"redsync", true, true, 0},
	} {
		contestant, _ := traffic.ContestantNamed(test.name)
		score := chaos.Score{Acquired: 2}
		if test.twice {
			score.Overlaps = []chaos.Overlap{{Overlap: check.Overlap{First: hold(10, 20), Second: hold(15, 25)}}}
		}
		r := chaos.Result{
			Contestants: []traffic.Contestant{contestant},
			Sections:    []chaos.Outcome{{Section: chaos.Section{Title: "A", Within: test.within}, Scores: []chaos.Score{score}}},
		}
		if got := status(r); got != test.want {
			t.Errorf("%+v: status %d", test, got)
		}
	}
}

// TestWrite writes the report and its picture, and the one shows the other.
func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	if err := write(dir, chaos.Result{Terms: chaos.Terms{Seed: 42}}, time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "chaos.md"))
	if err != nil || !strings.Contains(string(text), "seed 42") || !strings.Contains(string(text), "(chaos.svg)") {
		t.Fatalf("%v: %s", err, text)
	}
	if picture, err := os.ReadFile(filepath.Join(dir, "chaos.svg")); err != nil || !strings.HasPrefix(string(picture), "<svg") {
		t.Fatalf("%v: %.50s", err, picture)
	}
}
