package demo

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/redlock-go/redlock/cmd/redlock/internal/clock"
)

// Screen shows the state while the workers work.
type Screen interface {
	Pace() time.Duration             // how often to Paint
	Paint(s *state)                  // show it
	Note(s *state, happening string) // something that happens once
	Close(s *state)                  // the last one
}

// Plain is a Screen of lines, for files and programs.
type Plain struct{ Out io.Writer }

// Pace is once a second.
func (p Plain) Pace() time.Duration { return time.Second }

// Paint writes a line.
func (p Plain) Paint(s *state) {
	overlaps, handOvers := audit(s.shifts)
	p.line(s, fmt.Sprintf("%d increments, %d hand-overs, %d overlaps, longest wait %v",
		s.result.Made, handOvers, overlaps, s.result.LongestWait.Round(time.Millisecond)))
}

// Note writes a line.
func (p Plain) Note(s *state, happening string) { p.line(s, happening) }

// Close writes the last line.
func (p Plain) Close(s *state) { p.Paint(s) }

func (p Plain) line(s *state, words string) {
	_, _ = fmt.Fprintf(p.Out, "%5.1fs  %s\n", s.elapsed().Seconds(), words)
}

// LiveHeight is how many lines a terminal needs for a Live screen and the summary
// below it, with so many workers.
func LiveHeight(workers int) int { return workers + 20 }

// Live is a Screen that is painted over in place, on a terminal.
type Live struct {
	Out    io.Writer
	Width  func() int
	Colour bool

	painted int // lines on the screen
	note    string
}

// Escape sequences: what any terminal since the VT100 understands.
const (
	hideCursor = "\x1b[?25l"
	showCursor = "\x1b[?25h"
	clearLine  = "\x1b[K"
)

// Pace is ten times a second.
func (l *Live) Pace() time.Duration { return 100 * time.Millisecond }

// Paint paints over what was painted before.
func (l *Live) Paint(s *state) {
	var b strings.Builder
	b.WriteString(hideCursor)
	if l.painted > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", l.painted)
	}
	lines := l.frame(s)
	for _, line := range lines {
		b.WriteString("\r" + line + clearLine + "\n")
	}
	l.painted = len(lines)
	_, _ = io.WriteString(l.Out, b.String())
}

// Note is shown from the next painting on.
func (l *Live) Note(s *state, happening string) {
	l.note = fmt.Sprintf("%.1fs: %s", s.elapsed().Seconds(), happening)
	l.Paint(s)
}

// Close paints it for the last time and gives the cursor back.
func (l *Live) Close(s *state) {
	l.Paint(s)
	_, _ = io.WriteString(l.Out, showCursor)
}

// frame is what is to be seen.
func (l *Live) frame(s *state) []string {
	overlaps, handOvers := audit(s.shifts)
	what := "under a lock on"
	if s.options.Unlocked {
		what = "without a lock, beside"
	}
	elapsed := min(s.elapsed(), s.options.For)
	lines := []string{
		l.fit(fmt.Sprintf("%d processes increment one counter %s %d nodes   %.1fs of %v",
			len(s.workers), what, len(s.nodes), elapsed.Seconds(), s.options.For), ""),
		"",
	}
	nodes := "  nodes"
	room := l.Width() - len(nodes)
	for i, n := range s.nodes {
		word := fmt.Sprintf("  %d %s", i+1, n)
		if room -= len(word); room > 0 {
			nodes += l.paint(word, map[nodeState]string{up: green, killed: red, frozen: yellow}[n])
		}
	}
	lines = append(lines, nodes)
	for i, w := range s.workers {
		lines = append(lines, l.worker(i, w))
	}
	return append(lines,
		"",
		l.fit(fmt.Sprintf("  %d increments   %d hand-overs   longest wait %v", s.result.Made, handOvers, s.result.LongestWait.Round(time.Millisecond)), ""),
		l.fit(fmt.Sprintf("  %d overlaps", overlaps), map[bool]string{true: red}[overlaps > 0]),
		l.fit("  "+l.note, yellow),
	)
}

func (l *Live) worker(i int, w workerState) string {
	words, colour := "starts", ""
	switch w.did {
	case begins:
		words, colour = "holds the lock", green
	case waits:
		words = fmt.Sprintf("waits, %v", clock.Now().Sub(w.since).Round(time.Millisecond))
	case ends:
		words = "lets go"
	case loses:
		words, colour = "has lost its lease", red
	case fails:
		words, colour = "could not get the lock", yellow
	}
	return l.fit(fmt.Sprintf("  process %d  %6d increments   %s", i+1, w.made, words), colour)
}

const (
	red    = "31"
	green  = "32"
	yellow = "33"
)

// fit cuts the line to the screen, whose next line is painted over otherwise, and
// colours it.
func (l *Live) fit(line, colour string) string {
	if width := l.Width() - 1; len(line) > width && width > 0 {
		line = line[:width]
	}
	return l.paint(line, colour)
}

func (l *Live) paint(text, colour string) string {
	if !l.Colour || colour == "" || strings.TrimSpace(text) == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}
