package interop

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redlock-go/redlock/rig/clock"
	"github.com/redlock-go/redlock/rig/traffic"
)

// Witness sees who enters and leaves the section that a lock protects. It is told
// after a client has the lock and before that client begins to release it, in this
// process, whatever process the client is. It keeps no lock of its own around the section.
type Witness struct {
	counter atomic.Int64 // read, and written plus one later: two at once lose an update

	mu       sync.Mutex
	inside   map[string]visit
	entered  int64
	overlaps []string
	over     int
}

type visit struct {
	at    clock.Instant
	lease traffic.Lease
}

// NewWitness returns one that has seen nobody.
func NewWitness() *Witness { return &Witness{inside: make(map[string]visit)} }

// Section is a visit of the section by a client, and lasts as long as work does. It
// reports false if the lease was over when the client came to enter it: such a one turns
// back, as any user of a lock has to.
func (w *Witness) Section(who string, lease traffic.Lease, work func()) bool {
	if !w.enter(who, lease) {
		return false
	}
	count := w.counter.Load()
	work()
	w.counter.Store(count + 1)
	w.leave(who)
	return true
}

func (w *Witness) enter(who string, lease traffic.Lease) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, valid := lease.Valid(); !valid {
		w.over++
		return false
	}
	for other, v := range w.inside {
		// Whoever stays for longer than its lease lasts has been stopped for that
		// long, and the lock is not to blame.
		if until, valid := v.lease.Valid(); valid {
			w.overlaps = append(w.overlaps, fmt.Sprintf("%s came in %v after %s, whose lease is good for %v yet",
				who, clock.Now().Sub(v.at).Round(time.Microsecond), other, until.Sub(clock.Now()).Round(time.Millisecond)))
		} else {
			w.over++
		}
	}
	w.inside[who] = visit{clock.Now(), lease}
	w.entered++
	return true
}

func (w *Witness) leave(who string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.inside, who)
}

// Overlaps are the times that somebody came in while another's lease was valid.
func (w *Witness) Overlaps() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.overlaps
}

// Over is how often a lease was over at the door, or inside: of a client, or a machine, that
// stood still for a TTL.
func (w *Witness) Over() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.over
}

// LostUpdates is how many visits left no trace in the counter. Ask when nobody is inside.
func (w *Witness) LostUpdates() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.entered - w.counter.Load()
}
