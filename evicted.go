package redlock

import (
	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/script"
)

// A lease that is evicted (see ForceRelease) is told so: the node publishes it to every
// process that listens, as the value does not say whose it is. A process listens from
// the first time that one of its callers waits in the nodes' queues, or that a lease lasts
// for a tenth of a second, to one channel a node. So those who hold a lock for
// moments pay nothing, and those who hold thousands one connection a node. Truth does not
// depend on it: without the push the lease is lost at its next renewal (I9).

// evicted ends a lease, if it is one of this process. It is believed without asking the
// nodes: ending a lease is always safe, and what it gives back completes an
// eviction that reached too few nodes. Should the push come before the reply that makes the
// attempt a lease, the next renewal finds out.
func (l *Locker) evicted(id script.ID, by string) {
	l.mu.Lock()
	c := l.live
	for c != nil && c.id != id { // be the key one of several that it is of, or the only one
		c = c.after
	}
	l.mu.Unlock()
	if c == nil {
		return // another process's, or over by now: every node tells of it
	}
	c.mu.Lock()
	won := c.won && c.lost == nil
	if won && c.evictor == nil {
		c.evictor = &by
	}
	c.mu.Unlock()
	if won {
		c.step(core.Event{Kind: core.End, Reason: core.Evicted})
	}
}
