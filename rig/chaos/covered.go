package chaos

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Kinds are all kinds of fault, as [Outcome.Faulted] counts them, that a plan of the
// terms has in its section A.
func (t Terms) Kinds() []string {
	kinds := []string{
		"killed and restarted without data", "killed and restarted with data", "frozen",
		"partitioned", "requests held back", "replies held back", "requests dropped", "replies dropped",
		"slow requests", "slow replies", "connections reset", "byte by byte", "flushed",
		clientFrozen, clientKilled,
	}
	if t.Clocks {
		kinds = append(kinds, clockAhead, clockBack)
	}
	if t.Disks {
		kinds = append(kinds, "disk full")
	}
	return kinds
}

const (
	clockAhead   = "clock set ahead"
	clockBack    = "clock set back"
	clientFrozen = "SIGSTOP of one client of each"
	clientKilled = "kill -9 of one client of each"
)

// Faulted counts the faults by their kinds: those of nodes, one for each node, and
// those of clients.
func (o Outcome) Faulted() map[string]int {
	count := make(map[string]int)
	for _, f := range o.Faults {
		switch {
		case strings.HasPrefix(f.What, "clock -"):
			count[clockBack]++
		case strings.HasPrefix(f.What, "clock "):
			count[clockAhead]++
		default:
			count[f.What]++
		}
	}
	for _, h := range o.Harm {
		if h.What == "frozen" {
			count[clientFrozen]++
		} else {
			count[clientKilled]++
		}
	}
	return count
}

// Faulted counts the faults of all sections, and names the kinds of which there was
// none: there was no time, or no moment at which it would have been a minority's.
func (r Result) Faulted() (count map[string]int, missing []string) {
	count = make(map[string]int)
	for _, o := range r.Sections {
		for kind, n := range o.Faulted() {
			count[kind] += n
		}
	}
	for _, kind := range r.Terms.Kinds() {
		if count[kind] == 0 {
			missing = append(missing, kind)
		}
	}
	return count, missing
}

// Most lists what was counted, the most first.
func Most(count map[string]int) []string {
	return slices.SortedFunc(maps.Keys(count), func(a, b string) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a, b))
	})
}
