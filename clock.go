package redlock

import (
	"sync/atomic"
	"time"

	"github.com/redlock-go/redlock/internal/core"
)

// clock is the process's own clock, which never goes back and does not stand
// still: Go's monotonic clock, plus the time for which the machine was suspended.
// Go's stands still meanwhile (golang/go#24595); a lease does not.
//
// The sum is the boot-time clock. It is computed as a sum so that the time of
// testing/synctest holds as well, which knows no suspension.
type clock struct {
	zero   time.Time
	before time.Duration // suspended since boot when the clock was made
	asleep *atomic.Int64 // suspended since then, as far as has been noticed
}

func newClock() clock {
	return clock{zero: time.Now(), before: suspended(), asleep: new(atomic.Int64)}
}

// now reads the clock.
func (c *clock) now() core.Time {
	// A reading of suspended may be too small, never too large: keep the
	// largest. What is below a millisecond is the noise of reading two clocks.
	asleep := int64(suspended() - c.before)
	for {
		old := c.asleep.Load()
		if asleep < old+int64(time.Millisecond) {
			asleep = old
			break
		}
		if c.asleep.CompareAndSwap(old, asleep) {
			break
		}
	}
	return time.Since(c.zero) + time.Duration(asleep)
}

// read reads the clock, and the wall clock for proposing a token.
func (c *clock) read() core.Now {
	return core.Now{At: c.now(), Wall: uint64(max(0, time.Now().UnixMicro()))}
}
