package report

import "fmt"

// What goes wrong when somebody looks, or takes a lock by force.

// Incomplete tells that locks may be missing from a list.
type Incomplete struct {
	Need  int           `json:"need"` // how many nodes have to be read
	Got   int           `json:"got"`
	Nodes []NodeTrouble `json:"nodes,omitempty"`
}

func (Incomplete) name() string { return "incomplete" }

func (e Incomplete) words(bool) []string {
	return append([]string{fmt.Sprintf("locks may be missing: %d of the %d nodes needed could be read", e.Got, e.Need)}, troubles(e.Nodes)...)
}

// Degraded tells that a list is complete without some of the nodes.
type Degraded struct {
	Nodes []NodeTrouble `json:"nodes"`
	Of    int           `json:"of"` // how many nodes there are
}

func (Degraded) name() string { return "degraded" }

func (e Degraded) words(bool) []string {
	return append([]string{fmt.Sprintf("shown without %d of the %d nodes:", len(e.Nodes), e.Of)}, troubles(e.Nodes)...)
}

// NotForced tells that a lock was not taken from its holder.
type NotForced struct {
	Key    string        `json:"key"`
	Reason string        `json:"reason"`           // "held" by another, "not_held" or "no_quorum"
	Holder string        `json:"holder,omitempty"` // who has it instead
	ID     string        `json:"id,omitempty"`
	Need   int           `json:"need,omitempty"`
	Got    int           `json:"got,omitempty"`
	Nodes  []NodeTrouble `json:"nodes,omitempty"`
	Begun  bool          `json:"begun,omitempty"` // it is gone on some nodes
}

// ReasonNotHeld is the reason of NotForced if nobody holds the lock.
const ReasonNotHeld = "not_held"

func (NotForced) name() string { return "not_forced" }

func (e NotForced) words(bool) []string {
	start := fmt.Sprintf("did not take %q", e.Key)
	switch e.Reason {
	case ReasonNotHeld:
		return []string{start + ": nobody holds it"}
	case ReasonHeld:
		line := start + ": another holds it now: " + e.Holder
		if e.ID != "" {
			line += ", id " + e.ID
		}
		return []string{line}
	}
	lines := append([]string{fmt.Sprintf("%s: no quorum, %d of the %d nodes needed", start, e.Got, e.Need)}, troubles(e.Nodes)...)
	if e.Begun {
		lines = append(lines, "hint: it is gone on some nodes, and its holder may have heard of it; try again")
	}
	return lines
}

// OneLine is what others wrote, as one line that plays no tricks on the terminal.
func OneLine(s string) string { return oneLine(s) }
