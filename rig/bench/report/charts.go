package report

import (
	"fmt"
	"math"

	"github.com/redlock-go/redlock/rig/bench"
	"github.com/redlock-go/redlock/rig/bench/chart"
	"github.com/redlock-go/redlock/rig/bench/contestant"
)

// Picture is a chart, and the file for it.
type Picture struct {
	File  string
	About string // for who does not see it
	Chart chart.Chart
}

// Pictures are the charts of what was measured; a scenario that was not has none.
func Pictures(r *bench.Result) []Picture {
	p := painter{r}
	where := fmt.Sprintf("median of the turns, with the least and the greatest · %d cores, %s, %s", r.Machine.Cores, r.Machine.Server, r.Machine.Go)
	all := []Picture{
		{"s1.svg", "latency of an uncontended cycle", chart.Chart{Title: "Taking and releasing a free lock: median latency (less is better)", Note: where, Panels: []chart.Panel{
			p.panel("five nodes, µs", cells{"S1", "", 5, bench.P50}, "µs", ratio),
			p.panel("one node, µs", cells{"S1", "", 1, bench.P50}, "µs", ratio),
		}}},
		{"s2.svg", "throughput of 64 goroutines", chart.Chart{Title: "64 goroutines with locks of their own: cycles a second (more is better)", Note: where, Panels: []chart.Panel{
			p.panel("five nodes", cells{"S2", "", 5, bench.Rate}, "/s", ratio),
			p.panel("one node", cells{"S2", "", 1, bench.Rate}, "/s", ratio),
		}}},
		{"s3.svg", "hand-overs between 64 goroutines", chart.Chart{Title: "64 goroutines of one process want one lock, five nodes", Note: where, Panels: []chart.Panel{
			p.panel("hand-overs from one goroutine to another, a second, logarithmic (more is better)", cells{"S3", "", 5, bench.HandOvers}, "/s", logarithmic),
			p.panel("fairness, Jain's index: 1 is fair, 1/64 is one who has it all", cells{"S3", "", 5, bench.Jain}, "", 0),
		}}},
		{"s4.svg", "hand-overs, longest wait and commands of eight processes", chart.Chart{Title: "Eight processes want one lock, five nodes", Note: where, Panels: []chart.Panel{
			p.panel("hand-overs from one process to another, a second (more is better)", cells{"S4", "", 5, bench.HandOvers}, "/s", 0),
			p.panel("longest wait, ms, logarithmic (less is better)", cells{"S4", "", 5, bench.LongestWait}, "ms", logarithmic|capped),
			p.panel("commands to all nodes together for a hand-over, logarithmic (less is better)", cells{"S4", "", 5, bench.CommandsPerHandOver}, "", logarithmic),
		}}},
		{"s4b.svg", "share of the time that the lock is held", chart.Chart{Title: "Eight processes want one lock, 5 ms of work under it, five nodes", Note: where, Panels: []chart.Panel{
			p.panel("share of the time that the lock is held, % (more is better)", cells{"S4b", "", 5, bench.HeldShare}, "%", 0),
			p.panel("the same with 2 ms of network delay a round trip, %", cells{"S4b", bench.Delayed, 5, bench.HeldShare}, "%", 0),
			p.panel("hand-overs from one process to another, a second, without the delay (more is better)", cells{"S4b", "", 5, bench.HandOvers}, "/s", 0),
			p.panel("commands to all nodes together for a hand-over, without the delay, logarithmic (less is better)", cells{"S4b", "", 5, bench.CommandsPerHandOver}, "", logarithmic),
		}}},
		{"s5.svg", "latency with lost nodes", chart.Chart{Title: "One or two of five nodes lost: latency against its own when all is well", Note: "1 is no difference; logarithmic (less is better)", Panels: p.losses()}},
		{"s6.svg", "time from expiry to the next holder", chart.Chart{Title: "The holder is killed: from the expiry of its lock to the next holder", Note: where, Panels: []chart.Panel{
			p.panel("five nodes, ms, logarithmic (less is better)", cells{"S6", "", 5, bench.NextAfterExpiry}, "ms", logarithmic),
			p.panel("one node, ms, logarithmic", cells{"S6", "", 1, bench.NextAfterExpiry}, "ms", logarithmic),
		}}},
	}
	var drawn []Picture
	for _, picture := range all {
		var panels []chart.Panel
		for _, panel := range picture.Chart.Panels {
			if len(panel.Rows) > 0 {
				panels = append(panels, panel)
			}
		}
		if picture.Chart.Panels = panels; len(panels) > 0 {
			drawn = append(drawn, picture)
		}
	}
	return drawn
}

type painter struct{ r *bench.Result }

// cells are those of one metric.
type cells struct {
	scenario, variant string
	nodes             int
	metric            bench.Metric
}

// show is how a panel shows its rows.
type show int

const (
	ratio       show = 1 << iota // with the ratio to the floor
	logarithmic                  // dots, not bars
	capped                       // a value as long as a turn is at least that
)

// panel has a row for each contestant that was measured.
func (p painter) panel(title string, of cells, unit string, how show) chart.Panel {
	panel := chart.Panel{Title: title, Log: how&logarithmic != 0}
	floor := p.r.Find(of.scenario, of.variant, of.nodes, contestant.Floor).Median(of.metric)
	for _, c := range p.r.Contestants {
		cell := p.r.Find(of.scenario, of.variant, of.nodes, c.Name)
		value := cell.Median(of.metric)
		if math.IsNaN(value) {
			continue
		}
		text := Figure(value)
		switch unit {
		case "/s":
			text += unit
		case "":
		default:
			text += " " + unit
		}
		if turn := float64(p.r.Settings.ContendSlice.Milliseconds()); how&capped != 0 && value >= 0.95*turn {
			text = "at least " + text + ", a whole turn"
		}
		if how&ratio != 0 && c.Name != contestant.Floor && !math.IsNaN(floor) {
			text += ", " + Figure(value/floor) + " × floor"
		}
		least, most := cell.Range(of.metric)
		panel.Rows = append(panel.Rows, chart.Row{Label: labelOf(c), Class: classOf(c), Value: value, Least: least, Most: most, Text: text})
	}
	return panel
}

func labelOf(c bench.About) string {
	if c.Label == "" {
		return c.Name
	}
	return c.Label
}

// losses is a panel for each of the losses of S5.
func (p painter) losses() []chart.Panel {
	var panels []chart.Panel
	for _, s := range bench.Situations()[1:] {
		panel := chart.Panel{Title: s.Name, Log: true}
		for _, c := range p.r.Contestants {
			healthy := p.r.Find("S5", bench.Healthy, 5, c.Name).Median(bench.P50)
			cell := p.r.Find("S5", s.Name, 5, c.Name)
			ratio := cell.Median(bench.P50) / healthy
			if math.IsNaN(ratio) {
				continue
			}
			least, most := cell.Range(bench.P50)
			panel.Rows = append(panel.Rows, chart.Row{
				Label: labelOf(c), Class: classOf(c), Value: ratio, Least: least / healthy, Most: most / healthy,
				Text: fmt.Sprintf("%s × (%s ms a cycle)", Figure(ratio), Figure(cell.Median(bench.P50)/1e3)),
			})
		}
		panels = append(panels, panel)
	}
	return panels
}

func classOf(c bench.About) chart.Class {
	switch {
	case c.Ours:
		return chart.Ours
	case c.Name == contestant.Floor, c.Name == contestant.FloorPlain:
		return chart.Floor
	}
	return chart.Peer
}
