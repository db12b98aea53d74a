package sim

import (
	"slices"
	"time"

	"github.com/redlock-go/redlock/internal/check"
	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/resp"
)

// term is that of a leader: what Locker.lead is in the root package.
type term struct {
	token  uint64
	serial uint64 // which timer counts
	fails  int
}

// lead begins a term, when the lease has begun.
func (o *operation) lead() {
	if o.finished || o.claim.lost != nil {
		return
	}
	w := o.proc.w
	o.term = &term{token: o.claim.core.Token()}
	w.stats.Terms++
	w.tell(check.Event{Kind: check.Elected, Claim: o.claim.id, Token: o.term.token})
	o.announce()
}

// announce has the nodes note that the operation leads, and again when it is time: what
// Locker.announce does.
func (o *operation) announce() {
	t, c := o.term, o.claim
	t.serial++
	w := o.proc.w
	note := script.Announce(c.params.Key, c.value, t.token, c.params.Retention)
	noted := 0
	o.proc.survey(note, func(_ int, replies []resp.Reply, err error) {
		if err != nil {
			return
		}
		if took, err := script.ReadAnnounce(replies); took && err == nil {
			noted++
		}
	}, func() {
		if o.finished || c.lost != nil {
			return
		}
		pause := min(time.Duration(c.params.Retention)*time.Millisecond/3, time.Minute)
		if noted < o.proc.terms.Need {
			pause = electionPace.Pause(t.fails, core.View{}, o.chance.of(31).of(uint64(t.fails)).unit())
			t.fails++
		} else {
			t.fails = 0
		}
		w.plan(o.proc.clock.when(o.proc.read()+pause, w.now), evAnnounce, o, t.serial)
	})
}

var electionPace = core.Pace{Least: 50 * time.Millisecond, Most: time.Second}

// stepDown tells those who watch that the operation leads no more.
func (o *operation) stepDown() {
	t := o.term
	o.term = nil
	o.proc.survey(script.Resign(o.proc.w.keys[o.spec.Key], t.token), func(int, []resp.Reply, error) {}, func() {})
}

// survey asks all nodes: what Locker.survey does. Each answers, or is late, and then it is over.
func (p *process) survey(batch []resp.Command, each func(node int, replies []resp.Reply, err error), over func()) {
	left := len(p.lanes)
	for i := range p.lanes {
		p.lanes[i].ask(batch, func(replies []resp.Reply, err error) {
			each(i, replies, err)
			if left--; left == 0 {
				over()
			}
		})
	}
}

// ask sends a question to the node, which has one answer.
func (l *lane) ask(batch []resp.Command, tell func(replies []resp.Reply, err error)) {
	told := false
	once := func(replies []resp.Reply, err error) {
		if !told {
			told = true
			tell(replies, err)
		}
	}
	enough := l.core.Suspect() && l.proc.trusted() >= l.proc.terms.Need
	switch l.core.Admit(core.Extend, false, core.Votes, enough) {
	case core.Suspected:
		once(nil, errSuspected)
		return
	case core.Busy:
		once(nil, errBusy)
		return
	default:
	}
	if l.core.Guard.Standing(l.proc.read(), l.epoch) == core.Unverified {
		l.verify()
	}
	f := l.ownCall()
	f.batch, f.then = batch, once
	l.launch(f)
}

// watcher runs a core.Watch: what viewer is in the root package.
type watcher struct {
	op     *operation
	id     uint64 // for the book
	core   core.Watch
	serial uint64 // which timer counts
	looks  bool
	began  time.Duration // the reading, in true time
	ears   []*ear
	draws  uint64
}

// watch begins to watch.
func (o *operation) watch() {
	p := o.proc
	w := p.w
	w.viewers++
	v := &watcher{op: o, id: w.viewers}
	o.watcher = v
	v.core = core.NewWatch(p.read(), p.terms.Need, &core.WatchRules{Most: p.terms.TTL, Grace: watchGrace, MostGrace: mostWatchGrace})
	w.tell(check.Event{Kind: check.Watches, Client: p.id, Key: o.spec.Key, By: v.id})
	for i := range p.lanes {
		if !w.s.Push {
			break
		}
		l := &p.lanes[i]
		e := &ear{lane: l, watch: v, on: true, pause: subscribeLeast, serial: v.id << 20}
		l.viewing = append(l.viewing, e)
		v.ears = append(v.ears, e)
		w.plan(w.now, evEar, e, e.arg(earDial))
	}
	o.serial++
	w.plan(w.now+o.spec.Hold, evHeld, o, o.serial)
	v.arm()
}

const (
	watchGrace     = 5 * time.Millisecond
	mostWatchGrace = time.Second
)

// turnAway is the end of it.
func (v *watcher) turnAway() {
	p := v.op.proc
	for _, e := range v.ears {
		e.lane.viewing = slices.DeleteFunc(e.lane.viewing, func(other *ear) bool { return other == e })
	}
	p.w.tell(check.Event{Kind: check.Turns, Key: v.op.spec.Key, By: v.id})
}

// arm sets the timer to the core's alarm.
func (v *watcher) arm() {
	if v.looks || v.op.finished {
		return
	}
	v.serial++
	p := v.op.proc
	p.w.plan(p.clock.when(max(v.core.Alarm(), p.read()), p.w.now), evLook, v, v.serial)
}

// happen is what happens to one who watches: it is time to look.
func (v *watcher) happen(w *world, ev event) {
	if v.op.finished || v.looks || ev.arg != v.serial || v.op.proc.away(ev) {
		return
	}
	if v.core.Alarm() > v.op.proc.read() {
		v.arm() // a clock was changed
		return
	}
	v.looks, v.began = true, w.now
	w.stats.Readings++
	v.core.Look()
	p := v.op.proc
	sights := make([]core.Sight, len(p.lanes))
	p.survey(script.Sight(w.keys[v.op.spec.Key]), func(node int, replies []resp.Reply, err error) {
		if err == nil {
			sights[node], _ = script.ReadSight(replies)
		}
	}, func() {
		v.looks = false
		if v.op.finished {
			return
		}
		v.draws++
		v.report(v.core.Seen(p.read(), sights, v.op.chance.of(55).of(v.draws).unit()))
		v.arm()
	})
}

// report tells the book.
func (v *watcher) report(news core.News) {
	if news == core.Nothing {
		return
	}
	w := v.op.proc.w
	w.stats.Reports++
	w.tell(check.Event{
		Kind: check.Reports, Client: v.op.proc.id, Key: v.op.spec.Key, By: v.id,
		Token: v.core.Lead().Term, Sent: v.began, GaveUp: news == core.Dark,
	})
}

// pushed takes a node's message.
func (v *watcher) pushed(text string) {
	if token, leads, ok := script.ReadHint(text); ok && !v.op.finished {
		v.core.Pushed(v.op.proc.read(), token, leads)
		v.arm()
	}
}

// rejoin has it look: pushes may have been lost.
func (v *watcher) rejoin() {
	if !v.op.finished {
		v.core.Rejoin(v.op.proc.read())
		v.arm()
	}
}

// missed tells the book that a push was lost, or may be.
func (v *watcher) missed() {
	if !v.op.finished {
		v.op.proc.w.tell(check.Event{Kind: check.Blind, Key: v.op.spec.Key, By: v.id})
	}
}

// ears are all subscriptions of a process to a node.
func (l *lane) ears() []*ear { return append([]*ear{&l.ear}, l.viewing...) }

// publishLeader is PUBLISH to those who watch: it returns the subscriptions.
func (n *node) publishLeader(w *world, channel, text string) int {
	receivers := 0
	for _, p := range w.procs {
		if p.dead && w.now > p.died+w.s.Latency[1] {
			continue
		}
		for _, o := range p.ops {
			if v := o.watcher; v != nil && !w.s.Push && script.LeaderChannel(w.keys[o.spec.Key]) == channel {
				v.missed()
			}
		}
		for _, e := range slices.Clone(p.lanes[n.index].viewing) {
			if script.LeaderChannel(w.keys[e.watch.op.spec.Key]) != channel {
				continue
			}
			if e.run != n.run {
				e.missed(text)
				continue
			}
			receivers++
			e.push(w, text)
		}
	}
	return receivers
}
