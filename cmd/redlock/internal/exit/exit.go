// Package exit names the exit statuses that are ours. Every other status of
// "redlock run" is the command's own.
package exit

import (
	"errors"
	"fmt"
	"syscall"
)

// The statuses, a contract that scripts depend on.
const (
	OK          = 0
	Nobody      = 1   // "redlock leader": nobody leads
	NotAcquired = 75  // the lock is held (with --wait 0), or there is no quorum (EX_TEMPFAIL: try again later)
	Lost        = 76  // the lease was lost, or --max-hold ran out, and the command was stopped
	TimedOut    = 124 // --wait ran out, as with timeout(1)
	Failure     = 125 // a mistake in the flags or the configuration, or a failure of redlock itself
	CannotRun   = 126 // the command was found and cannot be run
	NotFound    = 127 // the command was not found
)

// Signalled is the status of a process that was ended by the signal, as shells
// tell it.
func Signalled(sig syscall.Signal) int { return 128 + int(sig) }

// Error is an error that ends the program with a status, and may have a hint
// for the person who reads it.
type Error struct {
	Status int
	Err    error
	Hint   string // one line, or ""
}

// Error gives the error's own words, without the hint.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap gives the error.
func (e *Error) Unwrap() error { return e.Err }

// Failed makes an error one that ends the program, with the status Failure unless it has its own; nil
// stays nil.
func Failed(err error) error {
	if known := (*Error)(nil); err == nil || errors.As(err, &known) {
		return err
	}
	return &Error{Status: Failure, Err: err}
}

// Failuref is an [Error] with the status Failure.
func Failuref(hint, format string, args ...any) *Error {
	return &Error{Status: Failure, Err: fmt.Errorf(format, args...), Hint: hint}
}
