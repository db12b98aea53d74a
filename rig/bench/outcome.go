package bench

import (
	"fmt"
	"time"

	"github.com/redlock-go/redlock/rig/bench/contestant"
	"github.com/redlock-go/redlock/rig/clock"
)

// leadIn is how long before the beginning actors begin, so that all who want to wait
// stand in line by then: coming for the first time costs more than coming again.
const leadIn = 100 * time.Millisecond

// outcome is what the actors that wanted one lock have done. What counts is between
// two instants, but for the cost of an acquisition, which is that of all.
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
// what all have sent from the beginning to the end, less than 0 if nobody counted.
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

// sentBetween notes what will have been sent between two instants: what comes after
// the end, to give up, is no part of a hand-over. The function that it returns waits
// for the end.
func sentBetween(sent *contestant.Sent, begin, end clock.Instant) func() int64 {
	noted := make(chan int64, 2)
	note := func() { noted <- sent.Load() }
	time.AfterFunc(begin.Sub(clock.Now()), note)
	time.AfterFunc(end.Sub(clock.Now()), note)
	return func() int64 {
		a, b := <-noted, <-noted
		return max(a, b) - min(a, b) // timers that are late can change places
	}
}
