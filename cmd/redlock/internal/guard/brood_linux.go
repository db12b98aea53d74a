package guard

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// adoptOrphans makes this process the parent of all its descendants whose own
// parents die. It is the ground of all that brood does on Linux: "no children"
// means "nothing left".
func adoptOrphans() error {
	return os.NewSyscallError("prctl", unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
}

// executable is this program's file: the very one that runs, also if another
// has taken its name since.
func executable() (string, error) {
	const self = "/proc/self/exe"
	if _, err := os.Stat(self); err == nil {
		return self, nil
	}
	return os.Executable()
}

// keeperAttr: a group of its own, so that a signal to ours (kill -9 %1) spares
// the keeper; and if we die while it is stopped, it goes on.
func keeperAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGCONT}
}

// commandAttr: a group of its own, and death with the thread that started it.
func commandAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// rename keeps the keeper out of the way of "pkill redlock".
func rename() {
	// Only a name: without /proc it stays as it is.
	_ = os.WriteFile("/proc/self/comm", []byte("lock-keeper"), 0)
}

// hurry asks the system to let this process run as soon as it wakes, which it does
// seldom and for an instant: a keeper that comes late on a busy machine comes
// after the lease's end. It is called when the command has been started, lest
// that inherits it. It takes a privilege; without it, all stays as it is.
func hurry() {
	const first = -20
	tasks, _ := filepath.Glob("/proc/self/task/[0-9]*")
	for _, task := range tasks {
		if id, err := strconv.Atoi(filepath.Base(task)); err == nil {
			_ = unix.Setpriority(unix.PRIO_PROCESS, id, first) // on Linux it is of a thread
		}
	}
}

// signal sends the signal to the command's group, and to those of its
// descendants that left the group and whose parents have died. Their children
// in turn become ours as they die, so that repeating it reaches all.
//
// Nobody else can be hit: a child keeps its process id and its group's id until
// this process, which does nothing else meanwhile, takes its exit status.
func (b *brood) signal(sig unix.Signal) {
	if !b.reaped {
		signalGroup(b.pid, sig)
	}
	grouped := !b.reaped
	for _, child := range children() {
		group, err := unix.Getpgid(child)
		switch {
		case err != nil:
		case group != b.pid:
			_ = unix.Kill(child, sig)
		case !grouped:
			grouped = true
			signalGroup(b.pid, sig)
		}
	}
}

// outsiders reports whether anything is left that is no child: on Linux that
// cannot be.
func (b *brood) outsiders() bool { return false }

// count is the number of children left.
func (b *brood) count() int { return len(children()) }

// children returns the process ids of this process's children, from
// /proc/self/task/*/children, or, where the kernel was built without it, by
// looking at every process.
func children() []int {
	var pids []int
	lists, _ := filepath.Glob("/proc/self/task/*/children")
	for _, list := range lists {
		text, _ := os.ReadFile(list) // a thread that has just ended has no children
		pids = appendNumbers(pids, text)
	}
	if len(lists) > 0 {
		return pids
	}
	self := os.Getpid()
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		// "pid (name) state ppid …", and the name may hold anything.
		end := bytes.LastIndexByte(text, ')')
		if end < 0 {
			continue
		}
		fields := bytes.Fields(text[end+1:])
		if len(fields) < 2 || string(fields[1]) != strconv.Itoa(self) {
			continue
		}
		pids = appendNumbers(pids, bytes.TrimSpace(text[:bytes.IndexByte(text, ' ')]))
	}
	return pids
}

func appendNumbers(to []int, text []byte) []int {
	for _, field := range bytes.Fields(text) {
		if n, err := strconv.Atoi(string(field)); err == nil {
			to = append(to, n)
		}
	}
	return to
}
