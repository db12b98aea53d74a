// Package clock reads the time since the machine started: all processes of one
// machine read the same clock, nobody can set it, and it goes on while the machine
// is suspended. So stamps that were taken in different processes can be
// compared, which is what the checkers do.
package clock

import "time"

// Instant is a point in time: nanoseconds since the machine started.
type Instant int64

// Add returns the instant d later.
func (i Instant) Add(d time.Duration) Instant { return i + Instant(d) }

// Sub returns the time from j to i.
func (i Instant) Sub(j Instant) time.Duration { return time.Duration(i - j) }

// String prints it in seconds.
func (i Instant) String() string { return time.Duration(i).String() }
