package redlock

import (
	"fmt"
	"time"

	"github.com/redlock-go/redlock/internal/script"
)

// Option changes one call of Acquire, TryAcquire, Do or Elect. Options are values
// without state: one may be used for many calls.
type Option interface{ apply(*options) }

type options struct {
	key        string
	kind       script.Kind // nil for the plain lock
	renew      bool
	maxHold    time.Duration
	hasMaxHold bool
	onWait     func(error)
}

type optionFunc func(*options)

func (f optionFunc) apply(o *options) { f(o) }

// WithMaxHold bounds the whole time that the lease is held, renewals included:
// a holder that is stuck does not keep the lock for ever. When it is over the
// lease is lost: its context ends, and the key is removed. d must be positive.
func WithMaxHold(d time.Duration) Option {
	return optionFunc(func(o *options) { o.maxHold, o.hasMaxHold = d, true })
}

// WithoutRenewal turns off renewal in the background: the lease ends at its
// deadline unless Extend is called.
func WithoutRenewal() Option {
	return optionFunc(func(o *options) { o.renew = false })
}

// WithOnWait has fn called each time that an attempt failed and Acquire is
// about to wait before the next: with a *HeldError if somebody holds the lock,
// with a *QuorumError if too few nodes answered. It is called in Acquire's
// goroutine, which waits for it. [Locker.Elect] has more to tell.
func WithOnWait(fn func(err error)) Option {
	return optionFunc(func(o *options) { o.onWait = fn })
}

// with is separate so that the options of a call that has none need no memory.
func (o options) with(opts []Option) options {
	for _, opt := range opts {
		if opt != nil {
			opt.apply(&o)
		}
	}
	return o
}

func (l *Locker) options(name string, opts []Option) (options, error) {
	o := options{key: l.cfg.Prefix + name, renew: true}
	if len(opts) > 0 {
		o = o.with(opts)
	}
	switch {
	case name == "":
		return o, fmt.Errorf("redlock: the name of the lock is empty")
	case len(name) > MaxName:
		return o, fmt.Errorf("redlock: the name of the lock is %d bytes long: at most %d", len(name), MaxName)
	case o.hasMaxHold && o.maxHold <= 0:
		return o, fmt.Errorf("redlock: WithMaxHold(%v): the time must be positive", o.maxHold)
	}
	return o, nil
}
