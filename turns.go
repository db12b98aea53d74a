package redlock

import (
	"sync"
	"time"

	"github.com/redlock-go/redlock/internal/core"
)

// turns are the callers of Acquire in this process. For each key one of them has the
// turn: it asks the nodes, stands in their queues, or holds the lease. The others
// stand by, in the order in which they came, and cost the nodes nothing.
type turns struct {
	mu     sync.Mutex
	keys   map[string]*turn
	closed bool  // nobody stands by any more
	spare  *turn // those that are not in use
}

// turn is that of one key. It is over when nobody has it and nobody stands by.
type turn struct {
	key     string
	lease   *claim // nil while there is none
	out     bool   // too few nodes answer to who has it: newcomers ask for themselves
	known   bool   // the nodes have answered to one that had it
	waiting int    // who stand by
	first   *standby
	last    *standby
	next    *turn // in turns.spare
}

// standby is a caller that waits for its turn.
type standby struct {
	called chan struct{} // holds a value when the wait is over, for one of the reasons below
	renew  bool
	max    time.Duration // the max hold

	turn         *turn // nil once it is called
	before, next *standby

	passed *claim  // the lease is the caller's
	place  *waiter // or the turn is, with the place in the nodes' queues of the one before
	failed error   // or so few nodes answer that nobody need wait
}

// take begins a turn, or has the caller stand by for the one that is on. There is
// neither for those who are to ask the nodes for themselves.
func (q *turns) take(o *options) (*turn, *standby) {
	q.mu.Lock()
	defer q.mu.Unlock()
	t := q.keys[o.key]
	switch {
	case t == nil:
		return q.begin(o.key), nil
	case t.out, q.closed:
		return nil, nil
	}
	s := &standby{called: make(chan struct{}, 1), renew: o.renew, max: o.maxHold, turn: t, before: t.last}
	if s.before != nil {
		s.before.next = s
	} else {
		t.first = s
	}
	t.last = s
	t.waiting++
	return t, s
}

// tryTake begins a turn if nobody has one.
func (q *turns) tryTake(key string) *turn {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.keys[key] != nil {
		return nil
	}
	return q.begin(key)
}

// begin is called with the mutex held.
func (q *turns) begin(key string) *turn {
	t := q.spare
	if t == nil {
		t = new(turn)
	} else {
		q.spare = t.next
	}
	*t = turn{key: key}
	if q.keys == nil {
		q.keys = make(map[string]*turn)
	}
	q.keys[key] = t
	return t
}

// unlink takes one out of those who stand by. It is called with the mutex held.
func (t *turn) unlink(s *standby) {
	if s.before != nil {
		s.before.next = s.next
	} else {
		t.first = s.next
	}
	if s.next != nil {
		s.next.before = s.before
	} else {
		t.last = s.before
	}
	s.turn, s.before, s.next = nil, nil, nil
	t.waiting--
}

// call takes the first of those who stand by. It is called with the mutex held.
func (t *turn) call() *standby {
	s := t.first
	if s != nil {
		t.unlink(s)
	}
	return s
}

// leave ends the wait of one who does not want to wait any more. If it has been
// called in the meantime, it reports false: then called holds a value, or soon will.
func (q *turns) leave(s *standby) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if s.turn == nil {
		return false
	}
	s.turn.unlink(s)
	return true
}

// pass gives the turn to the next, with a place in the nodes' queues if there is one.
// It reports whether somebody stood by.
func (q *turns) pass(t *turn, place *waiter) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	t.lease, t.out = nil, false
	s := t.call()
	if s == nil {
		q.over(t)
		return false
	}
	s.place = place
	s.called <- struct{}{}
	return true
}

// fail ends the turn, and the waits of all who stand by.
func (q *turns) fail(t *turn, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for s := t.call(); s != nil; s = t.call() {
		s.failed = err
		s.called <- struct{}{}
	}
	q.over(t)
}

// close ends the waits of all who stand by. Those who have a turn end by themselves.
func (q *turns) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for _, t := range q.keys {
		for s := t.call(); s != nil; s = t.call() {
			s.failed = ErrClosed
			s.called <- struct{}{}
		}
	}
}

// over is called with the mutex held.
func (q *turns) over(t *turn) {
	delete(q.keys, t.key)
	*t = turn{next: q.spare}
	q.spare = t
}

// heir is who takes the lease over: the first of those who stand by, if it wants one that is
// renewed. One that is not would end too soon.
func (q *turns) heir(t *turn) *standby {
	q.mu.Lock()
	defer q.mu.Unlock()
	if t.first == nil || !t.first.renew {
		return nil
	}
	return t.call()
}

// learn takes note of how it goes with the nodes.
func (q *turns) learn(t *turn, known, out bool) {
	q.mu.Lock()
	t.known, t.out = t.known || known, out
	q.mu.Unlock()
}

// hold takes note of the lease.
func (q *turns) hold(t *turn, c *claim) {
	q.mu.Lock()
	t.lease, t.known, t.out = c, true, false
	q.mu.Unlock()
}

// standingBy is how many stand by.
func (q *turns) standingBy(t *turn) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return t.waiting
}

// isKnown reports whether the nodes have answered while the caller stood by.
func (q *turns) isKnown(t *turn) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return t.known
}

// deadline is that of the lease that is waited for, 0 if there is none.
func (q *turns) deadline(t *turn) (at core.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if t.lease != nil {
		at = core.Time(t.lease.deadline.Load())
	}
	return at
}
