//go:build unix && !linux

package run

import (
	"os"

	"golang.org/x/sys/unix"
)

// stopSelf sends a stop signal to this process, which takes effect at once, or
// nearly.
func stopSelf(sig unix.Signal) { _ = unix.Kill(os.Getpid(), sig) }
