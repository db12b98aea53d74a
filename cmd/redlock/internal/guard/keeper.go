//go:build unix

package guard

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/redlock-go/redlock/cmd/redlock/internal/clock"
)

const (
	// lookPace is how often the keeper looks at the clock: Go's timers stand
	// still while the machine is suspended, and the lease does not.
	lookPace = 250 * time.Millisecond
	// killPace is how soon a KILL is repeated: killing parents hands us their
	// children.
	killPace = 5 * time.Millisecond
)

// IsKeeper reports whether this process was started to be a keeper, and main
// must call [Main] and nothing else.
func IsKeeper() bool { return len(os.Args) > 4 && os.Args[1] == mark }

// Main is the keeper's whole life. It returns the process's exit status, which
// nobody looks at: what there is to tell went through the socket.
func Main() int {
	fd, err := strconv.Atoi(os.Args[2])
	if err != nil {
		return 125
	}
	rename()
	unix.CloseOnExec(fd)
	if err := errors.Join(adoptOrphans(), unix.SetNonblock(fd, true)); err != nil {
		return 125
	}
	sock := os.NewFile(uintptr(fd), "guard")
	k := &keeper{
		command: Command{Path: os.Args[3], Args: os.Args[4:], Env: os.Environ()},
		events:  json.NewEncoder(sock),
		ended:   catchSignals(),
		orders:  make(chan order),
	}
	k.brood.stop = func(sig unix.Signal) { k.tell(Event{Kind: Stopped, Signal: sig}) }
	go func() {
		defer close(k.orders)
		for decoder := json.NewDecoder(sock); ; {
			var o order
			if decoder.Decode(&o) != nil {
				return // the caller is gone, or does not speak our language
			}
			k.orders <- o
		}
	}()
	k.run()
	return 0
}

// catchSignals makes the process deaf to the signals that end or stop others,
// and returns a channel that ticks when a child has news. They are caught, not
// ignored: the command inherits what is ignored. What was ignored when we were
// started (nohup) stays so, for us and the command.
func catchSignals() <-chan os.Signal {
	deaf := make(chan os.Signal, 1) // never read: the signals are dropped
	for _, sig := range []os.Signal{
		unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2,
		unix.SIGALRM, unix.SIGPIPE, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU, unix.SIGCONT,
	} {
		if !signal.Ignored(sig) {
			signal.Notify(deaf, sig)
		}
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, unix.SIGCHLD)
	return ended
}

// keeper is the state of the guarding process.
type keeper struct {
	command Command
	brood   brood
	events  *json.Encoder
	orders  chan order       // closed when the caller is gone
	ended   <-chan os.Signal // ticks after a child ended or was stopped

	killAt    clock.Instant // when to kill
	why       Cause         // and why then
	final     bool          // killAt moves no more
	killAfter time.Duration // from TERM to KILL for what was left behind

	lingerTerm clock.Instant // when what was left behind gets TERM; 0: nothing is, or it has got it
	killing    clock.Instant // when killing began; 0: not yet
}

// tell sends an event. A caller that is gone does not hear it.
func (k *keeper) tell(e Event) { _ = k.events.Encode(e) }

// run lives from the first order until nothing of the command is left.
func (k *keeper) run() {
	first, ok := <-k.orders
	if !ok || first.Verb != verbStart {
		return
	}
	k.killAt, k.killAfter, k.why = first.At, first.After, Deadline
	spawned := make(chan error)
	go func() {
		// The parent-death signal of the command is tied to the thread that starts
		// it. So this one does nothing else and stays until the process ends. (The
		// keeper's own goroutine would do as well, but one that is locked to a
		// thread is slower to wake.)
		runtime.LockOSThread()
		spawned <- k.spawn()
		select {}
	}()
	if err := <-spawned; err != nil {
		status := 126
		if errors.Is(err, unix.ENOENT) {
			status = 127
		}
		k.tell(Event{Kind: Failed, Status: status, Message: err.Error()})
		return
	}
	k.tell(Event{Kind: Started, Pid: k.brood.pid})
	hurry()
	timer := time.NewTimer(lookPace)
	for k.step(clock.Now()) {
		timer.Reset(k.pause(clock.Now()))
		select {
		case o, ok := <-k.orders:
			if ok {
				k.obey(o)
				continue
			}
			k.orders = nil
			k.final, k.killAt, k.why = true, clock.Now(), CallerGone
		case <-k.ended:
		case <-timer.C:
		}
	}
}

// spawn starts the command. A file without a "#!" line goes to the shell, as
// shells and execvp do it.
func (k *keeper) spawn() error {
	attr := &syscall.ProcAttr{Env: k.command.Env, Files: []uintptr{0, 1, 2}, Sys: commandAttr()}
	pid, err := syscall.ForkExec(k.command.Path, k.command.Args, attr)
	if errors.Is(err, unix.ENOEXEC) {
		pid, err = syscall.ForkExec("/bin/sh", append([]string{"sh", k.command.Path}, k.command.Args[1:]...), attr)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", k.command.Path, err)
	}
	k.brood.pid = pid
	return nil
}

// obey carries out an order, unless nothing is left to give it to.
func (k *keeper) obey(o order) {
	switch o.Verb {
	case verbKillAt:
		if !k.final {
			k.killAt = o.At
		}
	case verbSignal:
		if !k.brood.reaped {
			signalGroup(k.brood.pid, o.Signal)
		}
	case verbStop:
		k.final, k.killAt = true, min(k.killAt, o.At)
		k.brood.signal(unix.SIGTERM)
		k.brood.signal(unix.SIGCONT)
	}
}

// step does what is due. It reports whether there is anything left to guard.
func (k *keeper) step(now clock.Instant) bool {
	before := k.brood.reaped
	left := k.brood.reap()
	if !left {
		k.tell(k.exited(0))
		return false
	}
	if k.brood.reaped && !before {
		// The command has ended and something of it runs on.
		k.lingerTerm = now.Add(Grace)
	}
	if k.lingerTerm != 0 && now >= k.lingerTerm {
		k.tell(Event{Kind: Lingering})
		k.lingerTerm = 0
		if at := now.Add(k.killAfter); at < k.killAt {
			k.killAt, k.final, k.why = at, true, Leftovers
		}
		k.brood.signal(unix.SIGTERM)
		k.brood.signal(unix.SIGCONT)
	}
	if now < k.killAt {
		return true
	}
	if k.killing == 0 {
		k.killing = now
		k.tell(Event{Kind: Killed, Cause: k.why})
	}
	if now.Sub(k.killing) > lastResort {
		k.tell(k.exited(k.brood.count()))
		return false
	}
	k.brood.signal(unix.SIGKILL)
	return true
}

// exited is the last event.
func (k *keeper) exited(left int) Event {
	event := Event{Kind: Exited, Left: left}
	switch {
	case !k.brood.reaped: // it could not be killed
		event.Signal = unix.SIGKILL
	case k.brood.status.Signaled():
		event.Signal = k.brood.status.Signal()
	default:
		event.Status = k.brood.status.ExitStatus()
	}
	return event
}

// pause is the time until something may be due.
func (k *keeper) pause(now clock.Instant) time.Duration {
	if k.killing != 0 {
		return killPace
	}
	pause := min(lookPace, k.killAt.Sub(now))
	if k.lingerTerm != 0 {
		pause = min(pause, k.lingerTerm.Sub(now))
	}
	return max(pause, 0)
}
