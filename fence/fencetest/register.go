// Package fencetest tests the resource's side of fencing tokens: Conformance is
// the suite that every [fence.Register] passes, yours too, and Race sets racing
// holders on a guarded write.
package fencetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redlock-go/redlock/fence"
)

// Conformance tests the register. It uses resources whose names begin with
// "fencetest", and expects that none of them was used before.
func Conformance(t *testing.T, register fence.Register) {
	t.Run("a lower token is refused, and the newer one named", func(t *testing.T) {
		const resource = "fencetest/order"
		admit(t, register, resource, 33)
		admit(t, register, resource, 33) // one holder writes many times
		admit(t, register, resource, 35)
		refuse(t, register, resource, 34, 35)
		refuse(t, register, resource, 1, 35)
		admit(t, register, resource, 35) // a refusal changed nothing
		admit(t, register, resource, 36)
	})

	t.Run("resources are apart, whatever they are called", func(t *testing.T) {
		names := []string{
			"fencetest", "fencetest ", "FENCETEST", "fencetest'--", `fencetest"`, "fencetest{1}", "{fencetest}1", "fencetest}{",
			"fencetest/ü/\n", "fencetest/" + strings.Repeat("long", 200),
		}
		for i, name := range names {
			admit(t, register, name, uint64(100+i))
		}
		for i, name := range names {
			refuse(t, register, name, uint64(99+i), uint64(100+i))
		}
	})

	t.Run("tokens are compared as whole numbers up to the highest", func(t *testing.T) {
		const resource = "fencetest/high"
		admit(t, register, resource, 9)
		admit(t, register, resource, 10) // not as text
		admit(t, register, resource, fence.MaxToken-1)
		admit(t, register, resource, fence.MaxToken)
		refuse(t, register, resource, fence.MaxToken-1, fence.MaxToken)
	})

	t.Run("what is no token is refused and leaves no trace", func(t *testing.T) {
		const resource = "fencetest/none"
		for _, token := range []uint64{0, fence.MaxToken + 1, 1 << 63} {
			if err := register.Admit(t.Context(), resource, token); !errors.Is(err, fence.ErrNotToken) {
				t.Errorf("Admit(%d) = %v, want ErrNotToken", token, err)
			}
		}
		admit(t, register, resource, 1)
	})

	t.Run("racing holders", func(t *testing.T) { race(t, register) })
}

// race shows tokens from several goroutines at once. Whenever Admit begins after
// a higher token was admitted, it must refuse, and name one at least as high.
func race(t *testing.T, register fence.Register) {
	const resource, holders, shows = "fencetest/race", 8, 40
	var admitted atomic.Uint64 // the highest token of which Admit has returned nil
	var wg sync.WaitGroup
	for range holders {
		wg.Go(func() {
			for range shows {
				token := 1 + rand.Uint64N(holders*shows)
				floor := admitted.Load()
				err := register.Admit(t.Context(), resource, token)
				var stale *fence.StaleError
				switch {
				case err == nil && token < floor:
					t.Errorf("token %d was admitted although %d had been", token, floor)
				case err == nil:
					raise(&admitted, token)
				case !errors.As(err, &stale):
					t.Errorf("Admit(%d) = %v", token, err)
				case stale.Newest <= token || stale.Newest < floor:
					t.Errorf("token %d was refused for %d when %d had been admitted", token, stale.Newest, floor)
				}
			}
		})
	}
	wg.Wait()
	admit(t, register, resource, admitted.Load())
}

func raise(high *atomic.Uint64, token uint64) {
	for {
		now := high.Load()
		if now >= token || high.CompareAndSwap(now, token) {
			return
		}
	}
}

func admit(t *testing.T, register fence.Register, resource string, token uint64) {
	t.Helper()
	if err := register.Admit(t.Context(), resource, token); err != nil {
		t.Errorf("Admit(%.40q, %d) = %v", resource, token, err)
	}
}

func refuse(t *testing.T, register fence.Register, resource string, token, newest uint64) {
	t.Helper()
	err := register.Admit(t.Context(), resource, token)
	want := fence.StaleError{Resource: resource, Token: token, Newest: newest}
	var stale *fence.StaleError
	if !errors.As(err, &stale) || *stale != want {
		t.Errorf("Admit(%.40q, %d) = %v, want %v", resource, token, err, &want)
	}
	if !errors.Is(err, fence.ErrStale) {
		t.Errorf("errors.Is(%v, ErrStale) is false", fmt.Sprintf("%T", err))
	}
}
