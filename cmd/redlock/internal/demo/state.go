package demo

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redlock-go/redlock/cmd/redlock/internal/clock"
)

// nodeState is how a node is.
type nodeState string

const (
	up     nodeState = "up"
	killed nodeState = "killed"
	frozen nodeState = "silent"
)

// state is the books: what the workers have said so far.
type state struct {
	options Options
	start   clock.Instant
	nodes   []nodeState
	workers []workerState
	shifts  []shift // the times that somebody was at work, in the order of hearing
	result  Result
}

// workerState is what a worker does at present.
type workerState struct {
	did   did
	since clock.Instant
	made  int // increments
}

// shift is a time that a worker was at work, from when it had the lock until
// before it let go of it.
type shift struct {
	worker     int
	begin, end clock.Instant
}

func newState(o Options, nodes int) *state {
	s := &state{options: o, nodes: make([]nodeState, nodes), workers: make([]workerState, o.Workers), start: clock.Now()}
	for i := range s.nodes {
		s.nodes[i] = up
	}
	s.result = Result{Unlocked: o.Unlocked, Workers: o.Workers}
	return s
}

// heard enters what a worker said.
func (s *state) heard(r report) {
	w := &s.workers[r.Worker]
	switch r.Did {
	case begins:
		if w.did == waits {
			s.result.LongestWait = max(s.result.LongestWait, r.At.Sub(w.since))
		}
	case ends, loses:
		s.shifts = append(s.shifts, shift{worker: r.Worker, begin: w.since, end: r.At})
		if r.Did == ends {
			w.made++
			s.result.Made++
		} else {
			s.result.Lost++
		}
	case fails:
		s.result.Failed++
	}
	w.did, w.since = r.Did, r.At
}

// settle draws the balance.
func (s *state) settle(counted int, took time.Duration) Result {
	result := s.result
	result.Counted, result.Took = counted, took
	result.Overlaps, result.HandOvers = audit(s.shifts)
	counts := make(map[nodeState]int)
	for _, n := range s.nodes {
		counts[n]++
	}
	var parts []string
	for _, n := range []nodeState{up, killed, frozen} {
		if counts[n] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[n], n))
		}
	}
	result.Nodes = strings.Join(parts, ", ")
	return result
}

// elapsed is for how long the workers have been at it.
func (s *state) elapsed() time.Duration { return clock.Now().Sub(s.start) }

// audit counts how often a shift began while another was not over, and how often
// another worker had the lock than the last time. It does not depend on the order
// in which the shifts were heard of.
func audit(shifts []shift) (overlaps, handOvers int) {
	shifts = slices.SortedFunc(slices.Values(shifts), func(a, b shift) int { return cmp.Compare(a.begin, b.begin) })
	for i, s := range shifts {
		if i == 0 {
			continue
		}
		if s.worker != shifts[i-1].worker {
			handOvers++
		}
	}
	var end clock.Instant // of all shifts so far
	for _, s := range shifts {
		if s.begin < end {
			overlaps++
		}
		end = max(end, s.end)
	}
	return overlaps, handOvers
}
