package redisd

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// process is one run of redis-server.
type process struct {
	pid  int
	os   *os.Process
	gone chan struct{} // closed when the process has ended and was waited for
	exit error         // why, once gone is closed
}

// launch starts redis-server with its output in the file log.
func launch(log string, args []string) (*process, error) {
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("redis-server", args...)
	cmd.Stdout, cmd.Stderr = out, out
	dieWithParent(cmd)

	p := &process{gone: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The parent-death signal comes when the *thread* that started the process
		// ends. So that thread is kept, doing nothing else, as long as the process.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer out.Close() //nolint:errcheck // only read through its path
		err := cmd.Start()
		if err == nil {
			p.os, p.pid = cmd.Process, cmd.Process.Pid
		}
		started <- err
		if err != nil {
			return
		}
		p.exit = cmd.Wait()
		close(p.gone)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start redis-server: %w", err)
	}
	return p, nil
}

func (p *process) kill() {
	_ = p.os.Kill() // an error means that it has ended
	<-p.gone
}

func (p *process) stop(within time.Duration) {
	_ = p.os.Signal(syscall.SIGTERM)
	select {
	case <-p.gone:
	case <-time.After(within):
		p.kill()
	}
}
