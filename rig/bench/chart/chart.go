// Package chart draws small bar charts in SVG, legible on light and dark
// backgrounds.
package chart

import (
	"encoding/xml"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Chart is a picture: panels, one below the other.
type Chart struct {
	Title  string
	Note   string // a line below the title
	Panels []Panel
}

// Panel is a group of rows with one scale, which begins at 0, or is logarithmic:
// then there are dots in place of bars, as the length of a bar would mean nothing.
type Panel struct {
	Title string
	Log   bool
	Rows  []Row
}

// Row is a bar or a dot.
type Row struct {
	Label              string
	Class              Class
	Value, Least, Most float64
	Text               string // beside the bar
}

// Class is the colour of a row.
type Class string

// The classes.
const (
	Floor Class = "floor"
	Ours  Class = "ours"
	Peer  Class = "peer"
)

// The measures, in pixels.
const (
	width    = 760
	gutter   = 164 // for the labels
	plot     = 400
	pitch    = 22 // of rows
	thick    = 13
	header   = 52
	panelTop = 26
	axis     = 16 // for the numbers below a panel
	panelGap = 12
)

// style holds for both backgrounds, whichever the reader has.
const style = `<style>
.bg{fill:#fff}text{fill:#1f2328}.dim{fill:#59636e}.grid{stroke:#d1d9e0;stroke-width:1}.whisker{stroke:#1f2328;stroke-width:1;fill:none}
.floor{fill:#8c959f}.ours{fill:#1a7f37}.peer{fill:#54aeff}
@media (prefers-color-scheme:dark){.bg{fill:#0d1117}text{fill:#f0f6fc}.dim{fill:#9198a1}.grid{stroke:#3d444d}.whisker{stroke:#f0f6fc}
.floor{fill:#656c76}.ours{fill:#3fb950}.peer{fill:#1f6feb}}
</style>
`

// SVG draws the chart.
func (c Chart) SVG() string {
	height := header
	for _, p := range c.Panels {
		height += p.height()
	}
	w := &strings.Builder{}
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="%s">`,
		width, height, width, height, escape(c.Title))
	w.WriteString("\n" + style)
	fmt.Fprintf(w, `<rect class="bg" width="%d" height="%d"/>`+"\n", width, height)
	fmt.Fprintf(w, `<text x="12" y="21" font-size="15" font-weight="600">%s</text>`+"\n", escape(c.Title))
	fmt.Fprintf(w, `<text class="dim" x="12" y="39">%s</text>`+"\n", escape(c.Note))
	y := header
	for _, p := range c.Panels {
		p.draw(w, y)
		y += p.height()
	}
	w.WriteString("</svg>\n")
	return w.String()
}

func (p Panel) height() int { return panelTop + pitch*len(p.Rows) + axis + panelGap }

func (p Panel) draw(w *strings.Builder, y int) {
	fmt.Fprintf(w, `<text x="12" y="%d" font-weight="600">%s</text>`+"\n", y+14, escape(p.Title))
	at := p.scale()
	top, bottom := y+panelTop-3, y+panelTop+pitch*len(p.Rows)-3
	for _, tick := range p.ticks() {
		fmt.Fprintf(w, `<path class="grid" d="M%.1f %dV%d"/><text class="dim" x="%.1f" y="%d" font-size="10" text-anchor="middle">%s</text>`,
			at(tick), top, bottom, at(tick), bottom+12, short(tick))
	}
	w.WriteString("\n")
	for i, r := range p.Rows {
		r.draw(w, at, y+panelTop+i*pitch, p.Log)
	}
}

func (r Row) draw(w *strings.Builder, at func(float64) float64, y int, log bool) {
	fmt.Fprintf(w, `<text x="%d" y="%d" text-anchor="end">%s</text>`, gutter-8, y+thick-2, escape(r.Label))
	if math.IsNaN(r.Value) {
		fmt.Fprintf(w, `<text class="dim" x="%d" y="%d">%s</text>`+"\n", gutter+6, y+thick-2, escape(r.Text))
		return
	}
	middle := float64(y) + thick/2.0
	if log {
		fmt.Fprintf(w, `<circle class="%s" cx="%.1f" cy="%.1f" r="5.5"/>`, r.Class, at(r.Value), middle)
	} else {
		fmt.Fprintf(w, `<rect class="%s" x="%d" y="%d" width="%.1f" height="%d" rx="2"/>`, r.Class, gutter, y, max(1, at(r.Value)-gutter), thick)
	}
	right := at(r.Value)
	if r.Most > r.Least {
		fmt.Fprintf(w, `<path class="whisker" d="M%.1f %.1fH%.1fM%.1f %.1fv6M%.1f %.1fv6"/>`,
			at(r.Least), middle, at(r.Most), at(r.Least), middle-3, at(r.Most), middle-3)
		right = max(right, at(r.Most))
	}
	fmt.Fprintf(w, `<text x="%.1f" y="%d">%s</text>`+"\n", right+10, y+thick-2, escape(r.Text))
}

// bounds are the least and the greatest value that is drawn.
func (p Panel) bounds() (least, most float64) {
	least, most = math.Inf(1), 0
	for _, r := range p.Rows {
		for _, x := range []float64{r.Value, r.Least, r.Most} {
			if x > 0 { // not NaN either
				least, most = min(least, x), max(most, x)
			}
		}
	}
	if most == 0 {
		return 1, 10
	}
	return least, most
}

// scale is where a value lies.
func (p Panel) scale() func(float64) float64 {
	least, most := p.bounds()
	if !p.Log {
		return func(x float64) float64 { return gutter + plot*max(0, x)/most }
	}
	low, high := math.Floor(math.Log10(least)), math.Ceil(math.Log10(most))
	if high == low {
		high++
	}
	return func(x float64) float64 {
		if x <= 0 {
			return gutter
		}
		return gutter + plot*(math.Log10(x)-low)/(high-low)
	}
}

// ticks are where the grid lies: at round numbers, or at the powers of ten.
func (p Panel) ticks() []float64 {
	least, most := p.bounds()
	var ticks []float64
	if !p.Log {
		step := round(most / 5)
		for i := 0; float64(i)*step <= most; i++ {
			ticks = append(ticks, float64(i)*step)
		}
		return ticks
	}
	low, high := math.Floor(math.Log10(least)), math.Ceil(math.Log10(most))
	if high == low {
		high++
	}
	for e := low; e <= high; e++ {
		ticks = append(ticks, math.Pow(10, e))
	}
	return ticks
}

// round is the next number from x on that is 1, 2 or 5 times a power of ten.
func round(x float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(x)))
	for _, n := range []float64{1, 2, 5} {
		if n*power >= x {
			return n * power
		}
	}
	return 10 * power
}

// short prints a round number.
func short(x float64) string {
	switch {
	case x >= 1e6:
		return strconv.FormatFloat(x/1e6, 'g', 4, 64) + " M"
	case x >= 1e4:
		return strconv.FormatFloat(x/1e3, 'g', 4, 64) + " k"
	}
	return strconv.FormatFloat(x, 'g', 4, 64)
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder has no errors
	return b.String()
}
