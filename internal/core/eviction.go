package core

// Eviction is how a lock is taken from a holder that was seen: a round that looks at the
// registers, and one that compares the value on each node and, in the same step, deletes the
// key and raises the register. It decides what the token is that closes the fence behind the
// evicted lease, and whether it has come to pass. The zero value with Need is ready.
type Eviction struct {
	Need int // a majority

	looked   int
	highest  uint64
	deleted  int // in all rounds
	raised   int // and the rest in the last
	refused  int // have seen a token as high
	answered int
	others   map[string]int // who has the key instead, and on how many nodes
}

// mostToken is the highest token there is: above it a register does not count in ones.
const mostToken = 1<<53 - 1

// Looked takes what a node has seen, and whether it votes: one that may have forgotten what
// it accepted counts for nothing (I6), though what it knows is known.
func (e *Eviction) Looked(register uint64, votes bool) {
	e.highest = max(e.highest, register)
	if votes {
		e.looked++
	}
}

// Enough reports whether a majority was looked at, and how many nodes were.
func (e *Eviction) Enough() (got int, enough bool) { return e.looked, e.looked >= e.Need }

// Token begins a round of evicting, and is what to propose: above all that a majority of nodes
// has seen, and as every token the wall clock, in µs, if that is more; and a little above
// both, as nodes refuse it that meanwhile see one as high, be it of attempts in vain. ok is
// false if there is none so high.
func (e *Eviction) Token(wall, little uint64) (token uint64, ok bool) {
	e.raised, e.refused, e.answered, e.others = 0, 0, 0, nil
	token = max(e.highest+1, wall) + little
	return token, token <= mostToken
}

// Answered takes what a node did: it deleted the key, or nobody had it, and it has raised the
// register; or another holder had it, or it has seen a token as high, not 0, and did nothing.
func (e *Eviction) Answered(deleted bool, holder string, register uint64) {
	e.answered++
	e.highest = max(e.highest, register)
	if register > 0 {
		e.refused++
		return
	}
	if holder != "" {
		if e.others == nil {
			e.others = make(map[string]int)
		}
		e.others[holder]++
		return
	}
	e.raised++
	if deleted {
		e.deleted++
	}
}

// Begun reports whether some node has deleted the key: then its holder is to be told. Not
// before all have answered that will: the holder gives back what it has left at once, and who
// gets that, before our request for it comes, does not meet the raised register there.
func (e *Eviction) Begun() bool { return e.deleted > 0 }

// Raised is the number of nodes that did as asked.
func (e *Eviction) Raised() int { return e.raised }

// Evicting is what an eviction has come to.
type Evicting uint8

// What it can come to.
const (
	Uncertain   Evicting = iota // too few nodes did as asked
	EvictedNow                  // the lease is over, and every later one has a greater token
	NotHeld                     // nobody, or no majority, has it any more, of those who answered
	HeldByOther                 // a newer holder has it, and keeps it
	TryAgain                    // with a higher token
)

// Outcome is what it has come to when all have answered that will, and who has the key if
// another does.
//
// A node did as asked if it deleted the key or had none, and accepted the token: then the evicted
// lease was accepted there with a lower one, or is not any more; and whoever is granted the key
// there has a greater token. If a majority did, that holds for every lease, as it needs one of
// those nodes; and none is later than the evicted one and earlier than the raising, as that
// would have had the key on one of them.
func (e *Eviction) Outcome() (what Evicting, other string) {
	for holder, nodes := range e.others {
		if nodes >= e.Need {
			return HeldByOther, holder
		}
	}
	switch {
	case e.refused > 0 && e.raised < e.Need && e.raised+e.refused >= e.Need:
		return TryAgain, ""
	case e.deleted == 0 && e.answered >= e.Need:
		return NotHeld, ""
	case e.deleted > 0 && e.raised >= e.Need:
		return EvictedNow, ""
	}
	return Uncertain, ""
}
