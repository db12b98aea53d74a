// Package guard runs a command so that nothing of it outlives the lock.
//
// [Start] runs the command under a second process, the keeper: this program
// again, by another door ([Main]). The keeper is the parent of the command and
// holds one end of a socket whose other end only the caller has. It ends the
// command and everything that the command started
//
//   - when told to ([Guard.Stop]),
//   - when the instant passes that the caller gave, and moves on with each
//     renewal of its lease: so a caller that hangs, was stopped or starves takes
//     its command with it ([Guard.KillAt]),
//   - when the socket closes: so a caller that was killed with -9 does so too,
//   - when the command has ended and left processes behind.
//
// "Everything" is the command's process group, and on Linux also whatever left
// the group: the keeper is the "child subreaper" of all of them, so a process
// that made itself a daemon is still its child. There, too, the kernel kills
// the command itself if the keeper dies.
//
// On other Unix systems a process that leaves the group is out of reach. On
// Windows there is no keeper: a job object that dies with the caller does the
// same work, and a stop request is a Ctrl-Break.
package guard

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/redlock-go/redlock/cmd/redlock/internal/clock"
)

// Grace is how long processes that the command left behind may take to end on
// their own, before they are asked to: a "tee" at the end of a pipe needs it to
// write its last lines.
const Grace = 200 * time.Millisecond

// Command is what to run.
type Command struct {
	Path string   // the program's file
	Args []string // its arguments, from Args[0], the name that it sees, on
	Env  []string // its whole environment
}

// EventKind is what happened to the command.
type EventKind string

// The kinds of [Event], in the order of a command's life.
const (
	Started   EventKind = "started"   // it runs; Pid is also its process group
	Failed    EventKind = "failed"    // it could not be started: Status is 126 or 127, Message says why
	Stopped   EventKind = "stopped"   // it was stopped (Ctrl-Z) by Signal
	Lingering EventKind = "lingering" // it ended, and left processes behind, which are being ended
	Killed    EventKind = "killed"    // it is being killed, for Cause
	Exited    EventKind = "exited"    // it has ended, by Status or Signal, and nothing of it runs, except for Left processes
)

// Cause is why the command, or what it left behind, is being killed.
type Cause string

// The causes of a [Killed] event.
const (
	Deadline   Cause = "deadline"  // the instant that KillAt or Stop gave has come
	Leftovers  Cause = "leftovers" // what the command left behind did not end on TERM
	CallerGone Cause = "caller"    // the caller is gone
	KeeperGone Cause = "keeper"    // the keeper is gone
)

func (c Cause) String() string {
	switch c {
	case Leftovers:
		return "what it left behind did not end"
	case CallerGone:
		return "redlock has died"
	case KeeperGone:
		return "the process that guards it has died"
	default:
		return "its time was up"
	}
}

// Event is one thing that happened to the command.
type Event struct {
	Kind    EventKind      `json:"event"`
	Pid     int            `json:"pid,omitempty"`
	Status  int            `json:"status,omitempty"`
	Signal  syscall.Signal `json:"signal,omitempty"`
	Left    int            `json:"left,omitempty"`
	Cause   Cause          `json:"cause,omitempty"`
	Message string         `json:"message,omitempty"` // why it could not be started
}

// ExitStatus is the command's exit status as a shell tells it: its own, or
// 128+n if signal n ended it. It is only of use on a Failed or Exited event.
func (e Event) ExitStatus() int {
	if e.Signal != 0 {
		return 128 + int(e.Signal)
	}
	return e.Status
}

// Guard is a command that runs, or ran, under guard.
//
// Its methods may be called from many goroutines at once. After the command
// ended they do nothing.
type Guard struct {
	events chan Event
	backend
}

// Start runs the command with the caller's stdin, stdout and stderr, in a
// process group of its own. Unless told otherwise by [Guard.KillAt] by then,
// it is killed at killAt. Processes that it leaves behind get SIGTERM after
// [Grace], and SIGKILL after killAfter more.
//
// An error means that nothing runs, and is our own failure; that the command
// cannot be run is told by an event of kind Failed.
//
// File descriptors that the caller has inherited are inherited on, whatever
// their number is. A caller has one Guard at a time, and while it runs no other
// child process: if the keeper is killed, all children are taken for the
// command's.
func Start(cmd Command, killAt clock.Instant, killAfter time.Duration) (*Guard, error) {
	g := &Guard{events: make(chan Event, 16)}
	if err := g.start(cmd, killAt, killAfter); err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	return g, nil
}

// Events tells what happens to the command. The channel is closed after an
// event of kind Failed or Exited. The caller must read it to its end.
func (g *Guard) Events() <-chan Event { return g.events }

// KillAt moves the instant at which the command is killed. After [Guard.Stop]
// it has no effect.
func (g *Guard) KillAt(at clock.Instant) { g.killAt(at) }

// Signal sends the signal to the command's process group.
func (g *Guard) Signal(sig os.Signal) {
	if s, ok := sig.(syscall.Signal); ok {
		g.signal(s)
	}
}

// Stop asks the command to end, with SIGTERM to its process group, and kills
// what is left of it at killAt. A stopped (Ctrl-Z) command is continued, so that
// it can end.
func (g *Guard) Stop(killAt clock.Instant) { g.stop(killAt) }
