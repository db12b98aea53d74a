package fence

import (
	"context"
	"sync"
)

// turns keeps requests of different tokens for one resource from being under
// way at the same time. Requests of one token may be: they are one holder's; and those of
// readers, as long as no writer waits.
//
// Without it a handler that was admitted, and then delayed, could still write
// after a newer token was admitted and had written: a check alone is as old as
// the delay that follows it.
type turns struct {
	mu sync.Mutex
	of map[string]*turn // only resources with requests under way
}

// turn is the requests under way for one resource: of one token, or of readers.
type turn struct {
	token   uint64 // the highest of them
	shared  bool   // they are readers'
	newest  uint64 // the highest token that has asked for the next turn, or token
	written uint64 // the same of writers, or 0
	last    int    // the number of the request that came last
	cancels map[int]context.CancelCauseFunc
	free    chan struct{} // closed when the last of them has left
}

// enter returns when no request of another token for the resource is under way.
// Older ones are told to stop: their contexts end with a [*StaleError] as the
// cause. It returns the request's own context, and leave, to be called when the
// request is done.
//
// The error is a [*StaleError] if a newer token is under way or waiting, and
// ctx's cause if ctx was done first. Then there is nothing to leave.
func (t *turns) enter(ctx context.Context, resource string, token uint64, shared bool) (within context.Context, leave func(), err error) {
	for {
		within, leave, free, err := t.try(ctx, resource, token, shared)
		if err != nil || leave != nil {
			return within, leave, err
		}
		select {
		case <-free:
		case <-ctx.Done():
			return nil, nil, context.Cause(ctx)
		}
	}
}

// try enters, or returns what is to be waited for before it is tried again.
func (t *turns) try(ctx context.Context, resource string, token uint64, shared bool) (within context.Context, leave func(), free <-chan struct{}, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.of[resource]
	if now == nil {
		now = &turn{token: token, shared: shared, newest: token, cancels: make(map[int]context.CancelCauseFunc), free: make(chan struct{})}
		if !shared {
			now.written = token
		}
		if t.of == nil {
			t.of = make(map[string]*turn)
		}
		t.of[resource] = now
	}
	newest := now.newest
	if shared {
		newest = now.written
	}
	if err := Verdict(resource, token, newest); err != nil {
		return nil, nil, nil, err
	}
	waited := now.newest > now.token // somebody has asked for the next turn
	switch {
	case shared && now.shared && !waited:
		now.token = max(now.token, token)
		now.newest = now.token
	case !now.shared && token == now.token:
	default:
		if now.newest = max(now.newest, token); !shared {
			now.written = token
		}
		if !waited {
			for _, cancel := range now.cancels {
				cancel(&StaleError{Resource: resource, Token: now.token, Newest: token})
			}
		}
		return nil, nil, now.free, nil
	}

	within, cancel := context.WithCancelCause(ctx)
	now.last++
	number := now.last
	now.cancels[number] = cancel
	leave = func() {
		cancel(context.Canceled) // as net/http does when a handler returns
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(now.cancels, number)
		if len(now.cancels) == 0 {
			delete(t.of, resource)
			close(now.free)
		}
	}
	return within, leave, nil, nil
}
