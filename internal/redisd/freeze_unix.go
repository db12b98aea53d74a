//go:build unix

package redisd

import (
	"syscall"
	"time"
)

func (p *process) freeze() error {
	if err := p.os.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	// The signal is delivered a moment later, and to each thread.
	for deadline := time.Now().Add(time.Second); !stopped(p.pid) && time.Now().Before(deadline); {
		time.Sleep(100 * time.Microsecond)
	}
	return nil
}

func (p *process) thaw() error { return p.os.Signal(syscall.SIGCONT) }
