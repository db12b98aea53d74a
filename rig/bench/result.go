package bench

import (
	"math"
	"slices"
	"strconv"

	"github.com/redlock-go/redlock/rig/bench/stat"
)

// Result is everything that a run has measured: it is written as JSON, and the
// tables and charts are made of it.
type Result struct {
	Machine     Machine     `json:"machine"`
	Settings    Settings    `json:"settings"`
	Contestants []About     `json:"contestants"`
	Cells       []Cell      `json:"cells"`
	Took        string      `json:"took"`
	Remarks     []string    `json:"remarks,omitempty"` // what was left out, and why
	Targets     []TargetRow `json:"targets,omitempty"`
}

// Machine is where it was measured.
type Machine struct {
	When   string `json:"when"`
	OS     string `json:"os"`
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Go     string `json:"go"`
	Server string `json:"server"`
	Etcd   string `json:"etcd,omitempty"`
	// LoadBefore and LoadAfter are the system's load averages of the last minute:
	// before the run, it is what else the machine was doing.
	LoadBefore float64 `json:"load_before"`
	LoadAfter  float64 `json:"load_after"`
	GOGC       string  `json:"gogc"`
}

// About is a contestant as it was used.
type About struct {
	Name     string            `json:"name"`
	Label    string            `json:"label"` // in charts
	Ours     bool              `json:"ours,omitempty"`
	Settings string            `json:"settings"`
	Modules  map[string]string `json:"modules"` // versions
}

// Cell is a contestant in a scenario.
type Cell struct {
	Scenario   string `json:"scenario"`          // "S1"
	Variant    string `json:"variant,omitempty"` // of the scenario
	Nodes      int    `json:"nodes"`
	Contestant string `json:"contestant"`
	// Values are what was measured, one of each turn.
	Values map[Metric][]float64 `json:"values,omitempty"`
	// Empty says why there are none.
	Empty string `json:"empty,omitempty"`
}

// Median is that of the metric over the turns, NaN if it was not measured.
func (c *Cell) Median(m Metric) float64 {
	if c == nil {
		return math.NaN()
	}
	return stat.Median(c.Values[m])
}

// Range is the least and the greatest.
func (c *Cell) Range(m Metric) (least, most float64) {
	values := c.Values[m]
	if len(values) == 0 {
		return math.NaN(), math.NaN()
	}
	return slices.Min(values), slices.Max(values)
}

// Find returns the cell, nil if there is none.
func (r *Result) Find(scenario, variant string, nodes int, contestant string) *Cell {
	for i := range r.Cells {
		c := &r.Cells[i]
		if c.Scenario == scenario && c.Variant == variant && c.Nodes == nodes && c.Contestant == contestant {
			return c
		}
	}
	return nil
}

// add adds what a turn has measured.
func (r *Result) add(scenario, variant string, nodes int, name string, sample Sample) {
	c := r.Find(scenario, variant, nodes, name)
	if c == nil {
		r.Cells = append(r.Cells, Cell{Scenario: scenario, Variant: variant, Nodes: nodes, Contestant: name, Values: make(map[Metric][]float64)})
		c = &r.Cells[len(r.Cells)-1]
	}
	for m, value := range sample {
		if !math.IsNaN(value) && !math.IsInf(value, 0) { // JSON has neither
			c.Values[m] = append(c.Values[m], rounded(value))
		}
	}
}

// rounded keeps five figures, which is more than any of them means.
func rounded(x float64) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 5, 64), 64)
	if err != nil {
		return x
	}
	return r
}

// leaveEmpty says why a contestant is not in a scenario.
func (r *Result) leaveEmpty(scenario, variant string, nodes int, name, why string) {
	r.Cells = append(r.Cells, Cell{Scenario: scenario, Variant: variant, Nodes: nodes, Contestant: name, Empty: why})
}

// Sample is what one turn has measured.
type Sample map[Metric]float64

// Metric is a thing that is measured; its unit is in its name.
type Metric string

// The metrics. A cycle is an Acquire and a Release.
const (
	P50        Metric = "cycle_p50_us"
	P99        Metric = "cycle_p99_us"
	AcquireP50 Metric = "acquire_p50_us"
	Rate       Metric = "cycles_per_s"
	ClientCPU  Metric = "client_cpu_us_per_cycle"
	ServerCPU  Metric = "server_cpu_us_per_cycle" // of all nodes together
	Allocs     Metric = "allocs_per_cycle"
	AllocBytes Metric = "alloc_bytes_per_cycle"
	// Commands are those that clients sent, to all nodes together.
	Commands Metric = "commands_per_cycle"
	Errors   Metric = "errors"

	WaitP50     Metric = "wait_p50_ms"
	WaitP99     Metric = "wait_p99_ms"
	LongestWait Metric = "longest_wait_ms"
	Jain        Metric = "jain"
	// HandOvers are acquisitions by another than who held the lock before.
	HandOvers           Metric = "hand_overs_per_s"
	CommandsPerHandOver Metric = "commands_per_hand_over"
	HeldShare           Metric = "held_percent"
	// HandOverP50 is from when Release was called to when the next Acquire, of
	// another, returned.
	HandOverP50 Metric = "hand_over_p50_ms"
	HandOverP99 Metric = "hand_over_p99_ms"
	Overlaps    Metric = "overlaps" // two holders at one time
	// RoundTrip is that of a PING through the delay, while nothing else goes on.
	RoundTrip Metric = "round_trip_ms"

	NextAfterExpiry    Metric = "next_after_expiry_ms"
	CommandsNodeWaited Metric = "commands_a_node_while_waiting"

	Leases        Metric = "leases"
	TakePerSecond Metric = "taken_per_s"
	ClientCores   Metric = "client_cores"
	ServerCores   Metric = "server_cores"
	Renewals      Metric = "renewals_per_s"
	// CommandsPer100 is on one node, for 100 renewals.
	CommandsPer100 Metric = "commands_a_node_per_100_renewals"
	LeastLeft      Metric = "least_left_s"     // of any lease's TTL
	Stall          Metric = "longest_stall_ms" // of the process that holds them
	Late           Metric = "late"
	Lost           Metric = "lost"
	LeaseBytes     Metric = "bytes_per_lease"
	WaiterBytes    Metric = "bytes_per_waiter" // on the heap: its goroutine's stack is the caller's
)
