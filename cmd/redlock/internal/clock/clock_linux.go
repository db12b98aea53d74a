package clock

import "golang.org/x/sys/unix"

// Now returns the present instant.
func Now() Instant {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		// The call exists since Linux 2.6.39; Go itself needs a newer kernel.
		panic("clock: CLOCK_BOOTTIME: " + err.Error())
	}
	return Instant(ts.Nano())
}
