package clock

import "golang.org/x/sys/windows"

// Now returns the present instant, to 10 or 16 milliseconds.
func Now() Instant { return Instant(windows.DurationSinceBoot()) }
