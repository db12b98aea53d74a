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
	before atomic.Int64 // suspended since boot when the clock was made
	asleep atomic.Int64 // suspended since then, as far as has been noticed
}

func newClock() *clock {
	c := &clock{zero: time.Now()}
	c.before.Store(int64(suspended()))
	return c
}

// now reads the clock.
func (c *clock) now() core.Time {
	// A reading of suspended may be too small, never too large: keep the
	// largest. What is below a millisecond is the noise of reading two clocks.
	asleep := int64(suspended()) - c.before.Load()
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
