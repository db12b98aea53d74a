package fencetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redlock-go/redlock/fence"
)

// Race sets holders on a guarded write: each takes the next token, is delayed a
// little while others overtake it, and writes. The write appends its token to a
// history that the resource keeps, in the same atomic step as the data; its
// error is returned by write as it is.
//
// It returns the tokens whose writes were accepted, in the order of the tokens,
// and fails the test on any error but a [fence.StaleError], or one of those that
// names no newer token.
func Race(t *testing.T, holders, writes int, write func(token uint64) error) (accepted []uint64) {
	t.Helper()
	var next atomic.Uint64
	var mu sync.Mutex
	var stale int
	var wg sync.WaitGroup
	for range holders {
		wg.Go(func() {
			for range writes {
				token := next.Add(1)
				// The pause: others get newer tokens and write before this one does.
				for range rand.IntN(200) {
					runtime.Gosched()
				}
				err := write(token)
				var refused *fence.StaleError
				mu.Lock()
				switch {
				case err == nil:
					accepted = append(accepted, token)
				case errors.As(err, &refused) && refused.Token == token && refused.Newest > token:
					stale++
				default:
					t.Errorf("write with token %d: %v", token, err)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	slices.Sort(accepted)
	t.Logf("%d writes accepted in the order of their tokens, %d refused as stale", len(accepted), stale)
	return accepted
}

// InOrder returns an error unless the history, in the order in which the resource
// did the writes, is exactly what was accepted, in the order of the tokens: no
// write out of order, none lost, none done that was refused.
func InOrder(history, accepted []uint64) error {
	for i := 1; i < len(history); i++ {
		if history[i] < history[i-1] {
			return fmt.Errorf("token %d wrote after token %d", history[i], history[i-1])
		}
	}
	if !slices.Equal(history, accepted) {
		return fmt.Errorf("the resource's history has %d writes, and %d were accepted:\nhistory  %d\naccepted %d",
			len(history), len(accepted), history, accepted)
	}
	return nil
}
