package sim

import (
	"time"

	"github.com/redlock-go/redlock/internal/check"
	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/resp"
)

// accident is a fault that happens in a run.
type accident struct {
	*Fault
	proc *process // that was hit
	run  int      // of the server that was hit
}

// prepare plans a fault.
func (w *world) prepare(f *Fault) {
	a := &accident{Fault: f}
	w.plan(f.At, evStrike, a, 0)
	if f.Memory == Stale {
		w.plan(max(0, f.At-f.By), evSave, a, 0)
	}
	switch f.What {
	case Delay, Drop, Echo:
		w.stretched = true
	default:
	}
}

// happen is what happens to an accident: it begins and ends.
func (a *accident) happen(w *world, ev event) {
	switch ev.kind {
	case evSave:
		if n := w.nodes[a.Node]; n.down == 0 {
			n.memorize()
		}
		return
	case evStrike:
		w.stats.Faults[a.What]++
		if w.trace != nil {
			w.trace.struck(a.Fault)
		}
		a.strike(w)
	case evMend:
		if w.trace != nil && a.For > 0 {
			w.trace.mended(a.Fault)
		}
		a.mend(w)
	}
	w.weather()
}

func (a *accident) strike(w *world) {
	if a.For > 0 && a.What != Pause && a.What != Kill && a.What != Preempt {
		w.plan(w.now+a.For, evMend, a, 0)
	}
	switch a.What {
	case Crash, Promote, Replace, Hang, Flush, Jump:
		a.hit(w, w.nodes[a.Node])
	case Rate:
		if a.Client != Any {
			w.machines[a.Client].tune(w, a.PPM)
		} else {
			w.nodes[a.Node].clock.tune(w.now, a.PPM)
		}
	case Wall:
		w.machines[a.Client].wall += a.By
	case Evict:
		w.lookAndEvict(a.Fault)
	case Pause, Kill, Preempt:
		p := w.machines[a.Client].proc
		if p == nil {
			return
		}
		a.proc = p
		w.restless++
		if a.What == Preempt {
			w.uneasy++
		}
		if a.After == 0 && a.What != Preempt {
			w.halt(a)
		} else {
			p.armed = append(p.armed, armed{a, a.After})
		}
	default:
		if a.What == Repeat {
			// What is repeated is not accepted twice: a token can be raised in vain.
			w.restless++
			w.uneasy++
		}
		a.links(w, func(k *link, l *lane) { a.impair(w, k, l) })
	}
}

// links does something to every link that the fault is about. The lane is nil
// while no process runs there.
func (a *accident) links(w *world, do func(k *link, l *lane)) {
	for _, m := range w.machines {
		for i := range w.nodes {
			if a.Client != Any && a.Client != m.index || a.Node != Any && a.Node != i {
				continue
			}
			var l *lane
			if m.proc != nil {
				l = &m.proc.lanes[i]
			}
			do(w.linkOf(m.index, i), l)
		}
	}
}

// impair begins what is the matter with a link.
func (a *accident) impair(w *world, k *link, l *lane) {
	switch a.What {
	case Delay, Drop, Echo:
		k.singles = append(k.singles, a.Fault)
		return
	case Deafen:
		if l == nil {
			return
		}
		for _, e := range l.ears() {
			if a.Silent {
				e.deafen(w)
			} else {
				e.hangUp(w, false)
			}
		}
		return
	case Reset:
		w.trouble(k, l, +1)
		if l != nil {
			w.sever(l)
		}
		w.trouble(k, l, -1)
		return
	default:
	}
	a.change(k, +1)
	if a.What == Mute {
		return
	}
	if a.What == Sever {
		k.cutUntil = max(k.cutUntil, w.now+a.For)
	}
	w.trouble(k, l, +1)
}

// change counts what is the matter with a link.
func (a *accident) change(k *link, by int) {
	switch a.What {
	case Sever:
		k.cut[a.Way] += by
	case Slow:
		k.slow += time.Duration(by) * a.By
	case Lose:
		k.lose += by * a.Percent
	case Repeat:
		k.repeat += by * a.Percent
	case Tear:
		k.tear += by * a.Percent
	case Mute:
		k.mute += by * a.Percent
	default:
	}
}

// trouble counts the faults of a link, and tells the book of the first and the
// last.
func (w *world) trouble(k *link, l *lane, by int) {
	was := k.trouble
	k.trouble += by
	if l == nil || (was == 0) == (k.trouble == 0) {
		return
	}
	what := check.Healed
	if by > 0 {
		what = check.Cut
	}
	w.tell(check.Event{Kind: what, Client: l.proc.id, Node: l.index})
}

// sever breaks the connections of a lane.
func (w *world) sever(l *lane) {
	for _, e := range l.ears() {
		e.hangUp(w, false)
	}
	for _, c := range l.conns {
		back := w.latency(l, l.chance.of(6).of(c.serial), In)
		if !back.lost {
			w.plan(w.now+back.late, evBroken, c, 0)
		}
	}
}

// hit is an accident of a node.
func (a *accident) hit(w *world, n *node) {
	a.run = n.run
	switch a.What {
	case Jump:
		n.clock.jump(w.now, a.By)
		return
	case Flush:
		if a.Key > 0 {
			n.evict(w, a.Key-1)
			return
		}
		before := n.everyHolder(w)
		n.model.Exec(n.ms(w.now), resp.Command{"FLUSHALL"})
		n.forget(w, before, nil)
		return
	default:
	}
	w.tell(check.Event{Kind: check.Cut, Client: check.Everyone, Node: n.index})
	if a.What == Hang {
		if n.down > 0 {
			a.run = -1 // there is nothing to stop
		} else {
			n.hung++
		}
		return
	}
	n.down++
	n.hung = 0
	if a.Silent {
		n.dark++
	}
	n.lose(w, a.memory())
	for _, p := range n.inbox {
		w.gone(p)
	}
	n.inbox = nil
	for _, p := range w.procs {
		switch l := &p.lanes[n.index]; {
		case p.dead:
		case a.Silent:
			for _, e := range l.ears() {
				e.hangUp(w, true)
			}
		default:
			w.sever(l)
		}
	}
}

func (a *accident) memory() Memory {
	if a.What == Replace {
		return Forgets
	}
	return a.Memory
}

// mend is the end of an accident.
func (a *accident) mend(w *world) {
	switch a.What {
	case Crash, Promote, Replace:
		n := w.nodes[a.Node]
		if a.Silent {
			n.dark--
		}
		if n.down--; n.down == 0 {
			uptime := time.Duration(0)
			if a.What != Crash {
				uptime = 24 * time.Hour
			}
			n.start(w.now, uptime, a.What == Promote)
		}
		w.tell(check.Event{Kind: check.Healed, Client: check.Everyone, Node: n.index})
	case Hang:
		n := w.nodes[a.Node]
		if n.run == a.run && n.hung > 0 {
			if n.hung--; n.hung == 0 {
				n.thaw(w)
			}
		}
		w.tell(check.Event{Kind: check.Healed, Client: check.Everyone, Node: n.index})
	case Pause:
		w.restless--
		a.proc.resume()
	case Kill:
		w.restless--
		w.boot(a.proc.machine)
	case Preempt:
		w.restless--
		w.uneasy--
		a.blame(w, check.Healed)
	case Sever, Slow, Lose, Repeat, Tear, Mute:
		if a.What == Repeat {
			w.restless--
			w.uneasy--
		}
		a.links(w, func(k *link, l *lane) {
			if a.change(k, -1); a.What != Mute {
				w.trouble(k, l, -1)
			}
		})
	default:
	}
}

// halt is what happens to a process between two instructions.
func (w *world) halt(a *accident) {
	p := a.proc
	w.plan(w.now+a.For, evMend, a, 0)
	switch a.What {
	case Pause:
		p.pause()
	case Kill:
		p.die()
	default:
		p.preempt = max(p.preempt, a.For)
		a.blame(w, check.Cut)
	}
}

// blame tells the book that a client is slow to send what it has decided to send.
func (a *accident) blame(w *world, what check.Kind) {
	for i := range w.nodes {
		w.tell(check.Event{Kind: what, Client: a.proc.id, Node: i})
	}
}

// tune changes the rate of a machine's clock. Timers go by the clock.
func (m *machine) tune(w *world, ppm int64) {
	m.clock.tune(w.now, ppm)
	if m.proc == nil {
		return
	}
	for _, c := range m.proc.live {
		c.alarm = core.Never
		c.arm()
		if c.won && c.lost == nil {
			w.tell(check.Event{Kind: check.Moved, Claim: c.id, Deadline: c.deadline()})
		}
	}
	for i := range m.proc.lanes {
		m.proc.lanes[i].ticks = core.Never
		m.proc.lanes[i].arm()
	}
}

// thaw has a node go on: what came while it hung is executed now, in the order
// of each connection, the connections in any.
func (n *node) thaw(w *world) {
	inbox := n.inbox
	n.inbox = nil
	w.serial++
	c := w.chance.of(8).of(w.serial)
	for i := range inbox {
		// Of the connections that have something, one is next.
		left := inbox[i:]
		at := int(c.of(uint64(i)).below(uint64(len(left))))
		for j := range at {
			if left[j].conn == left[at].conn {
				at = j // its first
				break
			}
		}
		p := left[at]
		copy(left[1:at+1], left[:at])
		left[0] = p
		p.arrive(w)
	}
}
