package clock

import "golang.org/x/sys/unix"

// Now returns the present instant.
func Now() Instant {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		panic("clock: CLOCK_BOOTTIME: " + err.Error()) // older than any kernel that Go runs on
	}
	return Instant(ts.Nano())
}
