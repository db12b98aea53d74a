package redisd

import "errors"

var errNoFreeze = errors.New("a process cannot be frozen on Windows")

func (p *process) freeze() error { return errNoFreeze }
func (p *process) thaw() error   { return errNoFreeze }
