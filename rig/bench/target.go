package bench

import (
	"math"

	"github.com/redlock-go/redlock/rig/bench/contestant"
)

// TargetRow is one of the project's targets, and what was measured.
type TargetRow struct {
	What    string  `json:"what"`
	AtLeast bool    `json:"at_least,omitempty"` // else at most
	Limit   float64 `json:"limit"`
	Unit    string  `json:"unit,omitempty"`
	// Got is what each of our contestants reached; who was not measured is not in it.
	Got map[string]float64 `json:"got"`
	// Peer is the best of the other libraries in this run, "" if there is none.
	Peer    string  `json:"peer,omitempty"`
	PeerGot float64 `json:"peer_got,omitempty"`
}

// Reached reports whether a value is within the limit.
func (t TargetRow) Reached(value float64) bool {
	if t.AtLeast {
		return value >= t.Limit
	}
	return value <= t.Limit
}

// better reports whether a is nearer to the aim than b.
func (t TargetRow) better(a, b float64) bool {
	if t.AtLeast {
		return a > b
	}
	return a < b
}

// figure is how a target is found for a contestant, NaN if it was not measured.
type figure func(name string) float64

// Targets holds the result against the targets.
func Targets(r *Result) []TargetRow {
	cell := func(scenario, variant string, nodes int, m Metric) figure {
		return func(name string) float64 { return r.Find(scenario, variant, nodes, name).Median(m) }
	}
	toFloor := func(scenario, variant string, nodes int, m Metric) figure {
		of := cell(scenario, variant, nodes, m)
		return func(name string) float64 { return of(name) / of(contestant.Floor) }
	}
	toPlain := func(m Metric) figure {
		of := cell("S2", "", 5, m)
		return func(name string) float64 { return of(name) / of(contestant.FloorPlain) }
	}
	trips := func(name string) float64 {
		c := r.Find("S4b", Delayed, 5, name)
		return c.Median(HandOverP50) / c.Median(RoundTrip)
	}
	toRedsync := func(name string) float64 {
		of := cell("S4", "", 5, LongestWait)
		if name == "redsync-goredis" {
			return math.NaN()
		}
		return of(name) / of("redsync-goredis")
	}
	lost := func(name string) float64 {
		worst, healthy := 0.0, r.Find("S5", Healthy, 5, name).Median(P50)
		for _, s := range Situations()[1:] {
			ratio := r.Find("S5", s.Name, 5, name).Median(P50) / healthy
			if math.IsNaN(ratio) {
				return ratio
			}
			worst = max(worst, ratio)
		}
		return worst
	}
	// byNodes is a figure of ours-rueidis with another setting.
	byNodes := func(of figure) figure {
		return func(name string) float64 {
			if name != "ours-rueidis" {
				return math.NaN()
			}
			return of(contestant.OursByNodes)
		}
	}
	var rows []TargetRow
	add := func(of figure, t TargetRow) {
		t.Got = make(map[string]float64)
		for _, c := range r.Contestants {
			got := of(c.Name)
			switch {
			case math.IsNaN(got) || math.IsInf(got, 0) || c.Name == contestant.OursByNodes:
			case c.Ours:
				t.Got[c.Name] = got
			case c.Name != contestant.Floor && c.Name != contestant.FloorPlain && (t.Peer == "" || t.better(got, t.PeerGot)):
				t.Peer, t.PeerGot = c.Name, got
			}
		}
		if len(t.Got) > 0 {
			rows = append(rows, t)
		}
	}
	add(toFloor("S1", "", 5, P50), TargetRow{What: "S1, N=5: p50 of a cycle / floor", Limit: 1.2})
	add(toFloor("S2", "", 5, Rate), TargetRow{What: "S2, N=5: cycles/s / floor", AtLeast: true, Limit: 0.85})
	add(toPlain(Rate), TargetRow{What: "S2, N=5: cycles/s / floor without batches", AtLeast: true, Limit: 0.85})
	add(toFloor("S2", "", 5, ClientCPU), TargetRow{What: "S2, N=5: client CPU a cycle / floor", Limit: 1.3})
	add(toPlain(ClientCPU), TargetRow{What: "S2, N=5: client CPU a cycle / floor without batches", Limit: 1.3})
	add(cell("S1", "", 5, Allocs), TargetRow{What: "S1, N=5: allocations a cycle", Limit: 24})
	add(toFloor("S3", "", 5, HandOvers), TargetRow{What: "S3, N=5: hand-overs/s / floor behind a mutex", AtLeast: true, Limit: 10})
	add(byNodes(toFloor("S3", "", 5, HandOvers)), TargetRow{What: "S3, N=5: the same with HandOvers -1, each by the nodes", AtLeast: true, Limit: 0.9})
	add(cell("S3", "", 5, Jain), TargetRow{What: "S3, N=5: Jain's index", AtLeast: true, Limit: 0.99})
	add(toFloor("S4", "", 5, HandOvers), TargetRow{What: "S4, N=5: hand-overs/s / spinning floor", AtLeast: true, Limit: 1.2})
	add(toRedsync, TargetRow{What: "S4, N=5: longest wait / that of redsync on go-redis", Limit: 0.05})
	add(cell("S4", "", 5, Jain), TargetRow{What: "S4, N=5: Jain's index", AtLeast: true, Limit: 0.99})
	add(cell("S4", "", 5, CommandsPerHandOver), TargetRow{What: "S4, N=5: commands a hand-over, all nodes", Limit: 17})
	add(cell("S4b", "", 5, HeldShare), TargetRow{What: "S4b, N=5: share of the time that the lock is held", AtLeast: true, Limit: 90, Unit: "%"})
	add(cell("S4b", "", 5, CommandsPerHandOver), TargetRow{What: "S4b, N=5: commands a hand-over, all nodes", Limit: 17})
	add(trips, TargetRow{What: "S4b, 2 ms of delay: release called → next Acquire returned, p50", Limit: 2.3, Unit: "round trips"})
	add(lost, TargetRow{What: "S5: p50 of a cycle / its own healthy p50, the worst of the four losses", Limit: 1.1})
	add(cell("S6", "", 5, NextAfterExpiry), TargetRow{What: "S6, N=5: expiry → next holder, p50", Limit: 5, Unit: "ms"})
	add(cell("S6", "", 5, CommandsNodeWaited), TargetRow{What: "S6, N=5: commands a node, for the whole wait", Limit: 12})
	add(cell("S7", "", 3, Late), TargetRow{What: "S7, N=3: leases renewed late or lost", Limit: 0})
	add(cell("S7", "", 3, ClientCores), TargetRow{What: "S7, N=3: client CPU", Limit: 0.5, Unit: "cores"})
	add(cell("S7", "", 3, CommandsPer100), TargetRow{What: "S7, N=3: commands a node for 100 renewals", Limit: 1})
	add(cell("S7", "", 3, LeaseBytes), TargetRow{What: "memory of a held lease", Limit: 1500, Unit: "bytes"})
	add(cell("S7", "", 3, WaiterBytes), TargetRow{What: "memory of a local waiter, its goroutine apart", Limit: 1000, Unit: "bytes"})
	return rows
}
