package sim

import (
	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/script"
)

// tick marks the requests that are past their deadline, and probes.
func (l *lane) tick() {
	l.ticks = core.Never
	now := l.proc.read()
	late := l.core.Overdue(now)
	var ready []landed
	var overdue, silent []*call
	for _, x := range late {
		switch f := x.Owner.(*call); {
		case f.queued && f.claim != nil:
			l.drop(f)
			l.core.Land(now, x, false)
			if f.op == core.Release {
				l.owe(f.claim)
			}
			ready = append(ready, landed{call: f, vote: core.Vote{Answer: core.Unsent, Err: errTimeout}})
		case f.queued:
			l.drop(f)
			f.end(errTimeout)
		case f.claim != nil:
			overdue = append(overdue, f)
		case f.force != nil:
			f.force.answered(f, errTimeout)
		case f == l.verification:
			ready = append(ready, l.acquit(errTimeout)...)
		case f.then != nil:
			silent = append(silent, f)
		}
	}
	if l.core.Probe(now) {
		l.probe()
	}
	l.arm()
	for _, a := range ready {
		l.hand(a)
	}
	for _, f := range silent {
		f.then(nil, errTimeout)
	}
	for _, f := range overdue {
		f.claim.step(core.Event{Kind: core.Overdue, Node: l.index, Op: f.op, Round: f.round, Vote: core.Vote{Err: errTimeout}})
	}
}

// probe asks for a sign of life. It does not queue.
func (l *lane) probe() {
	f := l.ownCall()
	f.batch, f.epoch = probeBatch, l.epoch
	l.core.Launch(l.proc.read(), &f.Flight)
	l.start(f)
}

var probeBatch = script.Probe()

// arm sets the timer to when the core wants it, or before.
func (l *lane) arm() {
	at := l.core.Alarm()
	if at >= l.ticks {
		return
	}
	l.ticks = at
	l.timer++
	w := l.proc.w
	w.plan(l.proc.clock.when(at, w.now), evTick, l, l.timer)
}
