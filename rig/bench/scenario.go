package bench

import (
	"context"
	"time"

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
		{"S3", "64 goroutines of one process, one lock", every, (*run).crowd},
		{"S4", "Eight processes, one lock, nothing to do under it", every, func(r *run, ctx context.Context, n int) error {
			return r.contenders(ctx, "S4", "", n, 0, 0)
		}},
		{"S4b", "Eight processes, one lock, 5 ms of work under it", []int{5}, func(r *run, ctx context.Context, n int) error {
			err := r.contenders(ctx, "S4b", "", n, section, 0)
			if err == nil {
				err = r.contenders(ctx, "S4b", Delayed, n, section, delay)
			}
			return err
		}},
	}
}

const (
	section = 5 * time.Millisecond
	delay   = 2 * time.Millisecond // of a round trip
)

// Delayed is the variant of S4b with a longer network.
const Delayed = "2 ms of network delay a round trip"

// excluded says why a contestant is not in a scenario, "" if it is.
func excluded(string, contestant.Contestant) string { return "" }
