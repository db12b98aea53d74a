package bench

import (
	"math"
	"slices"
	"time"

	"github.com/redlock-go/redlock/rig/bench/stat"
	"github.com/redlock-go/redlock/rig/clock"
)

// Turn is one try of an actor (a goroutine or a process) to work under the lock
// that all want.
type Turn struct {
	Want      clock.Instant `json:"w"` // Acquire was called
	Got       clock.Instant `json:"g"` // it returned; 0 if it was still waiting at the end
	Releasing clock.Instant `json:"r"` // Release was called
	Released  clock.Instant `json:"d"` // it returned
}

// contention is what the turns of all actors between two instants amount to. Turns
// that got the lock before are left out.
func contention(actors [][]Turn, begin, end clock.Instant) Sample {
	type held struct {
		actor int
		Turn
	}
	var all []held
	var waits, cycles []time.Duration
	var longest time.Duration
	shares := make([]int, len(actors))
	for actor, turns := range actors {
		for _, t := range turns {
			if t.Got > 0 && t.Got < begin {
				continue
			}
			if t.Got == 0 || t.Got > end {
				longest = max(longest, end.Sub(t.Want)) // at least that
				continue
			}
			waits = append(waits, t.Got.Sub(t.Want))
			cycles = append(cycles, t.Released.Sub(t.Want))
			longest = max(longest, t.Got.Sub(t.Want))
			shares[actor]++
			all = append(all, held{actor, t})
		}
	}
	slices.SortFunc(all, func(a, b held) int { return int(a.Got - b.Got) })
	var handOvers []time.Duration
	var holding time.Duration
	overlaps := 0
	for i, h := range all {
		holding += min(h.Releasing, end).Sub(h.Got)
		if i == 0 {
			continue
		}
		gap := h.Got.Sub(all[i-1].Releasing)
		if gap < 0 {
			overlaps++
		}
		if h.actor != all[i-1].actor {
			handOvers = append(handOvers, gap)
		}
	}
	fairness := stat.Jain(shares)
	if len(all) == 0 {
		fairness = math.NaN() // nothing was shared
	}
	seconds := end.Sub(begin).Seconds()
	return Sample{
		P50: stat.Median(cycles) / 1e3, P99: stat.Percentile(cycles, 0.99) / 1e3,
		WaitP50: stat.Median(waits) / 1e6, WaitP99: stat.Percentile(waits, 0.99) / 1e6,
		LongestWait: milli(longest), Jain: fairness,
		Rate: float64(len(all)) / seconds, HandOvers: float64(len(handOvers)) / seconds,
		HeldShare:   100 * holding.Seconds() / seconds,
		HandOverP50: stat.Median(handOvers) / 1e6, HandOverP99: stat.Percentile(handOvers, 0.99) / 1e6,
		Overlaps: float64(overlaps),
	}
}
