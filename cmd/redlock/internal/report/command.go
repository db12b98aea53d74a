package report

import "fmt"

// What happens to the command.

// Started tells that the command runs.
type Started struct {
	Pid int `json:"pid"`
}

func (Started) name() string { return "started" }

func (e Started) words(verbose bool) []string {
	return ifVerbose(verbose, fmt.Sprintf("started the command, process %d", e.Pid))
}

// Signal tells that we got a signal and passed it on to the command.
type Signal struct {
	Signal string `json:"signal"`
}

func (Signal) name() string { return "signal" }

func (e Signal) words(verbose bool) []string {
	return ifVerbose(verbose, "passed on "+e.Signal)
}

// Paused tells that the command was stopped, by Ctrl-Z or a signal.
type Paused struct {
	Signal string `json:"signal"`
}

func (Paused) name() string { return "paused" }

func (e Paused) words(verbose bool) []string {
	return ifVerbose(verbose, "the command was stopped by "+e.Signal)
}

// Lingering tells that the command has ended and left processes behind, which
// have been sent SIGTERM.
type Lingering struct {
	KillAfter Millis `json:"kill_after_ms"`
}

func (Lingering) name() string { return "lingering" }

func (e Lingering) words(bool) []string {
	return []string{
		fmt.Sprintf("the command left processes behind: stopping them, SIGTERM now, SIGKILL in %v", e.KillAfter),
		"hint: nothing may run on without the lock: have the command wait for what it starts",
	}
}

// Killed tells that the command, or what was left of it, was sent SIGKILL.
type Killed struct {
	Reason string `json:"reason"`
}

func (Killed) name() string { return "killed" }

func (e Killed) words(bool) []string {
	return []string{"killed the command: " + e.Reason}
}
