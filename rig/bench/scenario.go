package bench

import (
	"context"

	"github.com/redlock-go/redlock/rig/bench/contestant"
)

// Scenario is a situation in which the contestants are measured.
type Scenario struct {
	ID    string
	Title string
	Nodes []int // the numbers of nodes
	run   func(r *run, ctx context.Context, nodes int) error
}

// Scenarios are all of them, in order.
func Scenarios() []Scenario {
	every := []int{1, 3, 5}
	return []Scenario{
		{"S1", "One goroutine, locks of its own", every, func(r *run, ctx context.Context, n int) error { return r.cycles(ctx, "S1", n, 1) }},
		{"S2", "64 goroutines, each with locks of its own", every, func(r *run, ctx context.Context, n int) error { return r.cycles(ctx, "S2", n, goroutines) }},
	}
}

// excluded says why a contestant is not in a scenario, "" if it is.
func excluded(string, contestant.Contestant) string { return "" }
