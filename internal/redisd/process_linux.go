package redisd

import (
	"os/exec"
	"syscall"
)

// dieWithParent makes the kernel kill the server when the test process dies,
// however that happens.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
