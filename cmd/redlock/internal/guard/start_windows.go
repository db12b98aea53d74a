package guard

import (
	"errors"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/redlock-go/redlock/cmd/redlock/internal/clock"
)

// IsKeeper is false: there are no keepers on Windows.
func IsKeeper() bool { return false }

// Main is never called on Windows.
func Main() int { return 125 }

// backend is the job object that the command runs in. It has its only handle,
// so that the system ends the job when this process ends, however it ends.
type backend struct {
	job     windows.Handle
	process *os.Process

	mu    sync.Mutex
	timer *time.Timer // ends the job
	final bool        // the timer moves no more
	over  bool        // the job has ended: its handle is closed, and so is the channel of events
}

func (g *Guard) start(cmd Command, killAt clock.Instant, killAfter time.Duration) error {
	job, err := newJob()
	if err != nil {
		return err
	}
	run := &exec.Cmd{
		Path: cmd.Path, Args: cmd.Args, Env: cmd.Env,
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		// Ctrl-Break goes to process groups.
		SysProcAttr: &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP},
	}
	if err := run.Start(); err != nil {
		status := 126
		if errors.Is(err, os.ErrNotExist) {
			status = 127
		}
		g.events <- Event{Kind: Failed, Status: status, Message: err.Error()}
		close(g.events)
		return windows.CloseHandle(job)
	}
	// What the command starts before this line is outside of the job. To start
	// it suspended would need a handle on its first thread, which Go closes.
	if err := assign(job, run.Process.Pid); err != nil {
		return errors.Join(err, run.Process.Kill(), windows.CloseHandle(job))
	}
	g.job, g.process = job, run.Process
	g.timer = time.AfterFunc(killAt.Sub(clock.Now()), g.end)
	g.events <- Event{Kind: Started, Pid: run.Process.Pid}
	go func() {
		defer close(g.events)
		_ = run.Wait() // the state tells
		g.mu.Lock()
		defer g.mu.Unlock()
		g.over = true
		g.timer.Stop()
		// What it left behind gets its grace only if it is heard of, which jobs
		// do not do. It ends now.
		_ = windows.TerminateJobObject(job, 1)
		_ = windows.CloseHandle(job)
		g.events <- Event{Kind: Exited, Status: run.ProcessState.ExitCode()}
	}()
	return nil
}

// newJob returns a job object that ends with its last handle.
func newJob() (windows.Handle, error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return 0, err
	}
	var info windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION
	info.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)))
	if err != nil {
		return 0, errors.Join(err, windows.CloseHandle(job))
	}
	return job, nil
}

func assign(job windows.Handle, pid int) error {
	process, err := windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE, false, uint32(pid))
	if err != nil {
		return err
	}
	return errors.Join(windows.AssignProcessToJobObject(job, process), windows.CloseHandle(process))
}

// end kills everything in the job.
func (g *Guard) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over {
		return
	}
	select {
	case g.events <- Event{Kind: Killed, Cause: Deadline}:
	default: // nobody listens, and to kill it matters more
	}
	_ = windows.TerminateJobObject(g.job, 1)
}

func (g *Guard) killAt(at clock.Instant) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.timer != nil && !g.final && g.timer.Stop() {
		g.timer.Reset(at.Sub(clock.Now()))
	}
}

// signal: the only request that a Windows program can be sent is a Ctrl-Break.
func (g *Guard) signal(sig syscall.Signal) {
	if g.process != nil && (sig == syscall.SIGINT || sig == syscall.SIGTERM) {
		_ = windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(g.process.Pid))
	}
}

func (g *Guard) stop(at clock.Instant) {
	g.killAt(at)
	g.mu.Lock()
	g.final = true
	g.mu.Unlock()
	g.signal(syscall.SIGTERM)
}
