package redlock

import (
	"context"
	"fmt"

	"github.com/redlock-go/redlock/internal/script"
)

// AcquireRead takes the lock of that name to read: any number of readers hold it at
// once, and nobody else while one of them does. A writer is who takes it by [Locker.Acquire]
// or [Locker.AcquireWrite], in this library or any other that speaks Redlock. AcquireRead
// waits while a writer holds the lock, or has waited for it for longer: so readers
// do not starve a writer, nor writers a reader. A writer that has died or stands still while it
// waits keeps new readers out for some two seconds, and not for as long as others read.
//
// A reader has its own expiry. One that crashes keeps writers out until that is
// over, and other readers never.
//
// Its token is above those of all writers that held the lock before, and below those of all
// that hold it after; between readers there is no order. See package fence for what
// a resource does with it.
//
// Each reader asks the nodes for itself, also where many are in one process.
// Everything else is as with [Locker.Acquire]: errors, what is left behind, ctx.
func (l *Locker) AcquireRead(ctx context.Context, name string, opts ...Option) (*Lease, error) {
	o, err := l.options(name, opts)
	if err != nil {
		return nil, err
	}
	o.kind = script.Reader
	return l.acquire(ctx, o)
}

// TryAcquireRead is AcquireRead without waiting, in one round: the error is a *HeldError if a
// writer holds the lock, or waits for those who read it now.
func (l *Locker) TryAcquireRead(ctx context.Context, name string, opts ...Option) (*Lease, error) {
	o, err := l.options(name, opts)
	if err != nil {
		return nil, err
	}
	o.kind = script.Reader
	return l.tryAcquire(ctx, o)
}

// AcquireWrite is [Locker.Acquire]: who holds a lock holds it alone, and readers wait. The
// lease can go on as a reader's, see [Lease.Downgrade].
func (l *Locker) AcquireWrite(ctx context.Context, name string, opts ...Option) (*Lease, error) {
	return l.Acquire(ctx, name, opts...)
}

// TryAcquireWrite is [Locker.TryAcquire].
func (l *Locker) TryAcquireWrite(ctx context.Context, name string, opts ...Option) (*Lease, error) {
	return l.TryAcquire(ctx, name, opts...)
}

// Shared reports whether the lease is a reader's: one of [Locker.AcquireRead], or a
// writer's after [Lease.Downgrade].
func (l *Lease) Shared() bool { return l.c.terms().Kind == script.Reader }

// SharedFrom reports whether the lease whose context ctx is, or descends from, is a
// reader's by now: see [Lease.Shared].
func SharedFrom(ctx context.Context) bool {
	lease, _ := ctx.Value(leaseKey{}).(*Lease)
	return lease != nil && lease.Shared()
}

// Downgrade makes a writer's lease a reader's, without a moment in between in which
// another writer could have the lock. Readers that wait are let in. The lease keeps
// its token, context, deadline and renewal; it is extended on the way. Callers in this
// process that stand by for the lock go on to ask the nodes.
//
// The lease is a reader's from the moment of the call, also after an error: write no more. On
// nil, a majority of the nodes lets readers in. *QuorumError (ErrNoQuorum) says that fewer
// do: the others will with the next renewal, and the lease is valid until Deadline. ErrLost
// and ErrNotHeld are as with [Lease.Extend], and so is an end of ctx. Of a reader's lease it
// is Extend. It may be called by many goroutines at once.
//
// The lease of a reader cannot be made a writer's: two that tried would wait for each
// other.
func (l *Lease) Downgrade(ctx context.Context) error {
	c := l.c
	if c.params.Kind != nil && c.params.Kind != script.Reader {
		return fmt.Errorf("redlock: %q: only the lease of a lock that is held alone can become a reader's", c.params.Key)
	}
	c.mu.Lock()
	var told *turn
	again := false
	if c.lost == nil && c.tenant == l && c.params.Kind == nil {
		if !c.shared.Load() {
			c.shared.Store(true)
			told, c.turn = c.turn, nil
		}
		// What is under way may have been said by a writer.
		again = c.core.Renewing()
	}
	c.mu.Unlock()
	if told != nil {
		c.locker.turns.pass(told, nil)
	}
	if again {
		if err := l.Extend(ctx); err != nil && ctx.Err() != nil {
			return err
		}
	}
	return l.Extend(ctx)
}
