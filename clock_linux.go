package redlock

import (
	"syscall"
	"time"
	"unsafe"
)

// suspended is for how long the machine has been suspended since boot, or
// less: CLOCK_BOOTTIME goes on meanwhile, CLOCK_MONOTONIC does not. The boot-time
// clock is read first, so that a pause between the two readings makes the
// result smaller and not larger. 0 if the kernel does not know the clock.
func suspended() time.Duration {
	const (
		clockMonotonic = 1
		clockBoottime  = 7
	)
	boot, ok := gettime(clockBoottime)
	if !ok {
		return 0
	}
	mono, ok := gettime(clockMonotonic)
	if !ok {
		return 0
	}
	return boot - mono
}

func gettime(id uintptr) (time.Duration, bool) {
	var ts syscall.Timespec
	_, _, errno := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, id, uintptr(unsafe.Pointer(&ts)), 0) //nolint:gosec // the kernel writes a timespec there, nothing else
	return time.Duration(ts.Nano()), errno == 0
}
