package redlock

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/redlock-go/redlock/internal/script"
)

// MostNames is how many locks AcquireAll takes at once, at the most. A node does all of it
// in one script, and nothing else meanwhile.
const MostNames = 64

// AcquireAll takes all of the locks of those names, or none of them, and returns one
// lease: it is renewed, extended, lost and released as one. Each of them is the lock
// that Acquire takes, and excludes those who want it alone, other Redlock libraries
// too. A node gives all of the locks or none, in one step; so nobody holds one while waiting for
// another, and no two sets can deadlock, whatever the order of their names (A1).
//
// Token is above that of every lease before of each of the locks (I3). If the nodes lose one of the locks,
// the lease is lost (ErrLost), and Release gives back the others all the same (A2).
//
// While somebody else holds one of them, AcquireAll waits, until ctx is done. It stands in
// the nodes' queues for those that are taken, and is served when it has come to the
// head of each of them at once: what has been given back for it is kept for it, while
// it waits for another one, for half a second, and the longer the more often it was tried in vain, up to
// half of the TTL; meanwhile nobody else has that (A3). Callers in one process do not wait
// for each other, as those of Acquire do, but all in the nodes' queues.
//
// The errors are Acquire's; HeldError.Key is the one lock of them that will be taken for
// longest. No names, more than MostNames, or one of them twice is an error, too. After an
// error no key is left behind, as with Acquire.
func (l *Locker) AcquireAll(ctx context.Context, names []string, opts ...Option) (*Lease, error) {
	o, err := l.severalOptions(names, opts)
	if err != nil {
		return nil, err
	}
	return l.acquire(ctx, o)
}

// TryAcquireAll takes all of the locks of those names if they are free, in one round,
// and does not wait: what TryAcquire is to Acquire it is to AcquireAll.
func (l *Locker) TryAcquireAll(ctx context.Context, names []string, opts ...Option) (*Lease, error) {
	o, err := l.severalOptions(names, opts)
	if err != nil {
		return nil, err
	}
	return l.tryAcquire(ctx, o)
}

func (l *Locker) severalOptions(names []string, opts []Option) (o options, err error) {
	switch {
	case len(names) == 0:
		return o, errors.New("redlock: no name of a lock was given")
	case len(names) > MostNames:
		return o, fmt.Errorf("redlock: the names of %d locks were given: at most %d", len(names), MostNames)
	}
	keys := make([]string, len(names))
	for i, name := range names {
		if o, err = l.options(name, opts); err != nil {
			return o, err
		}
		if slices.Contains(keys[:i], o.key) {
			return o, fmt.Errorf("redlock: the name %q was given twice", name)
		}
		keys[i] = o.key
	}
	o.key, o.kind = strings.Join(keys, ", "), script.NewSeveral(keys)
	return o, nil
}

// keys are the keys of the claim.
func (c *claim) keys() []string {
	if kind, ok := c.params.Kind.(*script.Several); ok {
		return kind.Keys()
	}
	return []string{c.params.Key}
}
