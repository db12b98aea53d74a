// Package process runs programs that must not outlive this one: servers and
// clients under test, which are killed, stopped in their tracks and started again.
package process

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Process is one run of a program. Its methods may be called from any goroutine.
type Process struct {
	os   *os.Process
	gone chan struct{}
	exit error
}

// Start starts the command, and on Linux has the kernel kill it when this process
// dies, however that happens. Somebody else must not wait for the command.
func Start(cmd *exec.Cmd) (*Process, error) {
	dieWithParent(cmd)
	p := &Process{gone: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The parent-death signal comes when the *thread* that started the process
		// ends. So that thread is kept, doing nothing else, as long as the process.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		p.os = cmd.Process
		started <- err
		if err != nil {
			return
		}
		p.exit = cmd.Wait()
		close(p.gone)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	return p, nil
}

// Pid is the process id, also when the process has ended.
func (p *Process) Pid() int { return p.os.Pid }

// Gone is closed when the process has ended and was waited for.
func (p *Process) Gone() <-chan struct{} { return p.gone }

// Alive reports whether the process exists, frozen or not.
func (p *Process) Alive() bool {
	select {
	case <-p.gone:
		return false
	default:
		return true
	}
}

// Exit is how the process ended, as from exec.Cmd.Wait. It waits for the end.
func (p *Process) Exit() error {
	<-p.gone
	return p.exit
}

// Kill ends the process with SIGKILL, frozen or not, and returns when it is gone.
func (p *Process) Kill() {
	_ = p.os.Kill() // an error means that it has ended
	<-p.gone
}

// Stop asks the process to end (SIGTERM) and returns when it is gone. After within
// it is killed.
func (p *Process) Stop(within time.Duration) {
	_ = p.os.Signal(syscall.SIGTERM) // an error means that it has ended, or cannot be asked
	enough := time.NewTimer(within)
	defer enough.Stop()
	select {
	case <-p.gone:
	case <-enough.C:
		p.Kill()
	}
}
