//go:build unix

package run

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// passedOn are the signals that we pass on to the command: all that one process
// sends another to tell it something.
var passedOn = []os.Signal{
	unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM,
	unix.SIGUSR1, unix.SIGUSR2, unix.SIGALRM, unix.SIGWINCH,
}

// ending are those that end us while there is no command yet.
var ending = []os.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM}

// stopping are those that openTerminal adds.
var stopping = []os.Signal{unix.SIGTSTP, unix.SIGCONT}

// survivePipes keeps a reader of our stderr that has gone from ending us, and so the
// command. It is caught, not ignored, as the command would inherit that.
func survivePipes() { signal.Notify(make(chan os.Signal, 1), unix.SIGPIPE) }

func signalName(sig syscall.Signal) string {
	if name := unix.SignalName(sig); name != "" {
		return name
	}
	return sig.String()
}
