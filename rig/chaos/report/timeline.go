package report

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redlock-go/redlock/rig/chaos"
	"github.com/redlock-go/redlock/rig/clock"
)

// The measures of the time line, in pixels.
const (
	gutter    = 128 // for the names of the lanes
	stretch   = 1152
	laneOf    = 10 // of a node, of the clients
	lockOf    = 7  // of a lock
	between   = 6  // groups of lanes
	header    = 46
	axis      = 18
	ticks     = 6 // in a row, more or less
	clientsOf = 5 // of one client
)

// timeline draws one picture: rows of an equal length of time, one below the other,
// each with the same lanes.
type timeline struct {
	strings.Builder
	r        chaos.Result
	from, to clock.Instant
	row      time.Duration
	tick     time.Duration
	rows     int
	height   float64 // of a row
	groups   []group // of lanes, one for each contestant
}

// group are the lanes of a contestant's locks.
type group struct {
	top   float64  // below the clients'
	parts []string // a lane each
}

// Timeline is the run as an SVG picture: a lane for each node with its faults, one
// for each client, and for each contestant one of each lock with its leases,
// overlaps in red. It is made for light and dark backgrounds.
func Timeline(r chaos.Result) string {
	t := &timeline{r: r}
	if len(r.Sections) > 0 {
		t.from, t.to = r.Sections[0].From, r.Sections[len(r.Sections)-1].To
	}
	whole := max(t.to.Sub(t.from), time.Second)
	for _, t.tick = range []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute} {
		if whole <= 6*ticks*t.tick {
			break
		}
	}
	// As many rows as that makes, and each as full as the others.
	t.rows = max(1, int((whole+ticks*t.tick/2)/(ticks*t.tick)))
	t.row = whole/time.Duration(t.rows) + 1
	top := 0.0
	for _, c := range r.Contestants {
		g := group{top, c.Parts()}
		t.groups = append(t.groups, g)
		top += float64(len(g.parts)*lockOf + between)
	}
	t.height = axis + 5*laneOf + between + float64(r.Terms.Clients*clientsOf) + between + top
	t.draw()
	return t.String()
}

func (t *timeline) draw() {
	width, height := gutter+stretch+12, header+float64(t.rows)*t.height+4
	t.printf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %.0f" width="%d" height="%.0f" font-family="system-ui, sans-serif" font-size="10">`, width, height, width, height)
	t.WriteString(style)
	t.printf(`<rect class="bg" width="%d" height="%.0f"/>`, width, height)
	t.legend()
	for _, o := range t.r.Sections {
		if !o.Within {
			t.bar(o.From, o.To, "out", "", func(row int) float64 { return t.top(row) + axis - 4 }, t.height-axis-2)
		}
	}
	for row := range t.rows {
		t.frame(row)
	}
	for _, o := range t.r.Sections {
		t.section(o)
	}
	t.WriteString("</svg>\n")
}

// style holds for both backgrounds, whichever the reader has.
const style = `<style>
.bg{fill:#fff}text{fill:#1f2328}.dim{fill:#59636e}.grid{stroke:#d1d9e0;stroke-width:.5}.cut{stroke:#59636e;stroke-dasharray:3 2}
.ours{stroke:#1a7f37}.peer{stroke:#57606a}.ours,.peer,.read{stroke-width:5}.read{stroke:#1a7f37;stroke-opacity:.45}.bad{fill:#d1242f}
.kill{fill:#6e4fc4}.stop{fill:#0969da}.net{fill:#bf8700}.mem{fill:#bc4c00}.disk{fill:#6e7781}.tail{opacity:.28}.out{fill:#fff1e5}
@media (prefers-color-scheme:dark){.bg{fill:#0d1117}text{fill:#f0f6fc}.dim{fill:#9198a1}.grid{stroke:#3d444d}.cut{stroke:#9198a1}
.ours,.read{stroke:#3fb950}.peer{stroke:#8b949e}.bad{fill:#ff5c57}.kill{fill:#a58af5}.stop{fill:#58a6ff}.net{fill:#d29922}.mem{fill:#f0883e}.disk{fill:#9198a1}.out{fill:#271b12}}
</style>
`

// legend names the colours.
func (t *timeline) legend() {
	t.printf(`<text x="8" y="16" font-size="13" font-weight="600">Leases against faults, seed %d, TTL %v</text>`, t.r.Terms.Seed, t.r.Terms.TTL)
	x := 8.0
	for _, item := range []struct{ class, text string }{
		{"kill", "killed"},
		{"stop", "SIGSTOP"},
		{"net", "network"},
		{"mem", "FLUSHALL, clock"},
		{"disk", "disk full"},
		{"ours", "lease, this library"},
		{"read", "of readers"},
		{"peer", "lease, others"},
		{"bad", "two leases at once"},
	} {
		if slices.Contains([]string{"ours", "read", "peer"}, item.class) {
			t.printf(`<path class="%s" d="M%.0f 32h12"/>`, item.class, x)
		} else {
			t.printf(`<rect class="%s" x="%.0f" y="28" width="12" height="8"/>`, item.class, x)
		}
		t.printf(`<text x="%.0f" y="36">%s</text>`, x+16, item.text)
		x += 34 + 5.4*float64(len(item.text))
	}
	t.printf(`<text class="dim" x="%.0f" y="36">pale: until the node counts as well again; tinted: beyond the assumptions of I1</text>`+"\n", x)
}

// frame draws the axis of a row and the names of its lanes.
func (t *timeline) frame(row int) {
	top := t.top(row)
	begin := time.Duration(row) * t.row
	for at := (begin + t.tick - 1).Truncate(t.tick); at < begin+t.row; at += t.tick {
		x := gutter + stretch*float64(at-begin)/float64(t.row)
		t.printf(`<path class="grid" d="M%.1f %.1fV%.1f"/>`, x, top+axis-4, top+t.height-between)
		if !t.marked(at) {
			t.printf(`<text class="dim" x="%.1f" y="%.1f" text-anchor="middle">%.4g s</text>`, x, top+axis-7, at.Seconds())
		}
	}
	for node := range 5 {
		t.printf(`<text class="dim" x="%d" y="%.1f" text-anchor="end">node %d</text>`, gutter-6, t.nodeLane(row, node)+8, node)
	}
	t.printf(`<text class="dim" x="%d" y="%.1f" text-anchor="end">clients</text>`, gutter-6, t.clientLane(row, 0)+8)
	for i, c := range t.r.Contestants {
		if !c.Kinds {
			t.printf(`<text x="%d" y="%.1f" text-anchor="end">%s</text>`, gutter-6, t.lockLane(row, i, 0)+9, escape(c.Name))
			continue
		}
		t.printf(`<text x="%d" y="%.1f" text-anchor="end">%s</text>`, gutter-38, t.lockLane(row, i, 0)+9, escape(c.Name))
		for lane, part := range t.groups[i].parts {
			what, slot, _ := strings.Cut(strings.TrimPrefix(part, c.Name+"/"), "#")
			t.printf(`<text class="dim" x="%d" y="%.1f" text-anchor="end" font-size="7">%s %s</text>`, gutter-6, t.lockLane(row, i, lane)+6, escape(what), slot)
		}
	}
	t.WriteString("\n")
}

// marked reports whether the title of a section takes the place of the time.
func (t *timeline) marked(at time.Duration) bool {
	row, x := t.place(t.from.Add(at))
	for _, o := range t.r.Sections {
		from, to, on := t.title(o)
		if on == row && from-20 < x && x < to+20 {
			return true
		}
	}
	return false
}

// title is where the title of a section stands: after its beginning, or before it
// where there is no room.
func (t *timeline) title(o chaos.Outcome) (from, to float64, row int) {
	row, x := t.place(o.From)
	width := 5.8 * float64(len(o.Title))
	if x+width > gutter+stretch {
		return x - width, x, row
	}
	return x, x + width, row
}

func (t *timeline) section(o chaos.Outcome) {
	row, x := t.place(o.From)
	anchor := "start"
	if from, _, _ := t.title(o); from < x {
		anchor = "end"
	}
	t.printf(`<path class="cut" d="M%.1f %.1fV%.1f"/><text x="%.1f" y="%.1f" font-weight="600" text-anchor="%s">%s</text>`+"\n",
		x, t.top(row)+axis-4, t.top(row)+t.height-between, x, t.top(row)+axis-7, anchor, escape(o.Title))
	for _, f := range o.Faults {
		title := fmt.Sprintf("node %d: %s, %v", f.Node, f.What, f.To.Sub(f.From).Round(time.Millisecond))
		t.bar(f.To, f.Until, classOf(f.What)+" tail", "", func(row int) float64 { return t.nodeLane(row, f.Node) + 1 }, laneOf-3)
		t.bar(f.From, max(f.To, f.From.Add(t.row/500)), classOf(f.What), title, func(row int) float64 { return t.nodeLane(row, f.Node) + 1 }, laneOf-3)
	}
	for _, h := range o.Harm {
		class := classOf(h.What)
		t.bar(h.From, max(h.To, h.From.Add(t.row/500)), class, "", func(row int) float64 { return t.clientLane(row, h.Client) + 1 }, clientsOf-2)
	}
	for i, s := range o.Scores {
		t.leases(i, s)
	}
	t.WriteString("\n")
}

// leases draws the leases of a contestant, all that are alike in one path, and over them the
// overlaps.
func (t *timeline) leases(contestant int, s chaos.Score) {
	lane := func(lock string) int { return max(0, slices.Index(t.groups[contestant].parts, lock)) }
	path := func(class string, drawn func(chaos.Lease) bool) {
		// In tenths of a pixel, each piece from the end of the one before: there are
		// thousands of them.
		var d strings.Builder
		var atX, atY int
		moved := "M"
		for _, l := range s.Leases {
			if !drawn(l) {
				continue
			}
			t.pieces(l.Begin, l.End, func(row int, x, width float64) {
				toX, toY := int(x*10), int(t.lockLane(row, contestant, lane(l.Lock))*10)+30
				long := max(4, int(width*10))
				fmt.Fprintf(&d, "%s%s %sh%s", moved, tenths(toX-atX), tenths(toY-atY), tenths(long))
				atX, atY, moved = toX+long, toY, "m"
			})
		}
		if d.Len() > 0 {
			t.printf(`<path class="%s" d="%s"/>`, class, d.String())
		}
	}
	shared := func(l chaos.Lease) bool { return l.Shared }
	alone := func(l chaos.Lease) bool { return !l.Shared }
	if t.r.Contestants[contestant].Ours {
		path("read", shared)
		path("ours", alone)
	} else {
		path("peer", alone)
	}
	for _, o := range s.Overlaps {
		end := min(o.First.End, o.Second.End)
		title := fmt.Sprintf("%s: two leases at once for %v", o.Lock, o.For().Round(time.Millisecond))
		t.bar(o.Second.Begin, max(end, o.Second.Begin.Add(t.row/600)), "bad", title,
			func(row int) float64 { return t.lockLane(row, contestant, lane(o.Lock)) - 1 }, lockOf+1)
	}
}

// tenths prints a number of tenths.
func tenths(n int) string { return strconv.FormatFloat(float64(n)/10, 'g', -1, 64) }

// classOf is the colour of a fault.
func classOf(what string) string {
	switch {
	case strings.HasPrefix(what, "killed"):
		return "kill"
	case what == "frozen":
		return "stop"
	case what == "flushed", strings.HasPrefix(what, "clock"):
		return "mem"
	case strings.HasPrefix(what, "disk"):
		return "disk"
	}
	return "net"
}

// bar draws a time as a rectangle, or several where it spans rows.
func (t *timeline) bar(from, to clock.Instant, class, title string, y func(row int) float64, height float64) {
	t.pieces(from, to, func(row int, x, width float64) {
		t.printf(`<rect class="%s" x="%.1f" y="%g" width="%.1f" height="%g"`, class, x, y(row), width, height)
		if title == "" {
			t.WriteString("/>")
			return
		}
		t.printf("><title>%s</title></rect>", escape(title))
	})
}

// pieces cuts a time into the rows on which it lies.
func (t *timeline) pieces(from, to clock.Instant, draw func(row int, x, width float64)) {
	for from < to {
		row, x := t.place(from)
		if row < 0 || row >= t.rows {
			return
		}
		end := min(to, t.from.Add(time.Duration(row+1)*t.row))
		draw(row, x, stretch*float64(end.Sub(from))/float64(t.row))
		from = end
	}
}

// place is where an instant lies.
func (t *timeline) place(at clock.Instant) (row int, x float64) {
	since := at.Sub(t.from)
	row = int(since / t.row)
	return row, gutter + stretch*float64(since-time.Duration(row)*t.row)/float64(t.row)
}

func (t *timeline) top(row int) float64 { return header + float64(row)*t.height }

func (t *timeline) nodeLane(row, node int) float64 {
	return t.top(row) + axis + float64(node*laneOf)
}

func (t *timeline) clientLane(row, client int) float64 {
	return t.nodeLane(row, 5) + between + float64(client*clientsOf)
}

func (t *timeline) lockLane(row, contestant, lock int) float64 {
	return t.clientLane(row, t.r.Terms.Clients) + between + t.groups[contestant].top + float64(lock*lockOf)
}

func (t *timeline) printf(format string, args ...any) { fmt.Fprintf(t, format, args...) }

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder has no errors
	return b.String()
}
