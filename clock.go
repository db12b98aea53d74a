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

	// What the wall clock was ahead of Go's when the kernel was last asked for
	// how long it has been suspended, and when that was: see at.
	ahead atomic.Int64
	asked atomic.Int64
}

func newClock() *clock {
	c := &clock{zero: time.Now()}
	// An interruption while two clocks are read makes it too small.
	c.before.Store(int64(max(suspended(), suspended(), suspended())))
	c.ahead.Store(c.zero.UnixNano())
	return c
}

const (
	// Less of a suspension is the noise of reading two clocks.
	doze = int64(time.Millisecond)
	// doubtful is after how long the kernel is asked again in any case.
	doubtful = int64(time.Second)
)

// now reads the clock.
func (c *clock) now() core.Time { return c.at(time.Now()) }

// at is what the clock read at that time, or a little more.
//
// Whether the machine was suspended is a question to the kernel, two system calls,
// and the clock is read dozens of times in a cycle of Acquire and Release. But a
// suspension also puts the wall clock ahead of Go's, which costs nothing to see:
// the kernel is asked when that difference has changed, by a suspension or by
// somebody who set the clock, and once a second in case both happened and made up
// for each other.
func (c *clock) at(t time.Time) core.Time {
	mono := int64(t.Sub(c.zero))
	ahead := t.UnixNano() - mono
	if moved := ahead - c.ahead.Load(); moved >= doze || moved <= -doze || mono-c.asked.Load() >= doubtful {
		c.ask()
		c.ahead.Store(ahead)
		c.asked.Store(mono)
	}
	return time.Duration(mono + c.asleep.Load())
}

// ask takes note of a suspension. A reading may be too small, never too large: the
// largest is kept.
func (c *clock) ask() {
	asleep := int64(suspended()) - c.before.Load()
	for {
		old := c.asleep.Load()
		if asleep < old+doze || c.asleep.CompareAndSwap(old, asleep) {
			return
		}
	}
}

// read reads the clock, and the wall clock for proposing a token.
func (c *clock) read() core.Now {
	t := time.Now()
	return core.Now{At: c.at(t), Wall: uint64(max(0, t.UnixMicro()))}
}
