package redlock

import (
	"syscall"
	"time"
	"unsafe"
)

// bootTime reads CLOCK_BOOTTIME: the time since boot, suspension included. 0 if
// the kernel does not know it, which leaves the monotonic clock.
func bootTime() time.Duration {
	const clockBoottime = 7
	var ts syscall.Timespec
	_, _, errno := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockBoottime, uintptr(unsafe.Pointer(&ts)), 0) //nolint:gosec // the kernel writes a timespec there, nothing else
	if errno != 0 {
		return 0
	}
	return time.Duration(ts.Nano())
}
