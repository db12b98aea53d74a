package fencetest_test

import (
	"sync"
	"testing"

	"github.com/redlock-go/redlock/fence/fencetest"
)

func TestInOrder(t *testing.T) {
	for _, c := range []struct {
		name              string
		history, accepted []uint64
		want              bool
	}{
		{"nothing", nil, nil, true},
		{"as accepted", []uint64{1, 3, 3, 7}, []uint64{1, 3, 3, 7}, true},
		{"out of order", []uint64{1, 7, 3}, []uint64{1, 3, 7}, false},
		{"one lost", []uint64{1, 7}, []uint64{1, 3, 7}, false},
		{"one done that was refused", []uint64{1, 3, 7}, []uint64{1, 7}, false},
		{"one done twice", []uint64{1, 3, 3}, []uint64{1, 3}, false},
	} {
		if err := fencetest.InOrder(c.history, c.accepted); (err == nil) != c.want {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestRaceWithoutGuard sees that the race makes disorder where nobody compares:
// else the tests of the guards would prove nothing.
func TestRaceWithoutGuard(t *testing.T) {
	for range 100 {
		var mu sync.Mutex
		var history []uint64
		accepted := fencetest.Race(t, 8, 40, func(token uint64) error {
			mu.Lock()
			defer mu.Unlock()
			history = append(history, token)
			return nil
		})
		if fencetest.InOrder(history, accepted) != nil {
			return
		}
	}
	t.Error("a hundred races without a guard made no disorder")
}
