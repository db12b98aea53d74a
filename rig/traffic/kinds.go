package traffic

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/internal/script"
)

// slots are those of the semaphore.
const slots = 3

// kinds is this library once more, with locks of all kinds: one that is read and written, a
// semaphore, a set of two, and one of the two by itself.
func kinds() Contestant {
	c := onGoredis()
	c.Name, c.Kinds = "redlock-kinds", true
	c.Settings = fmt.Sprintf("as redlock-goredis, with locks of other kinds: one that is read and written, a semaphore of %d slots, a set of two locks, and one of those two alone", slots)
	plain, open := c.Keys, c.Open
	c.Keys = func(lock string) []string {
		lock, _, _ = strings.Cut(lock, "#")
		return plain(lock)
	}
	c.Queues = func(key string) []string { return []string{script.Queue(key), "{" + key + "}:sq"} }
	c.Beside = func(key string) []string { return []string{"{" + key + "}:r", "{" + key + "}:s"} }
	c.Open = func(s Setup) (Locker, error) {
		l, err := open(s)
		if err != nil {
			return nil, err
		}
		return kindLocker{l.(ourLocker)}, nil
	}
	return c
}

// slotOf names a slot of a semaphore.
func slotOf(lock string, n int) string { return fmt.Sprintf("%s#%d", lock, n) }

type kindLocker struct{ ourLocker }

// Acquire takes what the name stands for.
func (l kindLocker) Acquire(ctx context.Context, lock string) (Lease, error) {
	part := Part{Lock: lock}
	lease, err := l.take(ctx, func(ctx context.Context, opts ...redlock.Option) (*redlock.Lease, error) {
		name, kind, _ := strings.Cut(lock, "/")
		switch part.Shared = false; "/" + kind {
		case sharedLock:
			if part.Shared = rand.IntN(2) == 0; part.Shared {
				return l.AcquireRead(ctx, lock, opts...)
			}
			return l.AcquireWrite(ctx, lock, opts...)
		case slotsLock:
			return l.AcquireSlot(ctx, lock, slots, opts...)
		case pairLock:
			part.Also = []string{name + calmLock}
			return l.AcquireAll(ctx, []string{lock, part.Also[0]}, opts...)
		}
		return l.Locker.Acquire(ctx, lock, opts...)
	})
	if err != nil {
		return nil, err
	}
	held := lease.(ourLease)
	if n := held.Slot(); n >= 0 {
		part.Lock = slotOf(lock, n)
	}
	return kindLease{held, part}, nil
}

type kindLease struct {
	ourLease
	part Part
}

// Part is what the lease is of.
func (l kindLease) Part() Part { return l.part }
