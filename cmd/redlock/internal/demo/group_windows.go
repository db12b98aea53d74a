package demo

import "syscall"

// ownGroup keeps Ctrl-C from the workers, whom the demo tells itself.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}
