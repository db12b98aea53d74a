//go:build unix && !linux

package fence_test

import "syscall"

// dieWithParent does nothing here: only Linux has a parent-death signal. A test
// binary that is killed then leaves its PostgreSQL behind.
func dieWithParent(*syscall.SysProcAttr) {}
