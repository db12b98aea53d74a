package look

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/cmd/redlock/internal/exit"
	"github.com/redlock-go/redlock/cmd/redlock/internal/report"
)

// Details is the object of "redlock inspect --json".
type Details struct {
	Key     string   `json:"key"`
	State   string   `json:"state"`
	Need    int      `json:"need"`
	Holder  *Holder  `json:"holder,omitempty"`
	Waiters []Waiter `json:"waiters"`
	Nodes   []Node   `json:"nodes"`

	Readers     []Share  `json:"readers,omitempty"`      // who share the lock
	Slots       []Share  `json:"slots,omitempty"`        // who have a slot of the semaphore of that name
	SlotWaiters []Waiter `json:"slot_waiters,omitempty"` // and who wait for one
}

// Share is what one of several holders has.
type Share struct {
	Label     string         `json:"label"`
	ID        string         `json:"id"`
	Slot      *int           `json:"slot,omitempty"`
	Nodes     int            `json:"nodes"`
	Remaining *report.Millis `json:"remaining_ms,omitempty"`
}

// Waiter is one who stands in the nodes' queues.
type Waiter struct {
	Process string       `json:"process"`
	Since   report.Stamp `json:"since"`
	Nodes   int          `json:"nodes"`
	Kept    int          `json:"kept,omitempty"` // nodes that keep the key for it now
}

// Node is what one node says.
type Node struct {
	Node      string         `json:"node"`
	Error     string         `json:"error,omitempty"` // why it did not answer, or not in full
	Doubt     string         `json:"doubt,omitempty"` // why its vote would not count
	Holder    string         `json:"holder,omitempty"`
	ID        string         `json:"id,omitempty"`
	Reserved  bool           `json:"reserved,omitempty"`
	Remaining *report.Millis `json:"remaining_ms,omitempty"`
	Token     uint64         `json:"token,omitempty"` // the highest that it has seen
	Waiters   int            `json:"waiters,omitempty"`

	Slots       int `json:"slots,omitempty"` // how many are held there, and
	SlotWaiters int `json:"slot_waiters,omitempty"`
}

// Inspect shows all that the nodes say of a lock. It returns the exit status.
func Inspect(ctx context.Context, l *redlock.Locker, name string, p Page) (status int, err error) {
	in, err := l.Inspect(ctx, name)
	switch {
	case errors.Is(err, redlock.ErrNoQuorum):
		status = exit.NotAcquired
	case err != nil:
		return 0, exit.Failed(err)
	}
	if p.JSON {
		return status, p.object(detailsOf(in))
	}
	return status, exit.Failed(Table(p.Out, in, time.Now()))
}

func detailsOf(in *redlock.Inspection) Details {
	d := Details{
		Key: in.Key, State: string(in.Verdict), Need: in.Need, Holder: holderOf(in.Holder),
		Waiters: waitersOf(in.Waiters), Nodes: make([]Node, len(in.Nodes)),
		Readers: sharesOf(in.Readers, false), Slots: sharesOf(in.Slots, true), SlotWaiters: waitersOf(in.SlotWaiters),
	}
	for i, n := range in.Nodes {
		d.Nodes[i] = Node{
			Node: n.Node, Error: text(n.Err), Doubt: text(n.Doubt), Holder: n.Label, ID: n.HolderID, Reserved: n.Reserved,
			Remaining: millis(n.Remaining), Token: n.Register, Waiters: n.Waiters,
			Slots: n.Slots, SlotWaiters: n.SlotWaiters,
		}
	}
	return d
}

func waitersOf(list []redlock.QueuedWaiter) []Waiter {
	waiters := make([]Waiter, len(list))
	for i, w := range list {
		waiters[i] = Waiter{Process: w.Process, Since: report.Stamp(w.Since), Nodes: w.Nodes, Kept: w.Kept}
	}
	return waiters
}

func sharesOf(list []redlock.Share, slots bool) []Share {
	shares := make([]Share, len(list))
	for i, s := range list {
		shares[i] = Share{Label: s.Label, ID: s.ID, Nodes: s.Nodes, Remaining: millis(s.Remaining)}
		if slots {
			shares[i].Slot = &s.Slot
		}
	}
	return shares
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Table writes what the nodes say of a lock, for people.
func Table(out io.Writer, in *redlock.Inspection, now time.Time) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(table, format+"\n", args...) }
	used := isUsed(in)
	line("%q is %s", in.Key, sentence(in, used))
	if h := in.Holder; h != nil {
		if !h.Since.IsZero() {
			line("  since about %s, or before (%v ago)", h.Since.Local().Format("2006-01-02 15:04:05"), report.Millis(max(0, now.Sub(h.Since))))
		}
		if len(in.Readers) == 0 {
			line("  holder id %s", h.ID)
		}
	}
	for _, r := range in.Readers {
		line("  a reader: %s on %d of %d nodes, for %s yet unless renewed; id %s", word(r.Label), r.Nodes, len(in.Nodes), expires(r.Remaining), r.ID)
	}
	queue := func(of string, waiters []redlock.QueuedWaiter) {
		for i, w := range waiters {
			kept := ""
			if w.Kept > 0 {
				kept = fmt.Sprintf(", kept for it on %d", w.Kept)
			}
			line("  %d. in the queue%s: process %s, for %v, on %d nodes%s", i+1, of, word(w.Process), report.Millis(max(0, now.Sub(w.Since))), w.Nodes, kept)
		}
	}
	queue("", in.Waiters)
	semaphore := len(in.Slots) > 0 || len(in.SlotWaiters) > 0
	if semaphore && used {
		line("the semaphore of that name: %s", slotsHeld(in))
	}
	for _, s := range in.Slots {
		line("  slot %d: %s on %d of %d nodes, for %s yet unless renewed; id %s", s.Slot, word(s.Label), s.Nodes, len(in.Nodes), expires(s.Remaining), s.ID)
	}
	queue(" for a slot", in.SlotWaiters)
	line("")
	columns := []string{"NODE"}
	if used {
		columns = append(columns, "HOLDER", "EXPIRES", "TOKEN", "WAITING")
	}
	switch {
	case semaphore && used:
		columns = append(columns, "SLOTS", "FOR A SLOT")
	case semaphore:
		columns = append(columns, "SLOTS", "WAITING")
	}
	row := func(cells []string, remark string) { line("%s\t%s", strings.Join(cells, "\t"), remark) }
	row(columns, "")
	for _, n := range in.Nodes {
		cells := []string{n.Node}
		if used {
			holder, left := "-", "-"
			switch {
			case n.Reserved:
				holder, left = "(reserved)", expires(n.Remaining)
			case n.HolderID != "":
				holder, left = word(n.Label), expires(n.Remaining)
			}
			cells = append(cells, holder, left, strconv.FormatUint(n.Register, 10), strconv.Itoa(n.Waiters))
		}
		if semaphore {
			cells = append(cells, strconv.Itoa(n.Slots), strconv.Itoa(n.SlotWaiters))
		}
		if !n.Answered {
			for i := range cells[1:] {
				cells[1+i] = "?"
			}
		}
		var remark string
		for _, err := range []error{n.Err, n.Doubt} {
			if err != nil {
				remark = report.OneLine(err.Error())
			}
		}
		row(cells, remark)
	}
	return table.Flush()
}

// isUsed reports whether the name is a lock's, and not a semaphore's only.
func isUsed(in *redlock.Inspection) bool {
	if len(in.Slots)+len(in.SlotWaiters) == 0 || in.Verdict != redlock.Free || len(in.Waiters) > 0 {
		return true
	}
	return in.Holder != nil || slices.ContainsFunc(in.Nodes, func(n redlock.NodeState) bool { return n.Register > 0 })
}

// slotsHeld says how many slots are held.
func slotsHeld(in *redlock.Inspection) string {
	switch n := len(in.Slots); n {
	case 0:
		return "no slot is held"
	case 1:
		return "one slot is held"
	default:
		return fmt.Sprintf("%d slots are held", n)
	}
}

// sentence is the verdict in words.
func sentence(in *redlock.Inspection, used bool) string {
	on := func() string {
		return fmt.Sprintf("%s on %d of %d nodes", word(in.Holder.Label), in.Holder.Nodes, len(in.Nodes))
	}
	switch {
	case !used:
		return "a semaphore: " + slotsHeld(in)
	case in.Verdict == redlock.Held:
		return fmt.Sprintf("held by %s, for %s yet unless renewed", on(), expires(in.Holder.Remaining))
	case in.Verdict == redlock.Unknown:
		return "not known: too few nodes answer"
	case in.Verdict == redlock.Reserved:
		return "reserved for the next in the queue"
	case in.Holder != nil && in.Verdict == redlock.Free:
		return "held by nobody (left over: " + on() + ")"
	case in.Verdict == redlock.Free:
		return "held by nobody"
	case in.Holder != nil:
		return "held by no majority (most: " + on() + ")"
	}
	return "held by no majority"
}
