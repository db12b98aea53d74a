//go:build !linux

package redisd

import "os/exec"

// dieWithParent does nothing where there is no parent-death signal: a server
// then outlives a test process that is killed with SIGKILL.
func dieWithParent(*exec.Cmd) {}
