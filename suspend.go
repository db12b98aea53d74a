package redlock

import "time"

// vigilance is how often a Locker that holds leases looks whether the machine
// was suspended. Timers stand still meanwhile, as Go's monotonic clock does, so
// that they are late when it wakes: by as much as it slept.
const vigilance = 100 * time.Millisecond

// watch has every claim look at the clock if the machine was suspended since the
// last time. It runs again and again while there are claims. And once a claim lasts
// from one time to the next, it has the nodes push to this process: see evicted.
func (l *Locker) watch() {
	l.clock.ask()
	asleep := l.clock.asleep.Load()
	var claims []*claim
	l.mu.Lock()
	if asleep != l.noticed {
		l.noticed = asleep
		claims = l.claims()
	}
	if l.oldest != nil && l.oldest == l.lasting && !l.closed {
		l.queues.listen()
	}
	l.lasting = l.oldest
	if l.live == nil {
		l.vigil = nil
	} else {
		l.vigil.Reset(vigilance)
	}
	l.mu.Unlock()
	for _, c := range claims {
		c.ring()
	}
	l.rung()
}
