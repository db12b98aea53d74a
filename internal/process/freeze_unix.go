//go:build unix

package process

import (
	"syscall"
	"time"
)

// Freeze stops the process in its tracks (SIGSTOP) until Thaw. On return it is
// stopped.
func (p *Process) Freeze() error {
	if err := p.os.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	// The signal is delivered a moment later, and to each thread.
	for deadline := time.Now().Add(time.Second); !stopped(p.os.Pid) && time.Now().Before(deadline); {
		time.Sleep(100 * time.Microsecond)
	}
	return nil
}

// Thaw lets a frozen process go on (SIGCONT).
func (p *Process) Thaw() error { return p.os.Signal(syscall.SIGCONT) }
