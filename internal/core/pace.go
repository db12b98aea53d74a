package core

import "time"

// Pace is how long a waiter waits between two attempts. It is what a client can
// do without the nodes' help: it asks again after a growing, jittered pause, at
// the end of the holder's TTL if that comes first, and settles a split vote by
// rank instead of by chance.
type Pace struct {
	Least time.Duration // the first pause, about a round trip
	Most  time.Duration // the longest
	Slot  time.Duration // after a split vote: the time that an attempt of another takes
}

// Ordinary is the pace of all clients.
var Ordinary = Pace{Least: 5 * time.Millisecond, Most: 100 * time.Millisecond, Slot: 2 * time.Millisecond}

// View is what a lost attempt saw.
type View struct {
	// Rank is the place of this attempt among the contenders of a split vote,
	// if Split: how many others hold more nodes, or as many and a lower value.
	Split bool
	Rank  int
	// Remaining is the time until the key is free on a majority if nobody
	// renews it; 0 if not known.
	Remaining time.Duration
}

// Pause returns the wait before attempt n+1, n counting from 0, with a random
// number between 0 and 1.
//
// After a split vote nobody holds the key: the contender with rank 0 goes on as
// soon as the others have given their minorities back, each of the others
// leaves the time for those before it. All saw much the same votes, so that they
// agree on the order, and the vote does not split in the same way again (I8).
func (p Pace) Pause(n int, v View, random float64) time.Duration {
	if v.Split {
		slots := float64(v.Rank) + 0.5 + random/2
		return time.Duration(slots * float64(p.Slot))
	}
	pause := p.Most
	if n < 16 {
		pause = min(p.Least<<n, p.Most)
	}
	pause = time.Duration(float64(pause) * (0.5 + random))
	if v.Remaining > 0 {
		// A millisecond more: the node's clock has that resolution.
		pause = min(pause, v.Remaining+time.Millisecond)
	}
	return pause
}
