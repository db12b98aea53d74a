// Package report writes down what a run of the rig did and found, for people.
package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/redlock-go/redlock/rig/check"
	"github.com/redlock-go/redlock/rig/clock"
	"github.com/redlock-go/redlock/rig/fault"
)

// Run is one run of the rig.
type Run struct {
	Title    string
	Setting  []string // what it ran with: nodes, workers, TTL, seed
	Began    clock.Instant
	Took     time.Duration
	Holds    []check.Hold // in the order of their beginnings
	Events   []fault.Event
	Exits    map[int]int // how often the traffic's processes ended with which status
	Findings check.Findings
}

// Markdown writes the report.
func (r *Run) Markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n", r.Title)
	for _, s := range r.Setting {
		fmt.Fprintf(&b, "- %s\n", s)
	}
	fmt.Fprintf(&b, "\n## Found\n\n")
	if len(r.Findings) == 0 {
		fmt.Fprintf(&b, "Nothing: no overlap, no lost update, no token out of order.\n")
	}
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "- %s\n", f)
	}

	s := Summarise(r.Holds)
	fmt.Fprintf(&b, "\n## Traffic\n\n| what | how much |\n|---|---|\n")
	fmt.Fprintf(&b, "| time | %v |\n", r.Took.Round(time.Millisecond))
	fmt.Fprintf(&b, "| leases | %d |\n", s.Holds)
	fmt.Fprintf(&b, "| hand-overs from one worker to another | %d |\n", s.HandOvers)
	fmt.Fprintf(&b, "| leases whose worker never said that it ended | %d |\n", s.Unfinished)
	fmt.Fprintf(&b, "| longest lease | %v |\n", s.LongestHold.Round(time.Millisecond))
	fmt.Fprintf(&b, "| longest time without a lease | %v |\n", s.LongestGap.Round(time.Millisecond))
	for _, status := range slices.Sorted(maps.Keys(r.Exits)) {
		fmt.Fprintf(&b, "| processes that ended with status %d | %d |\n", status, r.Exits[status])
	}

	fmt.Fprintf(&b, "\n## Faults\n\n| what | how often |\n|---|---|\n")
	count := fault.Count(r.Events)
	for _, what := range slices.Sorted(maps.Keys(count)) {
		fmt.Fprintf(&b, "| %s | %d |\n", what, count[what])
	}
	fmt.Fprintf(&b, "\n| at | node | what |\n|---|---|---|\n")
	for _, e := range r.Events {
		fmt.Fprintf(&b, "| %.3f s | %d | %s |\n", e.At.Sub(r.Began).Seconds(), e.Node, e.What)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Summary is what the holds of one key amount to.
type Summary struct {
	Holds       int
	Unfinished  int
	HandOvers   int // from one worker to another
	LongestHold time.Duration
	LongestGap  time.Duration // between the end of one and the beginning of the next
}

// Summarise adds up holds in the order of their beginnings.
func Summarise(holds []check.Hold) Summary {
	s := Summary{Holds: len(holds)}
	for i, h := range holds {
		if !h.Ended {
			s.Unfinished++
		}
		s.LongestHold = max(s.LongestHold, h.End.Sub(h.Begin))
		if i > 0 {
			s.LongestGap = max(s.LongestGap, h.Begin.Sub(holds[i-1].End))
			if h.Worker != holds[i-1].Worker {
				s.HandOvers++
			}
		}
	}
	return s
}
