package redlock

import (
	"math/rand/v2"
	"time"
)

// Config.Shared: clients of other libraries know of no queue and get only what they find
// free. Nobody can know that one is polling: a SET NX that is refused leaves no trace on
// the node. So the key is left free for longer than they pause between two tries,
// from time to time.
//
// When, is drawn by each release for itself, with a chance in proportion to how long the
// lock was held: over all processes that is one gap for each gapEvery that it is
// held, although none knows of the others, and no clocks need agree. To the nodes a gap is a
// key that nobody has: no invariant but the promptness of I7 is touched.
const gapEvery = time.Second

// leaveToOthers has the release of the lease, which follows, leave the key to others, if
// that is due.
func (l *Lease) leaveToOthers() {
	c := l.c
	if !c.locker.cfg.Shared || c.terms().Kind != nil { // the others know none of our kinds
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tenant == l && c.lost == nil {
		held := c.locker.clock.now() - c.core.WonAt()
		c.toOthers = rand.Float64() < float64(held)/float64(gapEvery)
	}
}
