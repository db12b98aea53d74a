package fence

import (
	"context"

	"github.com/redlock-go/redlock"
)

type contextKey struct{}

// carried is a token put into a context by hand, and the lease's token that the
// context had then, so that TokenFrom can tell which of the two lies inside.
type carried struct{ token, lease uint64 }

// WithToken returns a context that carries the token, for work under a lease
// that somebody else holds: a program that `redlock run` started gives it the
// token of REDLOCK_TOKEN (see [Parse]), and [Handler] that of the request.
func WithToken(ctx context.Context, token uint64) context.Context {
	lease, _ := redlock.TokenFrom(ctx)
	return context.WithValue(ctx, contextKey{}, carried{token, lease})
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
