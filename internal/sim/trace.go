package sim

import (
	"fmt"
	"strings"
	"time"

	"github.com/redlock-go/redlock/internal/check"
	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/script"
)

// Row is one line of a trace: what happened, and how things stood then.
type Row struct {
	At      time.Duration
	Client  int    // to which machine it happened, -1: to none
	Text    string // what happened; "" if only nodes changed
	Vain    bool   // it is part of an attempt that may come to nothing
	Machine []byte // each client: see the marks below
	Node    []string
}

// How a client stands: the marks of a diagram.
const (
	markIdle    = '|'
	markHolds   = '#'
	markStopped = ':'
	markGone    = ' '
)

// trace writes down a run for people to read.
type trace struct {
	w    *world
	rows []Row
}

func newTrace(w *world) *trace { return &trace{w: w} }

// row adds a line.
func (t *trace) row(client int, format string, args ...any) {
	r := Row{At: t.w.now, Client: client, Text: fmt.Sprintf(format, args...), Vain: format == ""}
	for _, m := range t.w.machines {
		r.Machine = append(r.Machine, m.mark())
	}
	for _, n := range t.w.nodes {
		r.Node = append(r.Node, n.mark(t.w))
	}
	// What only nodes did in between needs no line of its own.
	if last := len(t.rows) - 1; last >= 0 && r.Text == "" && t.rows[last].Text == "" {
		t.rows[last] = r
		return
	}
	t.rows = append(t.rows, r)
}

// vain marks the last line.
func (t *trace) vain() {
	if n := len(t.rows); n > 0 {
		t.rows[n-1].Vain = true
	}
}

func (m *machine) mark() byte {
	p := m.proc
	if p == nil {
		return markGone
	}
	if p.paused > 0 {
		return markStopped
	}
	for _, c := range p.live {
		if c.won && c.lost == nil && p.read() < c.core.Deadline() {
			return markHolds
		}
	}
	return markIdle
}

// mark is who holds each key on the node, and what is the matter with it.
func (n *node) mark(w *world) string {
	if n.down > 0 {
		return "down"
	}
	var b strings.Builder
	for key := range n.holds {
		if key > 0 {
			b.WriteByte(' ')
		}
		holders := n.holders(w, key)
		for i, c := range holders {
			if i > 0 {
				b.WriteByte('+')
			}
			fmt.Fprintf(&b, "%s%d", clientName(c.proc.index), c.id)
		}
		if len(holders) == 0 {
			b.WriteString(n.reserved(w, key))
		}
	}
	if n.hung > 0 {
		b.WriteString(" hung")
	}
	return b.String()
}

// reserved is whom the node keeps a key for, or a dot.
func (n *node) reserved(w *world, key int) string {
	text, _ := n.model.Get(n.ms(w.now), w.keys[key])
	for _, p := range w.procs {
		if id := strings.TrimPrefix(p.waiting.process.Channel(), script.ProcessID{}.Channel()[:len("redlock:wake:")]); script.IsReservation(text) && strings.Contains(text, id) {
			return ">" + clientName(p.index)
		}
	}
	return "."
}

// told writes down what the book was told, as far as it is of interest.
func (t *trace) told(ev check.Event) {
	by := func(format string, args ...any) {
		if c := t.claim(ev.Claim); c != nil {
			t.row(c.proc.index, "#%d "+format, append([]any{c.id}, args...)...)
		}
	}
	switch ev.Kind {
	case check.Asked:
		if c := t.claim(ev.Claim); c != nil && c.waiter != nil {
			by("asks for %s, as waiter %d", t.w.keys[ev.Key], c.waiter.id)
		} else {
			by("asks for %s", t.w.keys[ev.Key])
		}
		t.vain()
	case check.Won:
		by("HOLDS, token %d, until %v", ev.Token, ev.Deadline)
	case check.TookOver:
		by("HOLDS what was handed over, token %d, until %v", ev.Token, ev.Deadline)
	case check.Prolonged:
		by("extends what was handed over until %v", ev.Deadline)
	case check.HandedOver:
		by("is handed over")
	case check.Passed:
		by("passes on, token %d", ev.Token)
	case check.Extended:
		by("extended until %v", ev.Deadline)
	case check.Forced:
		t.row(-1, "** #%d is taken from by force, token %d", ev.Claim, ev.Token)
	case check.Over:
		if c := t.claim(ev.Claim); c != nil {
			by("%s", reasons[c.lost.reason])
			if c.lost.reason == core.Outvoted {
				t.vain()
			}
		}
	case check.Paused:
		t.row(t.w.procs[ev.Client].index, "stops")
	case check.Resumed:
		t.row(t.w.procs[ev.Client].index, "goes on")
	case check.Crashed:
		t.row(t.w.procs[ev.Client].index, "dies")
	case check.Elected:
		by("is ELECTED, and says so")
	case check.Reports:
		t.reported(ev)
	case check.Watches, check.Turns, check.Blind:
	case check.Took, check.Kept, check.Dropped, check.Forgot, check.Rose:
		t.row(-1, "")
	case check.Seen, check.Tried, check.Voted, check.Moved, check.Unanswered, check.Wants, check.Settled, check.Cut, check.Healed, check.Calm, check.Storm,
		check.Stands, check.Missed, check.Stuck, check.Leaves, check.Steady, check.Unsteady, check.Evicts:
	}
}

var reasons = map[core.Reason]string{
	core.Outvoted: "is outvoted", core.Abandoned: "is given up", core.Released: "is released",
	core.HandedOver: "leaves it to others", core.Expired: "has EXPIRED", core.Overrun: "is over: max hold", core.Undone: "is LOST: too few nodes have it",
	core.Evicted: "is EVICTED",
}

// reported writes down what one who watches tells.
func (t *trace) reported(ev check.Event) {
	switch {
	case ev.GaveUp:
		t.row(t.w.procs[ev.Client].index, "does not know who leads %s", t.w.keys[ev.Key])
	case ev.Token == 0:
		t.row(t.w.procs[ev.Client].index, "sees that nobody leads %s", t.w.keys[ev.Key])
	default:
		t.row(t.w.procs[ev.Client].index, "sees a leader of %s, token %d", t.w.keys[ev.Key], ev.Token)
	}
}

// claim finds a claim that is not done.
func (t *trace) claim(id uint64) *claim {
	for _, p := range t.w.procs {
		for _, c := range p.live {
			if c.id == id {
				return c
			}
		}
	}
	return nil
}

func (t *trace) struck(f *Fault) { t.row(-1, "** %s", strings.SplitN(f.String(), " ", 3)[2]) }

func (t *trace) mended(f *Fault) { t.row(-1, "** %v is over", f.What) }

func (t *trace) wrote(o *operation, token uint64, refused bool) {
	if refused {
		t.row(o.proc.index, "#%d writes with token %d: REFUSED (seen %d)", o.claim.id, token, t.w.fenced[o.spec.Key])
		return
	}
	t.row(o.proc.index, "#%d writes with token %d: accepted", o.claim.id, token)
}
