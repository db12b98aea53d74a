package sim

import "time"

// clock is somebody's own clock: at the instant zero it read base, and since
// then it has run at its own rate, fast or slow by so many parts in a million.
//
// Everything is whole nanoseconds, so that a run is the same on every machine.
type clock struct {
	zero time.Duration // true time
	base time.Duration // what the clock read then
	ppm  int64
}

const million = 1_000_000

// read is what the clock says at an instant.
func (c *clock) read(at time.Duration) time.Duration {
	d := at - c.zero
	return c.base + d + d/million*time.Duration(c.ppm) + d%million*time.Duration(c.ppm)/million
}

// when is the first instant at which the clock says so much, or the present one
// if it does already.
func (c *clock) when(reading, now time.Duration) time.Duration {
	left := reading - c.read(now)
	if left <= 0 {
		return now
	}
	// Near enough, and then exactly.
	at := now + left - time.Duration(float64(left)*float64(c.ppm)/float64(million+c.ppm))
	for c.read(at) < reading {
		at++
	}
	for c.read(at-1) >= reading {
		at--
	}
	return at
}

// tune changes the rate from now on.
func (c *clock) tune(now time.Duration, ppm int64) {
	c.base, c.zero, c.ppm = c.read(now), now, ppm
}

// jump sets the clock forward or back.
func (c *clock) jump(now, by time.Duration) {
	c.base, c.zero = c.read(now)+by, now
}
