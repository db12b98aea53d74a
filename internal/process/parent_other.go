//go:build !linux

package process

import "os/exec"

// dieWithParent does nothing where there is no parent-death signal: the process
// then outlives this one if that is killed with SIGKILL.
func dieWithParent(*exec.Cmd) {}
