package redlock

import (
	"context"
	"crypto/rand"
	mrand "math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/script"
)

// queues are the waiters of this process that stand in the nodes' queues, and the
// subscriptions by which the nodes wake them: one a node, whatever the number of
// locks, from the first time that somebody has to wait, or that a lease lasts.
type queues struct {
	locker  *Locker
	process script.ProcessID
	number  atomic.Uint64
	begin   sync.Once
	heard   chan struct{} // closed when a majority of the nodes can push
	deaf    bool          // so many nodes cannot push that a majority never will

	mu      sync.Mutex
	waiters map[script.Waiter]*waiter
	crowded map[string]core.Time // keys for which somebody waited when we gave them back
	pushing int                  // nodes whose subscription has stood
}

const (
	// crowdFor is how long a key is taken for one that others wait for: an attempt
	// goes to the end of the queue at once.
	crowdFor    = time.Second
	mostCrowded = 1024

	subscribeLeast = 10 * time.Millisecond
	subscribeMost  = time.Second
)

func (q *queues) init(l *Locker) {
	q.locker = l
	_, _ = rand.Read(q.process[:]) // never fails: crypto/rand ends the process instead
	q.heard = make(chan struct{})
	q.waiters = make(map[script.Waiter]*waiter)
	q.crowded = make(map[string]core.Time)
	able := 0
	for _, n := range l.cfg.Nodes {
		if _, ok := n.(Subscriber); ok {
			able++
		}
	}
	q.deaf = able < l.terms.Need
}

// waiter runs a core.Waiter: one caller of Acquire that waits.
type waiter struct {
	queues *queues
	key    string
	kind   script.Kind // what it waits for, nil for the plain lock
	name   script.Waiter
	tries  int           // its attempts so far
	wake   chan struct{} // the core's alarm may have changed

	mu    sync.Mutex
	core  core.Waiter
	claim *claim // its attempt under way, and then its lease
}

// stand makes a waiter for a key, with a ticket of now. It is nil where the nodes
// cannot push. The first one waits until a majority can, within the per-node deadline.
func (q *queues) stand(ctx context.Context, key string, kind script.Kind) *waiter {
	l := q.locker
	if q.deaf {
		return nil
	}
	q.listen()
	select {
	case <-q.heard:
	default:
		enough := time.NewTimer(l.cfg.NodeTimeout)
		defer enough.Stop()
		select {
		case <-q.heard:
		case <-enough.C:
		case <-ctx.Done():
		case <-l.closing:
		}
	}
	w := &waiter{queues: q, key: key, kind: kind, wake: make(chan struct{}, 1)}
	// The highest token is a clock that all who hold leases have in common: with it, one whose
	// clock is behind goes before those who came earlier once, and not with each lease.
	w.name = q.process.Waiter(max(l.clock.read().Wall, l.highest.Load()), q.number.Add(1)).For(kind)
	w.core = core.NewWaiter(len(l.lanes), l.terms.Need, &script.WaitRules)
	q.mu.Lock()
	q.waiters[w.name] = w
	q.mu.Unlock()
	return w
}

// listen has the nodes push to this process from now on.
func (q *queues) listen() {
	q.begin.Do(func() {
		for _, ln := range q.locker.lanes {
			if s, ok := ln.node.(Subscriber); ok {
				ln.locker.flying.Add(1)
				go ln.listen(s)
			}
		}
	})
}

// leave takes the waiter out of the queues. Its last claim, if it has one that has not
// ended, does so on the nodes.
func (w *waiter) leave() {
	q := w.queues
	q.mu.Lock()
	delete(q.waiters, w.name)
	q.mu.Unlock()
}

// quit is leave when there is no claim any more that would.
func (w *waiter) quit() {
	w.leave()
	for _, ln := range w.queues.locker.lanes {
		ln.dismiss(w.key, w.kind, w.name)
	}
}

// dismiss has the node take a waiter out of its queue, or its queues.
func (ln *lane) dismiss(key string, kind script.Kind, w script.Waiter) {
	ln.mu.Lock()
	defer ln.mu.Unlock()
	if ln.closed {
		return
	}
	d := core.Debt{Key: key, Waiter: string(w)}
	if kind != nil {
		d.Kind = kind
	}
	ln.core.Owe(d)
	ln.pay()
}

// prefers is the Kind of an attempt, by what the nodes keep for the waiter.
func (w *waiter) prefers(kind script.Kind) script.Kind {
	if kind == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return script.Prefer(kind, w.core.Slot(w.queues.locker.clock.now()))
}

// try takes note of an attempt that begins.
func (w *waiter) try(c *claim) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.core.Try()
	w.tries++
	w.claim = c
}

// lost takes note of an attempt that failed. It reports false where no push is to be
// expected.
func (w *waiter) lost(c *claim) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.claim = nil
	queued := w.core.Lost(w.queues.locker.clock.now(), &c.core, mrand.Float64()) == core.Queued
	select {
	case <-w.queues.heard:
		return queued
	default:
		return false // too few nodes let us in to listen
	}
}

// won takes note that the claim is a lease. Nodes that have kept the key for it in the
// meantime are taken, too.
func (w *waiter) won(c *claim) {
	w.mu.Lock()
	var kept []int
	for i := range w.queues.locker.lanes {
		if w.core.Kept(i) {
			kept = append(kept, i)
		}
	}
	w.mu.Unlock()
	for _, i := range kept {
		c.step(core.Event{Kind: core.Kept, Node: i})
	}
}

// wait returns when the next attempt is due, or with the error that ended the wait.
func (w *waiter) wait(ctx context.Context) error {
	l := w.queues.locker
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		w.mu.Lock()
		at := w.core.Alarm()
		w.mu.Unlock()
		rest := at - l.clock.now()
		if rest <= 0 {
			return nil
		}
		timer.Reset(rest)
		select {
		case <-timer.C:
		case <-w.wake:
		case <-ctx.Done():
			return contextError(ctx)
		case <-l.closing:
			return ErrClosed
		}
	}
}

// told changes the core, and has wait look at it again if that is due sooner now.
func (w *waiter) told(change func(now core.Time, random float64)) {
	w.mu.Lock()
	before := w.core.Alarm()
	change(w.queues.locker.clock.now(), mrand.Float64())
	sooner := w.core.Alarm() < before
	w.mu.Unlock()
	if !sooner {
		return
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// listen keeps the subscription to a node until the locker is closed.
func (ln *lane) listen(s Subscriber) {
	l := ln.locker
	defer l.flying.Done()
	ln.attend(ln.ctx, s, l.queues.process.Channel(), func(again bool) {
		if again {
			l.queues.rejoin()
		} else {
			l.queues.hears()
		}
	}, ln.pushed)
}

// attend listens to a channel of the node until ctx is done or the locker is closed, and
// subscribes again when that was lost. It calls ready each time that the node has
// confirmed it; again says that it had before.
func (ln *lane) attend(ctx context.Context, s Subscriber, channel string, ready func(again bool), receive func(message string)) {
	pause, stood := subscribeLeast, false
	for {
		_ = s.Subscribe(ctx, channel, func() {
			pause = subscribeLeast
			ready(stood)
			stood = true
		}, receive)
		if ctx.Err() != nil {
			return
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		case <-ln.locker.closing:
			return
		}
		pause = min(2*pause, subscribeMost)
	}
}

// hears takes note that one more node can push.
func (q *queues) hears() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pushing++
	if q.pushing == q.locker.terms.Need {
		close(q.heard)
	}
}

// rejoin has all waiters ask again, one after another, after a subscription broke:
// pushes may be lost, and so may the queue.
func (q *queues) rejoin() {
	q.mu.Lock()
	all := make([]*waiter, 0, len(q.waiters))
	for _, w := range q.waiters {
		all = append(all, w)
	}
	q.mu.Unlock()
	for _, w := range all {
		w.told(w.core.Rejoin)
	}
}

// pushed takes a node's message.
func (ln *lane) pushed(message string) {
	if id, _, by, ok := script.ReadEviction(message); ok {
		ln.locker.evicted(id, by)
		return
	}
	what, name, key := script.ReadPush(message)
	if what == script.Garbled {
		return
	}
	q := &ln.locker.queues
	q.mu.Lock()
	w := q.waiters[name]
	q.mu.Unlock()
	switch {
	case w == nil && what == script.Reserved:
		ln.dismiss(key, nil, name) // it gave up before, and is still in the queue there
	case w == nil:
	case what == script.Reserved:
		w.told(func(now core.Time, random float64) { w.core.Pushed(now, ln.index, script.PushedSlot(message), random) })
		w.mu.Lock()
		c := w.claim
		w.mu.Unlock()
		if c != nil {
			c.step(core.Event{Kind: core.Kept, Node: ln.index})
		}
	default:
		w.told(w.core.Look)
	}
}

// deputy is who else is told when the key is given back on a node, after the others
// before: two of the nodes that answer tell somebody.
func (l *Locker) deputy(before []core.Effect) script.Deputy {
	well := 0
	for _, e := range before {
		if e.Kind == core.Send && e.Op == core.Release && !l.lanes[e.Node].suspect.Load() {
			well++
		}
	}
	return script.DeputyAfter(well, len(l.lanes))
}

// crowd takes note that somebody waited for a key that was given back.
func (q *queues) crowd(key string) {
	now := q.locker.clock.now()
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.crowded) >= mostCrowded {
		for k, until := range q.crowded {
			if now >= until {
				delete(q.crowded, k)
			}
		}
	}
	if len(q.crowded) < mostCrowded {
		q.crowded[key] = now + crowdFor
	}
}

// isCrowded reports whether somebody is likely to wait for the key.
func (q *queues) isCrowded(key string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.crowded) == 0 {
		return false
	}
	return q.locker.clock.now() < q.crowded[key]
}
