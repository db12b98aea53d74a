package fence

import (
	"context"

	"github.com/redlock-go/redlock"
)

type contextKey struct{}

// carried is a token put into a context by hand, and the lease's token that the
// context had then, so that TokenFrom can tell which of the two lies inside.
type carried struct {
	token, lease uint64
	shared       bool
}

// WithToken returns a context that carries the token, for work under a lease
// that somebody else holds: a program that `redlock run` started gives it the
// token of REDLOCK_TOKEN (see [Parse]), and [Handler] that of the request.
func WithToken(ctx context.Context, token uint64) context.Context {
	return with(ctx, token, false)
}

// WithSharedToken is WithToken for the token of a reader.
func WithSharedToken(ctx context.Context, token uint64) context.Context {
	return with(ctx, token, true)
}

func with(ctx context.Context, token uint64, shared bool) context.Context {
	lease, _ := redlock.TokenFrom(ctx)
	return context.WithValue(ctx, contextKey{}, carried{token, lease, shared})
}

// SharedFrom reports whether the token that TokenFrom returns is a reader's by now: one of
// [redlock.Locker.AcquireRead], or of a writer that goes on as a reader.
func SharedFrom(ctx context.Context) bool {
	lease, _ := redlock.TokenFrom(ctx)
	if by, _ := ctx.Value(contextKey{}).(carried); by.token != 0 && by.lease == lease {
		return by.shared
	}
	return redlock.SharedFrom(ctx)
}

// TokenFrom returns the token under which ctx works: that of the lease whose
// context it comes from ([redlock.TokenFrom]), or that of [WithToken], whichever
// was put in last.
func TokenFrom(ctx context.Context) (token uint64, ok bool) {
	lease, _ := redlock.TokenFrom(ctx)
	by, _ := ctx.Value(contextKey{}).(carried)
	if by.token != 0 && by.lease == lease {
		return by.token, true
	}
	return lease, lease != 0
}
