package redlock

import "syscall"

// brokenConn is what Windows says of a connection that is broken.
var brokenConn = []error{syscall.WSAECONNRESET, syscall.WSAECONNABORTED}
