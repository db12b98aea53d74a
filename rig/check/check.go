package check

import (
	"fmt"
	"time"
)

// Findings are what is wrong with a history; none is as it should be.
type Findings []string

// All makes every check on the holds of one key and its counter, which began at 0
// and reads final now.
func All(holds []Hold, final int64) Findings {
	var f Findings
	f = append(f, Overlaps(holds)...)
	f = append(f, TokenOrder(holds)...)
	return append(f, LostUpdates(holds, final)...)
}

// Overlap is two holds at one time.
type Overlap struct{ First, Second Hold }

// For is how long both lasted.
func (o Overlap) For() time.Duration {
	return min(o.First.End, o.Second.End).Sub(o.Second.Begin)
}

// String is a finding.
func (o Overlap) String() string {
	return fmt.Sprintf("overlap of %v: %v and %v", o.For(), o.First, o.Second)
}

// Overlaps finds two holds at one time (I1). A hold of which the end is not
// known counts for the instant of its beginning.
func Overlaps(holds []Hold) Findings {
	var f Findings
	for _, o := range FindOverlaps(holds) {
		f = append(f, o.String())
	}
	return f
}

// FindOverlaps finds what Overlaps reports: each hold that began while one before
// it lasted, with that of them which lasted longest. Those that share do not exclude each other.
func FindOverlaps(holds []Hold) []Overlap {
	holds = append([]Hold(nil), holds...)
	sortHolds(holds)
	var found []Overlap
	// Those that end last of all before, not just the ones before: a long hold may overlap several.
	var last, alone *Hold
	for i := range holds {
		h := &holds[i]
		before := last
		if h.Shared {
			before = alone
		}
		if before != nil && h.Begin < before.End {
			found = append(found, Overlap{*before, *h})
		}
		if last == nil || h.End >= last.End {
			last = h
		}
		if !h.Shared && (alone == nil || h.End >= alone.End) {
			alone = h
		}
	}
	return found
}

// TokenOrder finds a hold whose token is not greater than that of a hold before
// it (I3). Between those that share there is no order (R3).
func TokenOrder(holds []Hold) Findings {
	holds = append([]Hold(nil), holds...)
	sortHolds(holds)
	var f Findings
	var highest, alone *Hold
	for i := range holds {
		h := &holds[i]
		before := highest
		if h.Shared {
			before = alone
		}
		if before != nil && h.Token <= before.Token {
			f = append(f, fmt.Sprintf("token order: %v before %v", *before, *h))
			continue
		}
		if highest == nil || h.Token > highest.Token {
			highest = h
		}
		if !h.Shared {
			alone = h
		}
	}
	return f
}

// LostUpdates finds a hold that read a counter which was not what the hold before
// it had written, and a final value that is not the number of increments. A
// hold that never ended may have written or not.
func LostUpdates(holds []Hold, final int64) Findings {
	holds = append([]Hold(nil), holds...)
	sortHolds(holds)
	var f Findings
	var least, most int64 // what the counter may be
	for _, h := range holds {
		if h.Read < least || h.Read > most {
			f = append(f, fmt.Sprintf("lost update: %v read %d where it should have been %s", h, h.Read, between(least, most)))
		}
		least, most = h.Read, h.Read+1
		if h.Ended {
			least = h.Wrote
			most = h.Wrote
			if h.Wrote != h.Read+1 {
				f = append(f, fmt.Sprintf("%v read %d and wrote %d", h, h.Read, h.Wrote))
			}
		}
	}
	if final < least || final > most {
		f = append(f, fmt.Sprintf("lost update: the counter is %d at the end, and should be %s", final, between(least, most)))
	}
	ended := int64(0)
	for _, h := range holds {
		if h.Ended {
			ended++
		}
	}
	if final < ended || final > int64(len(holds)) {
		f = append(f, fmt.Sprintf("lost updates: %d increments were made, and the counter is %d", ended, final))
	}
	return f
}

func between(least, most int64) string {
	if least == most {
		return fmt.Sprint(least)
	}
	return fmt.Sprintf("%d or %d", least, most)
}
