package run

import (
	"os"
	"syscall"
)

// passedOn: Ctrl-C and Ctrl-Break, and the end of the session.
var passedOn = []os.Signal{os.Interrupt, syscall.SIGTERM}

var ending = passedOn

var stopping []os.Signal

func survivePipes() {} // there is no SIGPIPE

func signalName(sig syscall.Signal) string { return sig.String() }
