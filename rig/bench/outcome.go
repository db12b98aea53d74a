package bench

import (
	"fmt"
	"time"

	"github.com/redlock-go/redlock/rig/bench/contestant"
	"github.com/redlock-go/redlock/rig/clock"
)

// outcome is what the actors that wanted one lock have done, between two instants.
type outcome struct {
	begin, end clock.Instant
	turns      [][]Turn // of each
	got        int
	failed     int
	failure    string // the first
}

// add adds an actor.
func (o *outcome) add(turns []Turn, failed int, failure string) {
	o.turns = append(o.turns, turns)
	o.failed += failed
	if o.failure == "" {
		o.failure = failure
	}
	for _, t := range turns {
		if t.Got > 0 {
			o.got++
		}
	}
}

// sample is what it amounts to. Cost adds what each acquisition has cost; sent is
// what all have sent by the end, less than 0 if nobody counted.
func (o *outcome) sample(cost func(s Sample, got int), sent int64) (Sample, error) {
	if o.got == 0 && o.failure != "" {
		return nil, fmt.Errorf("nobody got the lock in %v: %s", o.end.Sub(o.begin), o.failure)
	}
	s := contention(o.turns, o.begin, o.end)
	s[Errors] = float64(o.failed)
	if o.got > 0 {
		cost(s, o.got)
	}
	delete(s, Commands)
	if handOvers := s[HandOvers] * o.end.Sub(o.begin).Seconds(); sent >= 0 && handOvers > 0 {
		s[CommandsPerHandOver] = float64(sent) / handOvers
	}
	return s, nil
}

// sentBy notes what will have been sent by the end: what comes after that, to give
// up, is no part of a hand-over. The function that it returns waits for the end.
func sentBy(sent *contestant.Sent, end clock.Instant) func() int64 {
	noted := make(chan int64, 1)
	time.AfterFunc(end.Sub(clock.Now()), func() { noted <- sent.Load() })
	return func() int64 { return <-noted }
}
