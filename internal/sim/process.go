package sim

import (
	"time"

	"github.com/redlock-go/redlock/internal/check"
	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/quorum"
)

// machine is where a client runs: its clock outlives its processes.
type machine struct {
	index  int
	clock  clock // the greater of monotonic and boot-time: it never stands still
	wall   time.Duration
	starts int
	proc   *process // nil while none runs
}

// process is one client process: what Locker is in the root package.
type process struct {
	*machine
	w        *world
	id       int // no other process has it
	terms    core.Terms
	limits   core.Limits
	patience time.Duration
	lanes    []lane
	waiting  queues
	turns    map[int]*turn // by key
	highest  uint64        // the highest token seen
	runs     []string      // the run_id of each node that was verified
	live     []*claim      // not done
	ops      []*operation

	dead    bool
	died    time.Duration
	paused  int
	backlog []event // what happened meanwhile
	armed   []armed // accidents that wait for their instruction
	preempt time.Duration
}

// armed is an accident that happens so many effects from now.
type armed struct {
	accident *accident
	left     int
}

// The bounds of the root package's locker.go.
const (
	mostFlying = 8192
	mostOwed   = 4096
	probeLeast = 5 * time.Millisecond
	probeMost  = 500 * time.Millisecond
	passFor    = 100 * time.Millisecond
)

// boot starts a process on a machine.
func (w *world) boot(m *machine) {
	ttl := w.s.ttl(m.index)
	m.starts++
	w.serial++
	timeout := w.s.Timeout
	first := max(timeout, min(ttl/4, time.Second))
	p := &process{
		machine: m, w: w, id: len(w.procs),
		terms:    core.Terms{Nodes: len(w.nodes), Need: w.need, TTL: ttl, RenewEvery: ttl / 3, Retry: timeout, PassFor: passFor},
		patience: max(4*timeout, first),
		lanes:    make([]lane, len(w.nodes)),
		runs:     make([]string, len(w.nodes)),
		turns:    make(map[int]*turn),
	}
	p.limits = core.Limits{
		Timeout: timeout, FirstTimeout: first, Flying: mostFlying, Owed: mostOwed, ProbeMin: probeLeast, ProbeMax: probeMost,
	}
	w.procs = append(w.procs, p)
	m.proc = p
	mine := w.chance.of(uint64(m.index) + 100).of(uint64(m.starts))
	for i := range p.lanes {
		l := &p.lanes[i]
		*l = lane{core: core.NewLane(&p.limits), proc: p, node: w.nodes[i], index: i, ticks: core.Never, chance: mine.of(uint64(i))}
		l.core.Guard = core.NewGuard(w.quarantine)
		l.ear.lane = l
	}
	p.openQueues()
	for i := range p.lanes {
		if w.linkOf(m.index, i).trouble > 0 {
			w.tell(check.Event{Kind: check.Cut, Client: p.id, Node: i})
		}
		p.lanes[i].verify() // greet
	}
}

// quarantine is what Config.quarantine is.
func (s *Scenario) quarantine() time.Duration {
	if s.Durable {
		return 0
	}
	longest := s.longestTTL()
	return longest + quorum.Drift(longest)
}

// read reads the process's clock.
func (p *process) read() core.Time { return p.clock.read(p.w.now) }

// now reads the clock, and the wall clock for proposing a token: that one is kept
// right by others, and off by so much.
func (p *process) now() core.Now {
	at := p.clock.read(p.w.now)
	return core.Now{At: at, Wall: uint64((epoch0 + p.w.now + p.wall) / time.Microsecond)}
}

// trusted is the number of nodes that are not suspected.
func (p *process) trusted() int {
	n := 0
	for i := range p.lanes {
		if !p.lanes[i].core.Suspect() {
			n++
		}
	}
	return n
}

// away reports whether something that happens to the process does not: because it
// is no more, or because it stands still. Then it happens when it goes on.
func (p *process) away(ev event) bool {
	switch {
	case p.dead:
		return true
	case p.paused > 0:
		p.backlog = append(p.backlog, ev)
		return true
	}
	return false
}

// stops is asked between any two effects of the process: whether it, or the
// goroutine that carries them out, stops here. If so, what it was about to do
// is done later.
func (p *process) stops() bool {
	if len(p.armed) > 0 {
		kept := p.armed[:0]
		var due []*accident
		for _, a := range p.armed {
			if a.left--; a.left < 0 {
				due = append(due, a.accident)
			} else {
				kept = append(kept, a)
			}
		}
		p.armed = kept
		for _, a := range due {
			if !p.dead {
				p.w.halt(a)
			}
		}
	}
	return p.dead || p.paused > 0 || p.preempt > 0
}

// later is when the process does what it was about to do when it stopped.
func (p *process) later(ev event) {
	switch {
	case p.dead:
	case p.preempt > 0:
		p.w.plan(p.w.now+p.preempt, ev.kind, ev.who, ev.arg)
		p.preempt = 0
	default:
		p.backlog = append(p.backlog, ev)
	}
}

// pause stops the process.
func (p *process) pause() {
	if p.paused++; p.paused == 1 {
		p.stuck(check.Paused)
	}
}

// stuck tells the book that the process stands still, or is no more, and what it was in
// the middle of.
func (p *process) stuck(how check.Kind) {
	for _, w := range p.waiting.order {
		w.perhaps()
	}
	p.w.tell(check.Event{Kind: how, Client: p.id})
	for _, c := range p.live {
		for _, key := range c.keys() {
			p.w.tell(check.Event{Kind: check.Stuck, Key: key})
		}
	}
}

// resume has it go on. What happened meanwhile is all there at once, and the
// scheduler takes it in any order, but for what came over one connection.
func (p *process) resume() {
	if p.paused--; p.paused > 0 || p.dead {
		return
	}
	w := p.w
	w.tell(check.Event{Kind: check.Resumed, Client: p.id})
	backlog := p.backlog
	p.backlog = nil
	w.serial++
	c := w.chance.of(7).of(w.serial)
	for i, ev := range backlog {
		at := w.now + c.of(uint64(i)).between(0, 50*time.Microsecond)
		if packet, ok := ev.who.(*packet); ok {
			at = max(at, packet.conn.lastIn+1)
			packet.conn.lastIn = at
		}
		w.plan(at, ev.kind, ev.who, ev.arg)
	}
}

// die is the end of the process. What it has sent is on its way all the same.
func (p *process) die() {
	if p.dead {
		return
	}
	p.dead, p.died = true, p.w.now
	p.proc = nil
	p.backlog = nil
	for _, a := range p.armed {
		p.w.restless--
		if a.accident.What == Preempt {
			p.w.uneasy--
		}
	}
	p.armed = nil
	p.stuck(check.Crashed)
	for i := range p.lanes {
		for _, f := range p.lanes[i].calls {
			if f != nil && !f.over {
				f.stray()
				f.orphan()
			}
		}
	}
	for _, o := range p.ops {
		o.gone()
	}
}
