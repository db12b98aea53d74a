package chart

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

func TestSVG(t *testing.T) {
	c := Chart{Title: `Latency <&> "more"`, Note: "note", Panels: []Panel{
		{Title: "bars", Rows: []Row{
			{Label: "half", Class: Floor, Value: 50, Least: 50, Most: 50, Text: "50"},
			{Label: "whole", Class: Ours, Value: 100, Least: 90, Most: 100, Text: "100"},
			{Label: "none", Class: Peer, Value: math.NaN(), Text: "not here"},
		}},
		{Title: "dots", Log: true, Rows: []Row{
			{Label: "one", Class: Ours, Value: 1, Least: 1, Most: 1, Text: "1"},
			{Label: "ten", Class: Peer, Value: 10, Least: 10, Most: 10, Text: "10"},
			{Label: "hundred", Class: Peer, Value: 100, Least: 100, Most: 100, Text: "100"},
		}},
	}}
	svg := c.SVG()
	for decoder := xml.NewDecoder(strings.NewReader(svg)); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("not XML: %v\n%s", err, svg)
		}
	}
	for _, want := range []string{
		`class="floor" x="164" y="78" width="200.0"`, // half of the plot
		`class="ours" x="164" y="100" width="400.0"`,
		`class="whisker" d="M524.0`, // from 90
		`cx="364.0"`,                // ten is half way from one to a hundred
		`>80</text>`, `>0</text>`,   // the axis, at round numbers
		"not here", "prefers-color-scheme:dark",
	} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %s in\n%s", want, svg)
		}
	}
}

func TestNothingToDraw(t *testing.T) {
	if svg := (Chart{Panels: []Panel{{Log: true}, {}}}).SVG(); strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
		t.Error(svg)
	}
}
