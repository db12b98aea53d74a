package sim

import (
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/redlock-go/redlock/internal/check"
	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/script"
)

// ear is the subscription of a process to a node: a connection of its own. Who watches an election
// has one of its own, too. (There those of one process share one.)
type ear struct {
	lane   *lane
	watch  *watcher // nil: it is for those who wait
	on     bool     // somebody has had to wait
	run    int      // the run of the server that has it in its books, 0 if none
	stands bool     // it was confirmed, and the client does not know better
	stood  bool     // it was confirmed once
	silent bool     // what comes over it is lost, and the client does not know
	serial uint64
	last   time.Duration // arrival of the last message
	pause  time.Duration
}

// What happens to an ear.
const (
	earDial   = iota // begins to connect
	earSyn           // the wish for it arrives at the node
	earUp            // the confirmation arrives at the client
	earBroken        // the client learns that it is broken
)

// silence is after how long without a sign of life a subscription is given up.
const silence = 3 * time.Second

// message is a push on its way.
type message struct {
	ear    *ear
	serial uint64
	text   string
}

func (e *ear) arg(what int) uint64 { return e.serial<<2 | uint64(what) }

// happen is what happens to an ear.
func (e *ear) happen(w *world, ev event) {
	l := e.lane
	n := l.node
	if ev.arg>>2 != e.serial || l.proc.dead || e.watch != nil && e.watch.op.finished {
		return
	}
	c := l.chance.of(6).of(e.serial)
	switch what := int(ev.arg & 3); what {
	case earDial:
		if l.proc.away(ev) {
			return
		}
		e.serial++
		e.run, e.stands, e.silent = 0, false, false
		out := w.latency(l, c, Out)
		if out.lost || n.dark > 0 {
			w.plan(w.now+silence, evEar, e, e.arg(earBroken))
			return
		}
		w.plan(w.now+2*out.late, evEar, e, e.arg(earSyn))
	case earSyn:
		back := w.latency(l, c, In)
		switch {
		case n.dark > 0 || back.lost:
			w.plan(w.now+silence, evEar, e, e.arg(earBroken))
		case n.down > 0:
			w.plan(w.now+back.late, evEar, e, e.arg(earBroken))
		case n.hung > 0:
			w.plan(w.now+w.s.Timeout, evEar, e, e.arg(earSyn)) // it will answer when it goes on
		default:
			e.run, e.last = n.run, w.now+back.late
			w.plan(e.last, evEar, e, e.arg(earUp))
		}
	case earUp:
		if l.proc.away(ev) {
			return
		}
		if e.run != n.run {
			w.plan(w.now, evEar, e, e.arg(earBroken)) // it went down meanwhile
			return
		}
		e.stands, e.pause = true, subscribeLeast
		if e.watch != nil {
			e.watch.rejoin()
		} else if e.stood {
			l.proc.rejoin()
		} else {
			e.stood = true
			l.proc.hears()
		}
	case earBroken:
		if l.proc.away(ev) {
			return
		}
		e.serial++
		e.run, e.stands = 0, false
		w.plan(w.now+e.pause, evEar, e, e.arg(earDial))
		e.pause = min(2*e.pause, subscribeMost)
	}
}

// hangUp is the end of a subscription that the client finds out soon, or after a
// silence.
func (e *ear) hangUp(w *world, silently bool) {
	if e.run == 0 {
		return
	}
	e.run = 0
	e.misses()
	after := silence
	if !silently {
		after = w.latency(e.lane, e.lane.chance.of(6).of(e.serial).of(1), In).late
	}
	w.plan(w.now+after, evEar, e, e.arg(earBroken))
}

// deafen is the end of a subscription that neither side finds out before a silence.
func (e *ear) deafen(w *world) {
	if e.run != 0 && !e.silent {
		e.silent = true
		e.misses()
		w.plan(w.now+silence, evEar, e, e.arg(earBroken))
	}
}

// hears reports whether a push would arrive.
func (e *ear) hears() bool { return e.run == e.lane.node.run && e.stands && !e.silent }

// misses tells the book that pushes may be lost from now on.
func (e *ear) misses() {
	if e.watch != nil {
		e.watch.missed()
		return
	}
	for _, w := range e.lane.proc.waiting.order {
		w.missed()
	}
}

// missed tells the book that a push was lost.
func (e *ear) missed(text string) {
	if e.watch != nil {
		e.watch.missed()
		return
	}
	what, name, key := script.ReadPush(text)
	p := e.lane.proc
	switch i := slices.Index(p.w.keys, key); {
	case p.dead || what == script.Garbled || i < 0:
	case p.waiting.waiters[name] != nil:
		p.waiting.waiters[name].missed()
	default:
		p.w.tell(check.Event{Kind: check.Missed, Key: i})
	}
}

// publish is PUBLISH on a node: it returns the subscriptions that the server has in its
// books, also such as nothing comes over any more.
func (n *node) publish(w *world, channel, text string) int {
	id, ok := strings.CutPrefix(channel, script.ProcessID{}.Channel()[:len("redlock:wake:")])
	if !ok {
		return n.publishLeader(w, channel, text)
	}
	receivers := 0
	for _, p := range w.procs {
		if hex.EncodeToString(p.waiting.process[:]) != id || p.dead && w.now > p.died+w.s.Latency[1] {
			continue
		}
		e := &p.lanes[n.index].ear
		if e.run != n.run {
			e.missed(text)
			continue
		}
		receivers++
		if _, name, _ := script.ReadPush(text); p.paused > 0 && p.waiting.waiters[name] == nil {
			e.missed(text) // it gave up, and cannot say so before it goes on
		}
		e.push(w, text)
	}
	return receivers
}

// push sends a message on its way over a subscription that the server has in its books.
func (e *ear) push(w *world, text string) {
	if e.lane.proc.dead || e.silent {
		e.missed(text)
		return
	}
	w.serial++
	c := e.lane.chance.of(10).of(w.serial)
	if k := w.link(e.lane); k.mute > 0 && c.of(12).percent(k.mute) {
		e.missed(text)
		return
	}
	t := w.latency(e.lane, c, In)
	if t.lost {
		e.missed(text)
		// Nor does anything that comes after it, until the client gives it up.
		e.silent = true
		w.plan(w.now+silence, evEar, e, e.arg(earBroken))
		return
	}
	if e.last > w.now+w.s.Latency[1] {
		e.missed(text) // it comes behind what a cut holds up, for as long as that lasts
	}
	e.last = max(w.now+t.late, e.last+1)
	w.plan(e.last, evPush, &message{e, e.serial, text}, 0)
}

// happen is what happens to a push: it arrives.
func (m *message) happen(_ *world, ev event) {
	l := m.ear.lane
	if l.proc.away(ev) || m.serial != m.ear.serial || !m.ear.stands && !m.ear.stood {
		return
	}
	if m.ear.watch != nil {
		m.ear.watch.pushed(m.text)
		return
	}
	l.pushed(m.text)
}

// pushed takes a node's message: lane.pushed of the root package.
func (l *lane) pushed(text string) {
	p := l.proc
	if id, _, _, ok := script.ReadEviction(text); ok {
		p.evicted(id)
		return
	}
	what, name, key := script.ReadPush(text)
	w := p.waiting.waiters[name]
	switch {
	case what == script.Garbled:
	case w == nil && what == script.Reserved:
		l.dismiss(key, nil, name)
	case w == nil:
	case what == script.Reserved:
		w.told(func(now core.Time, random float64) { w.core.Pushed(now, l.index, script.PushedSlot(text), random) })
		if w.claim != nil {
			w.claim.step(core.Event{Kind: core.Kept, Node: l.index})
		}
	default:
		w.told(w.core.Look)
	}
}

// dismiss has the node take a waiter out of its queue, or its queues.
func (l *lane) dismiss(key string, kind script.Kind, w script.Waiter) {
	d := core.Debt{Key: key, Waiter: string(w)}
	if kind != nil {
		d.Kind = kind
	}
	l.core.Owe(d)
	l.pay()
}
