// Package quorum is the arithmetic of the lock: how many votes decide, and for
// how long a decision is valid. It is pure; every formula stands beside its
// reason.
package quorum

// Need is the least number of votes that two holders cannot both have among n
// nodes: n/2 + 1. For an even n that is one more than half: 3 of 4 decide, and
// a fourth node adds no fault tolerance to three.
func Need(n int) int { return n/2 + 1 }

// Result is the state of a vote.
type Result uint8

// A vote is pending until either outcome is certain.
const (
	Pending Result = iota
	Won
	Lost
)

// Tally counts the votes of one round. Its zero value is not usable: N and Need
// say how many nodes there are and how many decide.
type Tally struct {
	N, Need int
	Yes, No int
}

// Result says whether the votes counted so far decide: Won as soon as enough
// said yes, Lost as soon as those that have not said no are too few.
func (t Tally) Result() Result {
	switch {
	case t.Yes >= t.Need:
		return Won
	case t.N-t.No < t.Need:
		return Lost
	default:
		return Pending
	}
}
