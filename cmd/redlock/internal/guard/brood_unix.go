//go:build unix && !linux

package guard

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Without Linux's child subreaper and parent-death signal the brood is the
// command's process group, and what leaves it is out of reach.

func adoptOrphans() error { return nil }

func executable() (string, error) { return os.Executable() }

func keeperAttr() *syscall.SysProcAttr  { return &syscall.SysProcAttr{Setpgid: true} }
func commandAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func rename() {}
func hurry()  {}

// signal sends the signal to the command's group. The group's id is safe from
// being given to others as long as the command's exit status was not taken,
// or a member lives, which the last reap has just seen.
func (b *brood) signal(sig unix.Signal) { signalGroup(b.pid, sig) }

// outsiders reports whether the group has members that are not our children.
func (b *brood) outsiders() bool { return b.pid > 1 && unix.Kill(-b.pid, 0) == nil }

// count is 1 if anything is left.
func (b *brood) count() int {
	if b.outsiders() {
		return 1
	}
	return 0
}
