// Package report tells what a run of package bench has measured, in Markdown.
package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/redlock-go/redlock/rig/bench"
	"github.com/redlock-go/redlock/rig/bench/contestant"
)

// column is a metric in a table.
type column struct {
	metric bench.Metric
	head   string
	// ratio: the ratio to the floor stands in the next column.
	ratio bool
}

// Tables are the measured figures, a table for each scenario and number of nodes.
func Tables(r *bench.Result) string {
	w := &strings.Builder{}
	for _, s := range bench.Scenarios() {
		cells := slices.DeleteFunc(slices.Clone(r.Cells), func(c bench.Cell) bool { return c.Scenario != s.ID })
		place := func(c bench.Cell) int {
			return slices.IndexFunc(r.Contestants, func(a bench.About) bool { return a.Name == c.Contestant })
		}
		if len(cells) == 0 {
			continue
		}
		fmt.Fprintf(w, "## %s: %s\n\n", s.ID, s.Title)
		for len(cells) > 0 {
			first := cells[0]
			same := func(c bench.Cell) bool { return c.Variant == first.Variant && c.Nodes == first.Nodes }
			together := slices.DeleteFunc(slices.Clone(cells), func(c bench.Cell) bool { return !same(c) })
			slices.SortStableFunc(together, func(a, b bench.Cell) int { return place(a) - place(b) })
			table(w, r, together)
			cells = slices.DeleteFunc(cells, same)
		}
	}
	return w.String()
}

func table(w *strings.Builder, r *bench.Result, cells []bench.Cell) {
	first := cells[0]
	fmt.Fprintf(w, "### N = %d", first.Nodes)
	if first.Variant != "" {
		fmt.Fprintf(w, ", %s", first.Variant)
	}
	w.WriteString("\n\n|")
	var shown []column
	for _, c := range columns(first.Scenario) {
		if slices.ContainsFunc(cells, func(cell bench.Cell) bool { return len(cell.Values[c.metric]) > 0 }) {
			shown = append(shown, c)
		}
	}
	rule := "|"
	head := func(text string) { fmt.Fprintf(w, " %s |", text); rule += "---|" }
	head("")
	floor := r.Find(first.Scenario, first.Variant, first.Nodes, contestant.Floor)
	for _, c := range shown {
		head(c.head)
		if c.ratio && floor != nil {
			head("/ floor")
		}
	}
	fmt.Fprintf(w, "\n%s\n", rule)
	var empty []string
	for _, cell := range cells {
		if cell.Empty != "" {
			empty = append(empty, cell.Contestant+": "+cell.Empty)
			continue
		}
		fmt.Fprintf(w, "| %s |", cell.Contestant)
		for _, c := range shown {
			fmt.Fprintf(w, " %s |", spread(&cell, c.metric))
			if c.ratio && floor != nil {
				fmt.Fprintf(w, " %s |", Figure(cell.Median(c.metric)/floor.Median(c.metric)))
			}
		}
		w.WriteString("\n")
	}
	w.WriteString("\n")
	if len(empty) > 0 {
		fmt.Fprintf(w, "Not here: %s.\n\n", strings.Join(empty, "; "))
	}
}

// spread is the median, with the least and the greatest.
func spread(c *bench.Cell, m bench.Metric) string {
	least, most := c.Range(m)
	switch median := c.Median(m); {
	case math.IsNaN(median):
		return ""
	case Figure(least) == Figure(most):
		return Figure(median)
	default:
		return fmt.Sprintf("%s (%s–%s)", Figure(median), Figure(least), Figure(most))
	}
}

// Figure prints a number with three figures, as far as they mean something.
func Figure(x float64) string {
	switch size := math.Abs(x); {
	case math.IsNaN(x) || math.IsInf(x, 0):
		return ""
	case size >= 1000:
		return thousands(int64(math.Round(x)))
	case size >= 100 || x == math.Trunc(x):
		return strconv.FormatFloat(x, 'f', 0, 64)
	case size >= 10:
		return strconv.FormatFloat(x, 'f', 1, 64)
	case size >= 0.1:
		return strconv.FormatFloat(x, 'f', 2, 64)
	}
	return strconv.FormatFloat(x, 'g', 2, 64)
}

func thousands(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func columns(scenario string) []column {
	switch scenario {
	case "S3", "S4", "S4b":
		return []column{
			{bench.HandOvers, "hand-overs/s", true},
			{bench.Rate, "acquired/s", false},
			{bench.Jain, "Jain", false},
			{bench.LongestWait, "longest wait, ms", false},
			{bench.WaitP50, "wait p50, ms", false},
			{bench.WaitP99, "p99, ms", false},
			{bench.HandOverP50, "released → next, p50 ms", false},
			{bench.RoundTrip, "round trip, ms", false},
			{bench.HeldShare, "held, %", false},
			{bench.CommandsPerHandOver, "commands a hand-over", false},
			{bench.ClientCPU, "client CPU, µs a cycle", false},
			{bench.ServerCPU, "server CPU, µs a cycle", false},
			{bench.Allocs, "allocs a cycle", false},
			{bench.Overlaps, "two holders", false},
			{bench.Errors, "errors", false},
		}
	case "S5":
		return []column{
			{bench.P50, "cycle p50, µs", true},
			{bench.P99, "p99, µs", false},
			{bench.AcquireP50, "acquire p50, µs", false},
			{bench.Rate, "cycles/s", false},
			{bench.ClientCPU, "client CPU, µs", false},
			{bench.Errors, "errors", false},
		}
	case "S6":
		return []column{
			{bench.NextAfterExpiry, "expiry → next holder, ms", false},
			{bench.CommandsNodeWaited, "commands a node, for the whole wait", false},
		}
	case "S7":
		return []column{
			{bench.Leases, "leases", false},
			{bench.TakePerSecond, "taken/s", false},
			{bench.LeaseBytes, "bytes a lease", false},
			{bench.WaiterBytes, "bytes a waiter", false},
			{bench.ClientCores, "client cores", false},
			{bench.ServerCores, "server cores", false},
			{bench.Renewals, "renewals/s", false},
			{bench.CommandsPer100, "commands a node for 100 renewals", false},
			{bench.LeastLeft, "least left of a TTL, s", false},
			{bench.Stall, "longest stall of the process, ms", false},
			{bench.Late, "late", false},
			{bench.Lost, "lost", false},
			{bench.Errors, "errors", false},
		}
	default:
		return []column{
			{bench.P50, "cycle p50, µs", true},
			{bench.P99, "p99, µs", false},
			{bench.Rate, "cycles/s", true},
			{bench.ClientCPU, "client CPU, µs", true},
			{bench.ServerCPU, "server CPU, µs", true},
			{bench.Allocs, "allocs", false},
			{bench.Commands, "commands", false},
			{bench.Errors, "errors", false},
		}
	}
}
