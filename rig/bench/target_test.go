package bench

import (
	"testing"

	"github.com/redlock-go/redlock/rig/bench/contestant"
)

// TestTargets: ratios are to the floor of the same run, the best peer is found, and
// what was not measured is no target.
func TestTargets(t *testing.T) {
	r := &Result{Contestants: []About{{Name: contestant.Floor}, {Name: "ours-rueidis", Ours: true}, {Name: "a"}, {Name: "b"}}}
	for name, p50 := range map[string]float64{contestant.Floor: 100, "ours-rueidis": 110, "a": 150, "b": 140} {
		r.add("S1", "", 5, name, Sample{P50: p50 - 1})
		r.add("S1", "", 5, name, Sample{P50: p50})
		r.add("S1", "", 5, name, Sample{P50: p50 + 50})
	}
	rows := Targets(r)
	if len(rows) != 1 {
		t.Fatalf("%d targets from one scenario: %+v", len(rows), rows)
	}
	row := rows[0]
	if got := row.Got["ours-rueidis"]; got != 1.1 || !row.Reached(got) {
		t.Errorf("ours: %g", got)
	}
	if row.Peer != "b" || row.PeerGot != 1.4 {
		t.Errorf("the best peer is %s with %g", row.Peer, row.PeerGot)
	}
	if row.Reached(1.3) || !(TargetRow{AtLeast: true, Limit: 2}).Reached(3) || (TargetRow{AtLeast: true, Limit: 2}).Reached(1) {
		t.Error("the limits are not heeded")
	}
}
