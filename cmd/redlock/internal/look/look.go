// Package look is what "redlock ls", "inspect", "leader" and "release --force" have to show:
// tables for people, or an object a line for programs, on stdout.
package look

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/cmd/redlock/internal/exit"
	"github.com/redlock-go/redlock/cmd/redlock/internal/report"
)

// Page is where it is shown.
type Page struct {
	Out  io.Writer
	JSON bool
	Tell func(report.Event) // what goes wrong
}

// object writes a line of JSON. <, > and & stay as they are.
func (p Page) object(v any) error {
	enc := json.NewEncoder(p.Out)
	enc.SetEscapeHTML(false)
	return exit.Failed(enc.Encode(v))
}

// Lock is one lock as a line of "redlock ls --json". It is a contract, as Details, Taken
// and Reign are: cmd/redlock/README.md has it. Fields are only added.
type Lock struct {
	Key      string  `json:"key"`
	Name     string  `json:"name"`
	State    string  `json:"state"` // "held", "free", "reserved", "split" or "unknown"
	Holder   *Holder `json:"holder,omitempty"`
	Slots    []Share `json:"slots,omitempty"` // of a semaphore: who has one
	Answered int     `json:"answered"`        // how many nodes told who has it
	Need     int     `json:"need"`            // how many are a majority
}

// Holder is who has the key of a lock on most nodes.
type Holder struct {
	Label     string         `json:"label"`
	ID        string         `json:"id"` // for release --force --holder
	Foreign   bool           `json:"foreign,omitempty"`
	Nodes     int            `json:"nodes"`                  // how many have it
	Remaining *report.Millis `json:"remaining_ms,omitempty"` // absent if not known; -1: it does not expire
	Since     *report.Stamp  `json:"since,omitempty"`        // about, or before
}

func holderOf(h *redlock.Holder) *Holder {
	if h == nil {
		return nil
	}
	shown := &Holder{Label: h.Label, ID: h.ID, Foreign: h.Foreign, Nodes: h.Nodes, Remaining: millis(h.Remaining)}
	if !h.Since.IsZero() {
		since := report.Stamp(h.Since)
		shown.Since = &since
	}
	return shown
}

// millis is nil for what is not known, and -1 for ever.
func millis(d time.Duration) *report.Millis {
	switch {
	case d == 0:
		return nil
	case d < 0:
		d = -time.Millisecond
	}
	m := report.Millis(d)
	return &m
}

// expires is the same for people.
func expires(d time.Duration) string {
	switch {
	case d == 0:
		return "?"
	case d < 0:
		return "never"
	}
	return report.Millis(d).String()
}

// word keeps what others wrote in one cell of a table, and from playing tricks on the
// terminal.
func word(s string) string {
	quoted := fmt.Sprintf("%q", s)
	if quoted[1:len(quoted)-1] != s || s == "" || strings.ContainsAny(s, " \t") {
		return quoted
	}
	return s
}

// troubles are a quorum's failures, for events.
func troubles(q *redlock.QuorumError) []report.NodeTrouble {
	list := make([]report.NodeTrouble, len(q.Nodes))
	for i, n := range q.Nodes {
		list[i] = report.NodeTrouble{Node: n.Node, Error: n.Err.Error()}
	}
	return list
}
