package report

import (
	"fmt"
	"time"
)

// What happens to the lock.

// NodeTrouble is why one node did not do as asked.
type NodeTrouble struct {
	Node  string `json:"node"`
	Error string `json:"error"`
}

func troubles(nodes []NodeTrouble) []string {
	lines := make([]string, len(nodes))
	for i, n := range nodes {
		lines[i] = "  " + n.Node + ": " + n.Error
	}
	return lines
}

// Blocked is why a lock could not be had: somebody holds it, or too few nodes
// answered.
type Blocked struct {
	Reason    string        `json:"reason,omitempty"` // "held" or "no_quorum"
	Holder    string        `json:"holder,omitempty"`
	Busy      string        `json:"busy,omitempty"`         // which one of several keys it is
	Remaining Millis        `json:"remaining_ms,omitempty"` // how long the key lives yet, unless it is renewed
	Reserved  bool          `json:"reserved,omitempty"`     // nobody holds it: it is kept for Holder, the next in the queue, for a moment
	Need      int           `json:"need,omitempty"`         // how many nodes decide
	Got       int           `json:"got,omitempty"`          // how many did as asked
	Nodes     []NodeTrouble `json:"nodes,omitempty"`        // why each of the others did not
}

// The reasons of Blocked.
const (
	ReasonHeld     = "held"
	ReasonNoQuorum = "no_quorum"
)

func (b Blocked) words(start string) []string {
	switch b.Reason {
	case ReasonHeld:
		if b.Busy != "" {
			start += fmt.Sprintf(": %q is", b.Busy)
		}
		sep := ": "
		if b.Busy != "" {
			sep = " "
		}
		if b.Reserved {
			line := start + sep + "reserved for " + b.Holder
			if b.Remaining > 0 {
				line += fmt.Sprintf(", for %v at most", b.Remaining)
			}
			return []string{line}
		}
		line := start + sep + "held by " + b.Holder
		if b.Remaining > 0 {
			line += fmt.Sprintf(", for %v yet unless renewed", b.Remaining)
		}
		return []string{line}
	case "":
		return []string{start} // it ended before the nodes had answered
	}
	return append([]string{fmt.Sprintf("%s: no quorum, %d of the %d nodes needed", start, b.Got, b.Need)}, troubles(b.Nodes)...)
}

// Waiting tells that the lock cannot be had now, and that we wait for it.
type Waiting struct {
	Key string `json:"key"`
	Blocked
}

func (Waiting) name() string { return "waiting" }

func (e Waiting) words(bool) []string {
	return e.Blocked.words(fmt.Sprintf("waiting for %q", e.Key))
}

// NotAcquired tells that we did not get the lock: the command does not run.
type NotAcquired struct {
	Key    string `json:"key"`
	Waited Millis `json:"waited_ms"`
	Blocked
	TimedOut bool   `json:"timed_out"` // --wait ran out
	Hint     string `json:"hint,omitempty"`
}

func (NotAcquired) name() string { return "not_acquired" }

func (e NotAcquired) words(bool) []string {
	start := fmt.Sprintf("did not get %q", e.Key)
	if e.TimedOut {
		start += fmt.Sprintf(" within %v", e.Waited)
	}
	return hinted(e.Blocked.words(start), e.Hint)
}

// Acquired tells that the lock is ours.
type Acquired struct {
	Key      string `json:"key"`
	Token    uint64 `json:"token"`
	Deadline Stamp  `json:"deadline"` // when the lease ends unless it is extended
	Waited   Millis `json:"waited_ms"`
	Told     bool   `json:"-"` // that we were waiting: then also tell that it is over
}

func (Acquired) name() string { return "acquired" }

func (e Acquired) words(verbose bool) []string {
	if !verbose && !e.Told {
		return nil
	}
	return []string{fmt.Sprintf("acquired %q after %v, token %d", e.Key, e.Waited, e.Token)}
}

// Extended tells that the lease was extended.
type Extended struct {
	Deadline Stamp `json:"deadline"`
}

func (Extended) name() string { return "extended" }

func (e Extended) words(verbose bool) []string {
	return ifVerbose(verbose, fmt.Sprintf("extended the lease, valid for %v", human(time.Until(time.Time(e.Deadline)))))
}

// Lost tells that the lease is over or cannot be kept, so that the command has
// been sent SIGTERM.
type Lost struct {
	Key       string `json:"key"`
	Reason    string `json:"reason"` // "lost", "not_renewed" or "max_hold"
	KillAfter Millis `json:"kill_after_ms"`
	Detail    string `json:"detail,omitempty"`
}

// The reasons of Lost.
const (
	LostLease  = "lost"        // the nodes do not have it any more, or its deadline passed
	NotRenewed = "not_renewed" // it could not be extended, and its deadline comes near
	MaxHold    = "max_hold"    // --max-hold is over
)

func (Lost) name() string { return "lost" }

func (e Lost) words(bool) []string {
	var what string
	switch e.Reason {
	case MaxHold:
		what = fmt.Sprintf("--max-hold is over for %q", e.Key)
	case NotRenewed:
		what = fmt.Sprintf("could not renew the lease of %q", e.Key)
	default:
		what = fmt.Sprintf("lost the lease of %q", e.Key)
	}
	lines := []string{fmt.Sprintf("%s: stopping the command, SIGTERM now, SIGKILL in %v", what, e.KillAfter)}
	if e.Detail != "" {
		lines = append(lines, "  "+e.Detail)
	}
	return lines
}

// Released tells that the lock was given back.
type Released struct {
	Held Millis `json:"held_ms"`
}

func (Released) name() string { return "released" }

func (e Released) words(verbose bool) []string {
	return ifVerbose(verbose, fmt.Sprintf("released, held for %v", e.Held))
}

// NotReleased tells that the lock could not be given back on enough nodes, and
// may stay taken for some time.
type NotReleased struct {
	Key       string        `json:"key"`
	Remaining Millis        `json:"remaining_ms"` // how long the key may remain
	Error     string        `json:"error"`
	Nodes     []NodeTrouble `json:"nodes,omitempty"`
}

func (NotReleased) name() string { return "not_released" }

func (e NotReleased) words(bool) []string {
	lines := []string{fmt.Sprintf("could not release %q, it may stay locked for %v: %s", e.Key, e.Remaining, e.Error)}
	return append(lines, troubles(e.Nodes)...)
}
