//go:build !windows && !plan9

package redlock

import "syscall"

// brokenConn is what the system says of a connection that is broken.
var brokenConn = []error{syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE}
