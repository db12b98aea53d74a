package redlock

import "sync"

// renewals are the leases that are due to be renewed in the background, first come
// first served, with a bound on how many rounds are under way: what a crowd asks for
// at once has to be answered within the per-node deadline, or all of it is for nothing
// and is asked for again. After an outage, or a time in which the machine stood still,
// every lease of a process is due.
type renewals struct {
	mu          sync.Mutex
	first, last *claim
	underWay    int
	starting    bool // somebody is in startRenewals
}

const (
	// mostRenewals is how many rounds of renewal are under way at once: what a node
	// does in a few milliseconds. The next are started when half of them are over, so
	// that they share calls.
	mostRenewals = mostTogether
	// flushEvery is after how many of them they leave.
	flushEvery = 256
)

// due queues a lease whose renewal is due. Its claim sees to it that it is queued
// only once.
func (r *renewals) due(c *claim) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil {
		r.first = c
	} else {
		r.last.nextDue = c
	}
	r.last = c
}

// next takes out the first, if it is to be renewed now.
func (r *renewals) next() *claim {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.first
	if c == nil || r.underWay >= mostRenewals {
		r.starting = false
		return nil
	}
	r.underWay++
	r.first, c.nextDue = c.nextDue, nil
	if r.first == nil {
		r.last = nil
	}
	return c
}

// begin reports whether the caller is to start those that are due.
func (r *renewals) begin() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.starting || r.first == nil {
		return false
	}
	r.starting = true
	return true
}

// over takes note that a round has ended, and says whether more are to be started.
func (r *renewals) over() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.underWay--
	return !r.starting && r.first != nil && r.underWay <= mostRenewals/2
}

// startRenewals renews what is due.
func (l *Locker) startRenewals() {
	if !l.renewals.begin() {
		return
	}
	for n := 1; ; n++ {
		c := l.renewals.next()
		if c == nil {
			break
		}
		c.renew()
		if n%flushEvery == 0 {
			l.flush()
		}
	}
	l.flush()
}
