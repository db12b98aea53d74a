package redlock

import (
	"time"

	"github.com/redlock-go/redlock/internal/core"
)

// clock is the process's own clock, which never goes back and does not stand
// still: the greater of the monotonic clock and the boot-time clock. Go's
// monotonic clock stands still while the machine is suspended (golang/go#24595);
// a lease does not.
type clock struct {
	zero time.Time
	boot time.Duration
}

func newClock() clock { return clock{zero: time.Now(), boot: bootTime()} }

// now reads the clock.
func (c *clock) now() core.Time {
	return max(time.Since(c.zero), bootTime()-c.boot)
}

// read reads the clock, and the wall clock for proposing a token.
func (c *clock) read() core.Now {
	return core.Now{At: c.now(), Wall: uint64(max(0, time.Now().UnixMicro()))}
}
