package process

import "errors"

var errNoFreeze = errors.New("a process cannot be frozen on Windows")

// Freeze is not possible here.
func (p *Process) Freeze() error { return errNoFreeze }

// Thaw has nothing to do.
func (p *Process) Thaw() error { return errNoFreeze }
