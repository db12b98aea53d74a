package traffic

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/goredis"
	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/rig/clock"
	"github.com/redlock-go/redlock/rueidis"
)

func onGoredis() Contestant {
	return ours("redlock-goredis", "go-redis", "github.com/redis/go-redis/v9",
		func(urls ...string) ([]redlock.Node, error) { return goredis.OpenAll(urls...) })
}

func onRueidis() Contestant {
	return ours("redlock-rueidis", "rueidis", "github.com/redis/rueidis",
		func(urls ...string) ([]redlock.Node, error) { return rueidis.OpenAll(urls...) })
}

func ours(name, adapter, module string, open func(urls ...string) ([]redlock.Node, error)) Contestant {
	return Contestant{
		Name: name, Ours: true, Quorum: true,
		Modules:  []string{module},
		Settings: "this library on " + adapter + ", all nodes; renewal in the background by default, every fourth lease without and extended by hand",
		Keys:     func(lock string) []string { return []string{redlock.DefaultPrefix + lock} },
		Queues:   func(key string) []string { return []string{script.Queue(key)} },
		Owner: func(value string) string {
			label, _ := script.Label(value)
			return label
		},
		Open: func(s Setup) (Locker, error) {
			nodes, err := open(s.URLs...)
			if err != nil {
				return nil, err
			}
			l, err := redlock.New(redlock.Config{
				Nodes: nodes, TTL: s.TTL, Owner: s.Owner, Durable: s.Durable, NodeTimeout: s.Patience, Shared: s.Shared,
				Logger: slog.New(slog.NewTextHandler(s.Log, nil)),
			})
			if err != nil {
				return nil, err
			}
			return ourLocker{l, s.ByHand}, nil
		},
	}
}

type ourLocker struct {
	*redlock.Locker
	byHand bool
}

// Acquire waits until ctx is done. The lease does not end with ctx.
func (l ourLocker) Acquire(ctx context.Context, lock string) (Lease, error) {
	return l.take(ctx, func(ctx context.Context, opts ...redlock.Option) (*redlock.Lease, error) {
		return l.Locker.Acquire(ctx, lock, opts...)
	})
}

// taking is a way to take something.
type taking func(ctx context.Context, opts ...redlock.Option) (*redlock.Lease, error)

func (l ourLocker) take(ctx context.Context, way taking) (Lease, error) {
	// A lease's context is a child of the one given to Acquire.
	waiting, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })
	byHand := l.byHand || rand.IntN(4) == 0
	var opts []redlock.Option
	if byHand {
		opts = append(opts, redlock.WithoutRenewal())
	}
	lease, err := way(waiting, opts...)
	stop()
	if err != nil {
		cancel(nil)
		return nil, err
	}
	return ourLease{lease, byHand, func() { cancel(nil) }}, nil
}

// Kind names the states of the library.
func (ourLocker) Kind(err error) string {
	switch {
	case errors.Is(err, redlock.ErrLost):
		return "lost"
	case errors.Is(err, redlock.ErrNotHeld):
		return "not held"
	case errors.Is(err, redlock.ErrNoQuorum):
		return "no quorum"
	case errors.Is(err, redlock.ErrHeld):
		return "held"
	case errors.Is(err, redlock.ErrClosed):
		return "closed"
	}
	return kindOf(err)
}

type ourLease struct {
	*redlock.Lease
	byHand bool
	free   func()
}

// Valid is what the library tells, without asking a node. A lease that was lost
// before its deadline was given back then, and there is no telling when.
func (l ourLease) Valid() (clock.Instant, bool) {
	now, end := until(l.Deadline)
	ok := l.Context().Err() == nil && now < end
	if !ok && !expired(context.Cause(l.Context())) {
		end = 0
	}
	return end, ok
}

// expired tells a lease that ended at its deadline from one that ended before.
func expired(cause error) bool {
	return cause != nil && strings.Contains(cause.Error(), "not extended before its deadline")
}

// clockNoise is how much two readings of two clocks may disagree, as in the library.
const clockNoise = time.Millisecond

// Overstays reports whether the context was not done when the deadline was over.
func (l ourLease) Overstays() bool {
	at := time.Now()
	if l.Context().Err() != nil {
		return false
	}
	// Read after that: an extension meanwhile has moved it on. And several times: where
	// the process stands still in the middle of it, the result is too early; by as much
	// as it takes to read two clocks, it always is.
	var deadline time.Time
	for range 3 {
		if d := l.Deadline(); d.After(deadline) {
			deadline = d
		}
	}
	return deadline.Add(clockNoise).Before(at)
}

// Extend extends what is not renewed in the background.
func (l ourLease) Extend(ctx context.Context) error {
	if !l.byHand {
		return nil
	}
	return l.Lease.Extend(ctx)
}

// Release asks the nodes once.
func (l ourLease) Release(ctx context.Context) error {
	defer l.free()
	return l.Lease.Release(ctx)
}

// kindOf names what all libraries have in common.
func kindOf(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "timeout"
	case errors.Is(err, context.Canceled):
		return "cancelled"
	}
	return "connection"
}
