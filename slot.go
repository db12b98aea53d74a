package redlock

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/script"
)

// MaxSlots is the largest number of slots that a semaphore can have.
const MaxSlots = script.MostSlots

// AcquireSlot takes one of the slots of the semaphore of that name, which has as many as
// of says, from 1 to [MaxSlots], and returns the lease of it: so at most that many leases are
// valid at once (S1). [Lease.Slot] says which one it is. While all are in use it waits, as
// [Locker.Acquire] does, in the nodes' queues and until ctx is done; its errors, and what
// they leave behind, are the same. The options are, too.
//
// A semaphore is that many locks under one name: a slot is held on a majority of the
// nodes, has an expiry of its own, by which it comes back if its holder dies, and tokens
// of its own, which rise from one holder of the slot to the next. A resource that is to
// refuse stale writes has to know the slot as well as the token.
//
// Each caller may go by another number. It gets a slot below its own, so that there are
// never more holders than the largest number in use; after the number was lowered, who
// holds one of the slots above keeps it until it ends. A caller that goes by a smaller
// number does not keep one behind it from a slot that is only for that one.
//
// The semaphore has nothing to do with a lock of the same name. Callers in this process
// wait in the nodes' queues each for itself.
func (l *Locker) AcquireSlot(ctx context.Context, name string, of int, opts ...Option) (*Lease, error) {
	o, err := l.slotOptions(name, of, opts)
	if err != nil {
		return nil, err
	}
	return l.acquire(ctx, o)
}

// TryAcquireSlot takes one of the slots if one is free, and does not wait. If all are in
// use, or kept for those who wait, the error is a *HeldError (ErrHeld), whose
// Remaining says when the first of them ends unless it is extended. It takes one round, or if
// contenders were granted different slots at the same time, up to three. Otherwise it is
// as [Locker.AcquireSlot].
func (l *Locker) TryAcquireSlot(ctx context.Context, name string, of int, opts ...Option) (*Lease, error) {
	o, err := l.slotOptions(name, of, opts)
	if err != nil {
		return nil, err
	}
	return l.tryAcquire(ctx, o)
}

func (l *Locker) slotOptions(name string, of int, opts []Option) (options, error) {
	o, err := l.options(name, opts)
	if err == nil && (of < 1 || of > MaxSlots) {
		err = fmt.Errorf("redlock: a semaphore of %d slots: from 1 to %d can be had", of, MaxSlots)
	}
	if err != nil {
		return o, err
	}
	o.kind = script.Slots{K: of, Hint: rand.IntN(of)}
	return o, nil
}

// mostScattered is how many rounds in which contenders were granted different slots a
// caller that does not wait takes.
const mostScattered = 3

// learn makes the options those of the attempt after one that was lost.
func (o *options) learn(d core.Defeat) {
	if s, ok := o.kind.(script.Slots); ok {
		o.kind = s.Next(d, rand.Int())
	}
}

// Slot is which slot of a semaphore the lease is of, from 0 to one less than there are; -1 if it
// is of none. It stays the same for as long as the lease lasts.
func (l *Lease) Slot() int {
	if _, ok := l.c.params.Kind.(script.Slots); !ok {
		return -1
	}
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	return l.c.core.Slot()
}
