//go:build unix

package guard

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// lastResort bounds how long killed processes are waited for. One that
// survives SIGKILL for so long hangs in the kernel, or is not ours to kill (a
// "sudo" in the command).
const lastResort = 3 * time.Second

// brood is the command and everything that came of it. The process that uses
// it is the parent of the command, or has inherited it, and is single-minded:
// nothing else in it waits for children.
type brood struct {
	pid    int               // of the command: also the id of its process group; 0 if it is not known
	reaped bool              // whether the command's exit status was taken
	status unix.WaitStatus   // it, then
	stop   func(unix.Signal) // if not nil, told when the command was stopped
}

// reap takes the exit status of all children that have ended, without waiting,
// and reports whether anything of the brood is left.
func (b *brood) reap() (left bool) {
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, unix.WNOHANG|unix.WUNTRACED, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil: // ECHILD: no children at all
			return b.outsiders()
		case pid == 0: // there are children, and none of them has news
			return true
		case pid != b.pid:
			continue
		case status.Stopped():
			if b.stop != nil {
				b.stop(status.StopSignal())
			}
		case status.Exited(), status.Signaled():
			b.reaped, b.status = true, status
		}
	}
}

// endNow kills the brood and waits, at most for lastResort, until nothing of it
// is left. It returns the number of processes that would not go.
func endNow(b *brood) (left int) {
	for deadline := time.Now().Add(lastResort); b.reap(); {
		if time.Now().After(deadline) {
			return b.count()
		}
		b.signal(unix.SIGKILL)
		time.Sleep(killPace)
	}
	return 0
}

// signalGroup signals a process group. Of a group that is not known there is nothing
// to signal: to kill(2), 0 is the group of the caller, with whoever called us in it,
// and -1 is everybody.
func signalGroup(group int, sig unix.Signal) {
	if group > 1 {
		_ = unix.Kill(-group, sig)
	}
}
