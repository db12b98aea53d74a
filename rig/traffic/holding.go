package traffic

import (
	"context"
	"time"

	"github.com/redlock-go/redlock/rig/clock"
)

// holding is a lease while it is held. It finds out how long the lease was valid,
// as its holder can know; where that is uncertain, the shorter time, so that an
// overlap that is found is one.
type holding struct {
	*worker
	lock  string
	lease Lease
	last  clock.Instant // when it was last seen to be valid
	beats int
	ended bool
}

// beat looks whether the lease is valid, and writes down that it is, or that it is
// not any more.
func (h *holding) beat() bool {
	if h.ended {
		return false
	}
	if p, ok := h.lease.(Punctual); ok && p.Overstays() {
		h.journal.Write(Entry{At: clock.Now(), What: Overstayed, Lock: h.lock})
	}
	at := clock.Now() // before looking: what was valid after it was valid then
	until, ok := h.lease.Valid()
	if ok {
		h.last = at
		if h.beats++; h.beats%writeBeats == 0 {
			h.journal.Write(Entry{At: at, What: Beat, Lock: h.lock, Until: until})
		}
		return true
	}
	e := Entry{At: h.last, What: End, Lock: h.lock, How: ByLoss, Until: until}
	if until != 0 && until <= clock.Now() {
		e.How = ByExpiry
		e.At = max(h.last, until)
	}
	h.end(e)
	return false
}

func (h *holding) end(e Entry) {
	h.ended = true
	h.journal.Write(e)
}

// extend extends the lease every third of the TTL until ctx is done.
func (h *holding) extend(ctx context.Context) {
	tick := time.NewTicker(h.TTL / 3)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if err := h.lease.Extend(ctx); err != nil && ctx.Err() == nil {
			h.journal.Write(Entry{At: clock.Now(), What: Unextend, Lock: h.lock, Kind: h.locker.Kind(err), Err: err.Error()})
		}
	}
}

// release gives the lease back, whether it is still valid or not, when nobody
// extends it any more.
func (h *holding) release(extended <-chan struct{}) {
	if h.beat() {
		h.end(Entry{At: h.last, What: End, Lock: h.lock, How: ByRelease})
	}
	<-extended
	ctx, cancel := context.WithTimeout(context.Background(), releaseFor)
	defer cancel()
	err := h.lease.Release(ctx)
	e := Entry{At: clock.Now(), What: Released, Lock: h.lock}
	if err != nil {
		e.Kind, e.Err = h.locker.Kind(err), err.Error()
	}
	h.journal.Write(e)
}
