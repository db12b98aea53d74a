package traffic

import (
	"os/exec"
	"syscall"
)

// dieWithParent has the process killed when this one dies; redlock then sees to
// its child.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
