package report

import (
	"strings"
	"testing"

	"github.com/redlock-go/redlock/rig/bench"
	"github.com/redlock-go/redlock/rig/bench/contestant"
)

func example() *bench.Result {
	cell := func(name string, p50 ...float64) bench.Cell {
		return bench.Cell{Scenario: "S1", Nodes: 5, Contestant: name, Values: map[bench.Metric][]float64{bench.P50: p50}}
	}
	r := &bench.Result{
		Contestants: []bench.About{
			{Name: contestant.Floor, Settings: "bare"},
			{Name: "ours-rueidis", Ours: true, Settings: "defaults", Modules: map[string]string{"example.com/m": "v1.2.3"}},
			{Name: "one"},
		},
		// As measured, in another order.
		Cells: []bench.Cell{
			cell("ours-rueidis", 150, 120, 130), cell(contestant.Floor, 100, 100, 100),
			{Scenario: "S1", Nodes: 5, Contestant: "one", Empty: "one node only"},
		},
	}
	r.Targets = bench.Targets(r)
	return r
}

func TestMarkdown(t *testing.T) {
	text := Markdown(example())
	for _, want := range []string{
		"| floor | 100 | 1 |\n| ours-rueidis | 130 (120–150) | 1.30 |\n",
		"Not here: one: one node only.",
		"| S1, N=5: p50 of a cycle / floor | ≤ 1.20 | 1.30, not reached: 9 % too much | |",
		"ours-rueidis reaches 0 of 1.",
		"![latency of an uncontended cycle](s1.svg)",
		"- **ours-rueidis**: defaults. (example.com/m v1.2.3)",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "s4.svg") {
		t.Error("a chart of what was not measured")
	}
}

func TestPictures(t *testing.T) {
	pictures := Pictures(example())
	if len(pictures) != 1 || len(pictures[0].Chart.Panels) != 1 {
		t.Fatalf("%+v", pictures)
	}
	rows := pictures[0].Chart.Panels[0].Rows
	if len(rows) != 2 || rows[1].Text != "130 µs, 1.30 × floor" || rows[1].Least != 120 || rows[1].Most != 150 {
		t.Errorf("%+v", rows)
	}
}

func TestFigure(t *testing.T) {
	for x, want := range map[float64]string{
		1234567.4: "1,234,567", 1000: "1,000", 999.4: "999", 12.34: "12.3", 1.234: "1.23", 5: "5", 0.0567: "0.057", 0: "0", -1234: "-1,234",
	} {
		if got := Figure(x); got != want {
			t.Errorf("%g is printed as %s, want %s", x, got, want)
		}
	}
}
