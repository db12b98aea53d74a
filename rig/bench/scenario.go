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
		{"S5", "One goroutine, locks of its own, one or two of five nodes lost", []int{5}, (*run).lost},
		{"S6", "The holder is killed: from the expiry to the next holder", []int{1, 5}, (*run).crash},
		{"S7", "Very many leases held at once", []int{3}, (*run).hold},
	}
}

const (
	section = 5 * time.Millisecond
	delay   = 2 * time.Millisecond // of a round trip
)

// Delayed is the variant of S4b with a longer network.
const Delayed = "2 ms of network delay a round trip"

// excluded says why a contestant is not in a scenario, "" if it is.
func excluded(scenario string, nodes int, c contestant.Contestant) string {
	if c.Name == contestant.FloorPlain && scenario != "S1" && scenario != "S2" {
		return "see floor"
	}
	if c.Crowd && scenario != "S3" {
		return "see ours-rueidis"
	}
	switch scenario {
	case "S5":
		if c.Nodes == 1 {
			return "one node only, so it has no minority to lose"
		}
	case "S6":
		switch {
		case c.Name == contestant.Floor:
			return "it spins, so it would see the expiry at once, for commands without number"
		case c.Etcd:
			return "its leases are in whole seconds, and when one has ended cannot be read"
		case nodes == 1 && c.Nodes == 0 && c.Name != "ours-rueidis":
			return "see N=5"
		}
	case "S7":
		switch {
		case c.Etcd:
			return "one keep-alive of the session holds all its keys, so that they end together"
		case c.Nodes == 1:
			return "one node only"
		case !c.Ours:
			return "it does not renew by itself"
		}
	}
	return ""
}
