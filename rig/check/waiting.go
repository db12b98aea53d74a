package check

import (
	"cmp"
	"slices"
	"time"

	"github.com/redlock-go/redlock/rig/clock"
)

// Span is a time.
type Span struct{ From, To clock.Instant }

// For is how long it lasts.
func (s Span) For() time.Duration { return s.To.Sub(s.From) }

// Union orders the spans and joins those that meet.
func Union(spans []Span) []Span {
	spans = slices.DeleteFunc(slices.Clone(spans), func(s Span) bool { return s.To <= s.From })
	slices.SortFunc(spans, func(a, b Span) int { return cmp.Compare(a.From, b.From) })
	var joined []Span
	for _, s := range spans {
		if last := len(joined) - 1; last >= 0 && s.From <= joined[last].To {
			joined[last].To = max(joined[last].To, s.To)
		} else {
			joined = append(joined, s)
		}
	}
	return joined
}

// Without is what is left of a time without others, in order.
func (s Span) Without(others []Span) []Span {
	var left []Span
	for _, o := range Union(others) {
		if o.To <= s.From || o.From >= s.To {
			continue
		}
		if s.From < o.From {
			left = append(left, Span{s.From, o.From})
		}
		s.From = o.To
	}
	if s.From < s.To {
		left = append(left, s)
	}
	return left
}

// Total is how long they last together, if no two are at one time.
func Total(spans []Span) time.Duration {
	var sum time.Duration
	for _, s := range spans {
		sum += s.For()
	}
	return sum
}

// Together are the times in which at least so many of the rows, each a number of
// spans, have one.
func Together(rows [][]Span, least int) []Span {
	type edge struct {
		at clock.Instant
		by int
	}
	var edges []edge
	for _, row := range rows {
		for _, s := range Union(row) {
			edges = append(edges, edge{s.From, 1}, edge{s.To, -1})
		}
	}
	slices.SortFunc(edges, func(a, b edge) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(b.by, a.by)) })
	var all []Span
	var from clock.Instant
	n := 0
	for _, e := range edges {
		before := n
		n += e.by
		switch {
		case before < least && n >= least:
			from = e.at
		case before >= least && n < least:
			all = append(all, Span{from, e.at})
		}
	}
	return Union(all)
}
