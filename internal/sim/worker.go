package sim

import "github.com/redlock-go/redlock/internal/check"

// worker does its operations one after the other.
type worker struct {
	ops  []*Op
	next int
}

// happen is what happens to a worker: it begins its next operation.
func (k *worker) happen(w *world, _ event) { k.begin(w) }

func (k *worker) begin(w *world) {
	if k.next == len(k.ops) {
		return
	}
	spec := k.ops[k.next]
	if spec.At > w.now {
		w.plan(spec.At, evBegin, k, 0)
		return
	}
	k.next++
	p := w.machines[spec.Client].proc
	if p == nil {
		w.plan(w.now, evBegin, k, 0) // nobody is there to do it
		return
	}
	o := &operation{spec: spec, kind: w.kind(spec), worker: k, proc: p, chance: w.chance.of(9).of(uint64(spec.At)).of(uint64(spec.Client)<<32 | uint64(spec.Worker))}
	o.learn(nil)
	p.ops = append(p.ops, o)
	w.stats.Operations++
	o.id = uint64(w.stats.Operations)
	if spec.Watch {
		o.watch()
		return
	}
	if spec.Wait > 0 {
		w.plan(w.now+spec.Wait, evGiveUp, o, 0)
	}
	if spec.Cancel > 0 {
		w.plan(w.now+spec.Cancel, evCancel, o, 0)
	}
	if !spec.Try {
		o.wanting = true
		w.tell(check.Event{Kind: check.Wants, Client: p.id, Key: spec.Key, Also: spec.Also, By: o.id})
	}
	if !p.take(o) {
		o.campaign()
	}
}
