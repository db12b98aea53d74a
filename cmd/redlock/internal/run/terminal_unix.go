//go:build unix

package run

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// continueSignal makes a stopped process go on.
const continueSignal = unix.SIGCONT

func isContinue(sig os.Signal) bool { return sig == continueSignal }

// settleWithin is how long it may take until we hear of the SIGCONT that made us go
// on. There is none if the system threw the stop away, because nobody is there who
// could make us go on (an orphaned process group).
const settleWithin = 100 * time.Millisecond

// terminal is the part of a shell's job control that falls to us: the command has
// a process group of its own, so it must be given the terminal, and what stops
// the command (Ctrl-Z) must stop us, and "fg" and "bg" must reach it.
//
// A nil terminal is that of a process without one (cron, systemd, CI), where
// stop signals are passed on like others.
type terminal struct {
	tty     *os.File
	signals chan os.Signal
	goOn    chan os.Signal // SIGCONT
	own     int            // our process group
	command int            // the command's process group, once it runs
	eager   bool           // whether the command gets the terminal without asking
	modes   *term.State
}

// openTerminal is called before the command is started. From the start of the
// command on, signals also gets SIGTSTP, and without a terminal SIGCONT.
func openTerminal(signals chan os.Signal) *terminal {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		signal.Notify(signals, unix.SIGTSTP, unix.SIGCONT)
		return nil
	}
	t := &terminal{tty: tty, signals: signals, goOn: make(chan os.Signal, 1), own: unix.Getpgrp()}
	// The command gets the terminal at once if it has the keyboard and the
	// screen. In a pipeline ("… | less") another program may need it more, so
	// there the command gets it when it asks for it: see stopped.
	t.eager = term.IsTerminal(0) && term.IsTerminal(1)
	t.modes, _ = term.GetState(int(tty.Fd()))
	return t
}

func (t *terminal) close() {
	if t != nil {
		_ = t.tty.Close() // nothing was written
	}
}

// started gives the command the terminal.
func (t *terminal) started(pid int) {
	if t == nil {
		return
	}
	// Not earlier, because the command would inherit it. From here on our own
	// words go out although we are in the background.
	signal.Ignore(unix.SIGTTOU)
	signal.Notify(t.signals, unix.SIGTSTP)
	signal.Notify(t.goOn, unix.SIGCONT)
	t.command = pid
	if t.eager {
		t.handOver()
	}
}

// continued is where it is told that somebody made us go on: "fg" and "bg" do.
func (t *terminal) continued() <-chan os.Signal {
	if t == nil {
		return nil
	}
	return t.goOn
}

// handOver makes the command's group the terminal's foreground, if that is ours
// to give. A command that was faster and has been stopped for want of the terminal
// is told of as stopped. (To make it go on here, to be sure, would undo a Ctrl-Z
// that comes at the same time.)
func (t *terminal) handOver() bool {
	return t.foreground() == t.own &&
		unix.IoctlSetPointerInt(int(t.tty.Fd()), unix.TIOCSPGRP, t.command) == nil
}

// takeBack makes our group the foreground again, with the terminal as it was: a
// command that was killed leaves it in any mode.
func (t *terminal) takeBack() {
	if t == nil || t.command == 0 || t.foreground() != t.command {
		return
	}
	_ = unix.IoctlSetPointerInt(int(t.tty.Fd()), unix.TIOCSPGRP, t.own)
	if t.modes != nil {
		_ = term.Restore(int(t.tty.Fd()), t.modes)
	}
}

func (t *terminal) foreground() int {
	group, err := unix.IoctlGetInt(int(t.tty.Fd()), unix.TIOCGPGRP)
	if err != nil {
		return 0
	}
	return group
}

// stopped is called when the command was stopped by the signal. It stops us too,
// as the shell that waits for us must know, and returns true when the command
// shall go on: after an "fg" or "bg", or if it only wanted the terminal. Without
// a terminal there is no such shell: the command stays stopped, under the lock,
// and false is returned.
func (t *terminal) stopped(sig syscall.Signal) (goOn bool) {
	if t == nil {
		return false
	}
	if sig == unix.SIGTTIN || sig == unix.SIGTTOU {
		// It has asked for the terminal, and gets it, or has got it since.
		if t.handOver() || t.foreground() == t.command {
			t.eager = true
			return true
		}
	}
	// The modes are the shell's business, not those of our command's end.
	if t.foreground() == t.command {
		_ = unix.IoctlSetPointerInt(int(t.tty.Fd()), unix.TIOCSPGRP, t.own)
	}
	t.stopOurselves()
	return true
}

// stopOurselves stops our whole group, as the terminal would: a shell waits for
// all of a pipeline. It returns when somebody has made us go on, or nobody is
// there who could. Renewals stop as well; the guard sees to it that the command
// does not outlast the lease.
func (t *terminal) stopOurselves() {
	select {
	case <-t.goOn: // from before
	default:
	}
	// We have caught SIGTSTP, and Go never gives a caught signal its default
	// action back. So that one is for the others, and for us it is SIGTTIN, which
	// does the same, and to an orphaned group the same nothing.
	signal.Ignore(unix.SIGTSTP)
	_ = unix.Kill(0, unix.SIGTSTP)
	stopSelf(unix.SIGTTIN)
	select {
	case <-t.goOn:
	case <-time.After(settleWithin):
	}
	signal.Notify(t.signals, unix.SIGTSTP)
}

// resumed is called before the command is made to go on.
func (t *terminal) resumed() {
	if t != nil && t.eager && t.command != 0 {
		t.handOver()
	}
}
