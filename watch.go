package redlock

import (
	"context"
	"iter"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/script"
)

// Watch tells who leads the election of that name, and then of each change, until ctx ends
// or the loop is left:
//
//	for leader, err := range locker.Watch(ctx, "scheduler") {
//		switch {
//		case err != nil: // too few nodes answer: who leads is not known for now
//		case leader.IsNobody():
//		default: // leader.Holder leads
//		}
//	}
//
// What is told was read from a majority of the nodes, and never rests on a push (E3). A leader with a smaller
// token than one that was told before is never told (E2). Who is slow to ask for the
// next one gets the latest, and not all between.
//
// Nobody polls: nodes push that somebody was elected or has resigned, and the watch
// reads then. A leader that dies says nothing: that is seen when its TTL is over. So the watch also reads
// once in a TTL, when the leader's time would be over if it had not renewed, or its own, if
// nobody leads; and when a subscription was lost. What the nodes could not push, as
// they are no [Subscriber] or by their rights, is told then (E4).
//
// If so few nodes answer that it is not known who leads, that is told once, as a
// *QuorumError (ErrNoQuorum): the last that was told may still lead. The watch goes on, and tells
// who leads, be it the same, when that is known again. The last error is ErrClosed if the
// Locker is closed; an end of ctx ends the loop without one.
//
// All watches of one name in a process share a connection to each node. When the loop has
// ended, nothing of it is left. The sequence may be used more than once, also at the same time.
func (l *Locker) Watch(ctx context.Context, name string) iter.Seq2[Leader, error] {
	return func(yield func(Leader, error) bool) {
		o, err := l.options(name, nil)
		if err != nil {
			yield(Leader{}, err)
			return
		}
		v := l.audiences.join(l, o.key)
		defer l.audiences.leave(v)
		for v.wait(ctx) == nil {
			v.told((*core.Watch).Look)
			sights, failed := l.sights(ctx, o.key)
			if l.interrupted(ctx) != nil {
				break
			}
			var news core.News
			var lead core.Lead
			v.told(func(w *core.Watch) {
				news = w.Seen(l.clock.now(), sights, rand.Float64())
				lead = w.Lead()
			})
			switch {
			case news == core.Changed && !yield(leaderOf(lead), nil):
				return
			case news == core.Dark && !yield(Leader{}, failed):
				return
			}
		}
		if ctx.Err() == nil {
			yield(Leader{}, ErrClosed)
		}
	}
}

// audiences are those in this process who watch, by what they watch.
type audiences struct {
	mu  sync.Mutex
	all map[string]*audience // by key
}

// audience is all who watch one key, and the subscriptions that they share: one a node, from
// the first to the last of them.
type audience struct {
	key       string
	viewers   map[*viewer]bool // guarded by audiences.mu
	stop      context.CancelFunc
	listening sync.WaitGroup
}

// viewer runs a core.Watch: one call of Watch.
type viewer struct {
	locker   *Locker
	audience *audience
	wake     chan struct{} // the core's alarm may have changed

	mu   sync.Mutex
	core core.Watch
}

// join makes a viewer.
func (q *audiences) join(l *Locker, key string) *viewer {
	v := &viewer{locker: l, wake: make(chan struct{}, 1), core: core.NewWatch(l.clock.now(), l.terms.Need, l.watchRules())}
	q.mu.Lock()
	defer q.mu.Unlock()
	a := q.all[key]
	if a == nil {
		var ctx context.Context
		a = &audience{key: key, viewers: make(map[*viewer]bool)}
		ctx, a.stop = context.WithCancel(l.lanes[0].ctx)
		if q.all == nil {
			q.all = make(map[string]*audience)
		}
		q.all[key] = a
		for _, ln := range l.lanes {
			if s, ok := ln.node.(Subscriber); ok {
				a.listening.Go(func() {
					ln.attend(ctx, s, script.LeaderChannel(key), func(bool) { q.rejoin(a) }, func(m string) { q.pushed(a, m) })
				})
			}
		}
	}
	a.viewers[v] = true
	v.audience = a
	return v
}

// leave is the end of a viewer; with the last one the subscriptions end.
func (q *audiences) leave(v *viewer) {
	a := v.audience
	q.mu.Lock()
	delete(a.viewers, v)
	last := len(a.viewers) == 0
	if last {
		delete(q.all, a.key)
	}
	q.mu.Unlock()
	if last {
		a.stop()
		a.listening.Wait()
	}
}

// rejoin has all look: pushes may have been lost.
func (q *audiences) rejoin(a *audience) {
	q.each(a, func(w *core.Watch, now core.Time) { w.Rejoin(now) })
}

// pushed takes a node's message.
func (q *audiences) pushed(a *audience, message string) {
	token, leads, ok := script.ReadHint(message)
	if ok {
		q.each(a, func(w *core.Watch, now core.Time) { w.Pushed(now, token, leads) })
	}
}

func (q *audiences) each(a *audience, change func(w *core.Watch, now core.Time)) {
	q.mu.Lock()
	all := make([]*viewer, 0, len(a.viewers))
	for v := range a.viewers {
		all = append(all, v)
	}
	q.mu.Unlock()
	for _, v := range all {
		v.told(func(w *core.Watch) { change(w, v.locker.clock.now()) })
		select {
		case v.wake <- struct{}{}:
		default:
		}
	}
}

// told changes the core.
func (v *viewer) told(change func(w *core.Watch)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	change(&v.core)
}

// wait returns when the next reading is due, or with the error that ended the wait.
func (v *viewer) wait(ctx context.Context) error {
	l := v.locker
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if err := l.interrupted(ctx); err != nil {
			return err
		}
		v.mu.Lock()
		rest := v.core.Alarm() - l.clock.now()
		v.mu.Unlock()
		if rest <= 0 {
			return nil
		}
		timer.Reset(rest)
		select {
		case <-timer.C:
		case <-v.wake:
		case <-ctx.Done():
		case <-l.closing:
		}
	}
}
