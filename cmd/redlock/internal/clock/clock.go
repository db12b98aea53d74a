// Package clock reads the time since the machine started. It does not stand
// still while the machine is suspended, nobody can set it, and all processes
// of one machine read the same one: so one process can tell another "not later
// than this", and stamps taken in different processes can be compared.
//
// Go's own monotonic clock is none of these across processes, and it stands
// still in suspend on Linux (golang/go#24595).
package clock

import "time"

// Instant is a point in time: the time since the machine started. The zero
// Instant stands for "no time given".
type Instant time.Duration

// Add returns the instant d later.
func (i Instant) Add(d time.Duration) Instant { return i + Instant(d) }

// Sub returns the time from j to i.
func (i Instant) Sub(j Instant) time.Duration { return time.Duration(i - j) }

// Of returns the instant of t. It is as exact as two clock readings one after
// the other: a few microseconds.
func Of(t time.Time) Instant { return Now().Add(time.Until(t)) }
