//go:build unix

package demo

import "syscall"

// ownGroup keeps what the terminal sends to the demo (Ctrl-C) from its workers,
// whom the demo tells itself.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
