package fence_test

import "syscall"

// dieWithParent has the kernel end the server if the test binary is killed.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGQUIT }
