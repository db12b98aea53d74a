package bench

import (
	"context"
	"time"

	"github.com/redlock-go/redlock/rig/bench/contestant"
	"github.com/redlock-go/redlock/rig/clock"
)

// actor takes the lock that all want, works under it and gives it back, again and
// again.
type actor struct {
	turns  []Turn
	errors int
	err    error // the first
}

// run goes on until end, and works for section under each lease. The context of
// the calls ends at end: who waits then stops.
func (a *actor) run(l contestant.Locker, lock string, end clock.Instant, section time.Duration) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	enough := time.AfterFunc(end.Sub(clock.Now()), cancel)
	defer enough.Stop()
	for {
		turn := Turn{Want: clock.Now()}
		if turn.Want >= end {
			return
		}
		lease, err := l.Acquire(ctx, lock)
		if err != nil {
			if ctx.Err() != nil {
				a.turns = append(a.turns, turn)
				return
			}
			a.failed(err)
			continue
		}
		turn.Got = clock.Now()
		if section > 0 {
			time.Sleep(section)
		}
		turn.Releasing = clock.Now()
		// Not the context that ends: what is held is given back.
		err = lease.Release(context.WithoutCancel(ctx))
		turn.Released = clock.Now()
		if err != nil {
			a.failed(err)
		}
		a.turns = append(a.turns, turn)
	}
}

// failure is the first error, "" if there was none.
func (a *actor) failure() string {
	if a.err == nil {
		return ""
	}
	return a.err.Error()
}

func (a *actor) failed(err error) {
	a.errors++
	if a.err == nil {
		a.err = err
	}
}
