//go:build unix && !linux

package clock

import "golang.org/x/sys/unix"

// Now returns the present instant.
func Now() Instant {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic("clock: CLOCK_MONOTONIC: " + err.Error())
	}
	return Instant(ts.Nano())
}
