package run

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// stopSelf sends a stop signal to this process. When it returns, the process has
// been stopped and made to go on, or the system has thrown the signal away: a
// signal to the calling thread takes effect before the call is over.
func stopSelf(sig unix.Signal) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_ = unix.Tgkill(os.Getpid(), unix.Gettid(), sig)
}
