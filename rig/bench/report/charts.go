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
			p.panel("five nodes, µs", "S1", "", 5, bench.P50, "µs", true, false),
			p.panel("one node, µs", "S1", "", 1, bench.P50, "µs", true, false),
		}}},
		{"s2.svg", "throughput of 64 goroutines", chart.Chart{Title: "64 goroutines with locks of their own: cycles a second (more is better)", Note: where, Panels: []chart.Panel{
			p.panel("five nodes", "S2", "", 5, bench.Rate, "/s", true, false),
			p.panel("one node", "S2", "", 1, bench.Rate, "/s", true, false),
		}}},
		{"s4.svg", "hand-overs and longest wait of eight processes", chart.Chart{Title: "Eight processes want one lock, five nodes", Note: where, Panels: []chart.Panel{
			p.panel("hand-overs from one process to another, a second (more is better)", "S4", "", 5, bench.HandOvers, "/s", false, false),
			p.panel("longest wait, ms, logarithmic (less is better)", "S4", "", 5, bench.LongestWait, "ms", false, true),
		}}},
		{"s5.svg", "latency with lost nodes", chart.Chart{Title: "One or two of five nodes lost: latency against its own when all is well", Note: "1 is no difference; logarithmic (less is better)", Panels: p.losses()}},
		{"s6.svg", "time from expiry to the next holder", chart.Chart{Title: "The holder is killed: from the expiry of its lock to the next holder", Note: where, Panels: []chart.Panel{
			p.panel("five nodes, ms, logarithmic (less is better)", "S6", "", 5, bench.NextAfterExpiry, "ms", false, true),
			p.panel("one node, ms, logarithmic", "S6", "", 1, bench.NextAfterExpiry, "ms", false, true),
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

// panel has a row for each contestant that was measured.
func (p painter) panel(title, scenario, variant string, nodes int, m bench.Metric, unit string, ratio, log bool) chart.Panel {
	panel := chart.Panel{Title: title, Log: log}
	floor := p.r.Find(scenario, variant, nodes, contestant.Floor).Median(m)
	for _, c := range p.r.Contestants {
		cell := p.r.Find(scenario, variant, nodes, c.Name)
		value := cell.Median(m)
		if math.IsNaN(value) {
			continue
		}
		text := Figure(value) + " " + unit
		if unit == "/s" {
			text = Figure(value) + "/s"
		}
		if ratio && c.Name != contestant.Floor && !math.IsNaN(floor) {
			text += ", " + Figure(value/floor) + " × floor"
		}
		least, most := cell.Range(m)
		panel.Rows = append(panel.Rows, chart.Row{Label: c.Name, Class: classOf(c), Value: value, Least: least, Most: most, Text: text})
	}
	return panel
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
				Label: c.Name, Class: classOf(c), Value: ratio, Least: least / healthy, Most: most / healthy,
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
