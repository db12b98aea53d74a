package sim

import (
	"encoding/binary"
	"time"

	"github.com/redlock-go/redlock/internal/check"
	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/script"
)

// queues are what they are in the root package, but for the locks.
type queues struct {
	process script.ProcessID
	number  uint64
	begun   bool
	pushing int

	waiters map[script.Waiter]*waiter
	order   []*waiter // the same, in the order of their coming
	crowded map[string]core.Time
}

const (
	crowdFor       = time.Second
	subscribeLeast = 10 * time.Millisecond
	subscribeMost  = time.Second
)

// waiter is what it is in the root package.
type waiter struct {
	op     *operation
	key    string
	kind   script.Kind
	name   script.Waiter
	tries  int
	ticket uint64
	core   core.Waiter
	claim  *claim
	draws  uint64
	id     uint64 // for the book
	known  bool   // it knows that it stands in the queues
	firm   bool   // so it does, and all of those nodes can push to it
	lossy  bool   // a push was lost since the last attempt began
}

func (p *process) openQueues() {
	q := &p.waiting
	binary.BigEndian.PutUint64(q.process[:], uint64(p.id+1))
	q.waiters = make(map[script.Waiter]*waiter)
	q.crowded = make(map[string]core.Time)
}

// listen begins to subscribe, once.
func (p *process) listen() {
	if p.waiting.begun {
		return
	}
	p.waiting.begun = true
	for i := range p.lanes {
		e := &p.lanes[i].ear
		e.on, e.pause = true, subscribeLeast
		p.w.plan(p.w.now, evEar, e, e.arg(earDial))
	}
}

// stand makes a waiter.
func (o *operation) stand() {
	p := o.proc
	q := &p.waiting
	q.number++
	w := &waiter{op: o, key: p.w.keys[o.spec.Key], kind: o.kind}
	w.ticket = max(p.now().Wall, p.highest)
	w.name = q.process.Waiter(w.ticket, q.number).For(o.kind)
	p.w.standers++
	w.id = p.w.standers
	w.core = core.NewWaiter(p.terms.Nodes, p.terms.Need, &script.WaitRules)
	q.waiters[w.name] = w
	q.order = append(q.order, w)
	o.place = w
}

// leave takes the waiter out of the books.
func (w *waiter) leave() {
	q := &w.op.proc.waiting
	delete(q.waiters, w.name)
	w.unknown()
	for i, other := range q.order {
		if other == w {
			q.order = append(q.order[:i:i], q.order[i+1:]...)
			break
		}
	}
}

// quit is leave when there is no claim any more that would tell the nodes.
func (w *waiter) quit() {
	w.leave()
	for i := range w.op.proc.lanes {
		w.op.proc.lanes[i].dismiss(w.key, w.kind, w.name)
	}
}

// unknown tells the book that it does not stand in the queues any more.
func (w *waiter) unknown() {
	if w.known {
		w.known, w.firm = false, false
		w.op.proc.w.tell(check.Event{Kind: check.Leaves, Key: w.op.spec.Key, By: w.id})
	}
}

// hasTried tells the book that it has had its turn, and got some nodes and too few. It may learn of them
// when the others have refused already.
func (w *waiter) hasTried() {
	if w.known && w.op.spec.Also == nil {
		w.op.proc.w.tell(check.Event{Kind: check.Tried, Key: w.op.spec.Key, By: w.id})
	}
}

// lost takes note of an attempt that failed.
func (w *waiter) lost(c *claim) bool {
	queued, heard, p := 0, 0, w.op.proc
	vain, some := false, false
	for i := range p.lanes {
		v, agreed := c.core.Vote(i)
		vain = vain || v.Abstain // it was its turn, but the node was just being verified
		some = some || agreed
		if v.Queued {
			queued++
			if p.lanes[i].ear.hears() {
				heard++
			}
		}
	}
	firm := heard >= p.terms.Need && !w.lossy && !vain
	if w.op.spec.Also != nil {
		firm, vain = false, false // to stand in the queue of one key is not to be able to have it: see A3
		queued = 0
	}
	if queued >= p.terms.Need && (!w.known || firm && !w.firm) || vain && w.firm {
		w.known, w.firm = true, firm
		p.w.tell(check.Event{Kind: check.Stands, Client: p.id, Key: w.op.spec.Key, By: w.id, Ticket: w.ticket, First: firm, Shares: w.op.spec.Read})
	}
	if some {
		w.hasTried()
	}
	w.claim = nil
	return w.core.Lost(p.read(), c.core, w.random()) == core.Queued
}

func (w *waiter) random() float64 {
	w.draws++
	return w.op.chance.of(77).of(w.draws).unit()
}

// told changes the core, and has the operation look at its alarm again.
func (w *waiter) told(change func(now core.Time, random float64)) {
	change(w.op.proc.read(), w.random())
	if w.op.sleeping {
		w.op.sleep()
	}
}

// perhaps tells the book that it may stand in the queues, for all that is known.
func (w *waiter) perhaps() {
	if w.claim != nil && w.claim.won {
		return // it waits no longer
	}
	if !w.known && w.op.spec.Also == nil {
		w.known = true
		w.op.proc.w.tell(check.Event{Kind: check.Stands, Client: w.op.proc.id, Key: w.op.spec.Key, By: w.id, Ticket: w.ticket, Shares: w.op.spec.Read})
	}
}

// missed tells the book that a push for the waiter was lost, or may be.
func (w *waiter) missed() {
	w.firm, w.lossy = false, true
	w.op.proc.w.tell(check.Event{Kind: check.Missed, Key: w.op.spec.Key, By: w.id})
}

// hears takes note that one more node can push.
func (p *process) hears() {
	p.waiting.pushing++
	if p.waiting.pushing != p.terms.Need {
		return
	}
	for _, o := range append([]*operation(nil), p.ops...) {
		if o.patient {
			o.patient = false
			o.serial++
			o.standAndTry()
		}
	}
}

// rejoin has all waiters ask again.
func (p *process) rejoin() {
	for _, w := range append([]*waiter(nil), p.waiting.order...) {
		w.told(w.core.Rejoin)
	}
}

// deputy is Locker.deputy.
func (p *process) deputy(before []core.Effect) script.Deputy {
	well := 0
	for _, e := range before {
		if e.Kind == core.Send && e.Op == core.Release && !p.lanes[e.Node].core.Suspect() {
			well++
		}
	}
	return script.DeputyAfter(well, len(p.lanes))
}
