package fencetest_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/redlock-go/redlock/fence"
	"github.com/redlock-go/redlock/fence/fencetest"
)

// ledger is a resource that keeps its register beside its data, under one mutex.
type ledger struct {
	mu     sync.Mutex
	newest map[string]uint64
	writes []uint64 // the history: the token of each write
}

// Admit implements [fence.Register].
func (l *ledger) Admit(_ context.Context, resource string, token uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.admit(resource, token)
}

// append writes: the comparison and the write are one step.
func (l *ledger) append(token uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.admit("ledger", token); err != nil {
		return err
	}
	l.writes = append(l.writes, token)
	return nil
}

func (l *ledger) admit(resource string, token uint64) error {
	if token == 0 || token > fence.MaxToken {
		return fmt.Errorf("token %d: %w", token, fence.ErrNotToken)
	}
	if err := fence.Verdict(resource, token, l.newest[resource]); err != nil {
		return err
	}
	l.newest[resource] = token
	return nil
}

// A register of your own passes the suite.
func ExampleConformance() {
	test := func(t *testing.T) { fencetest.Conformance(t, &ledger{newest: make(map[string]uint64)}) }
	_ = test // is TestLedger of yours
}

func TestLedger(t *testing.T) { fencetest.Conformance(t, &ledger{newest: make(map[string]uint64)}) }

// Racing holders write, and what was accepted stands in the order of the tokens.
func ExampleRace() {
	_ = raceForLedger // is TestRaceForLedger of yours
}

func TestRaceForLedger(t *testing.T) { raceForLedger(t) }

func raceForLedger(t *testing.T) {
	book := &ledger{newest: make(map[string]uint64)}
	accepted := fencetest.Race(t, 8, 40, book.append)
	if err := fencetest.InOrder(book.writes, accepted); err != nil {
		t.Error(err)
	}
}

// What the check finds in a history.
func ExampleInOrder() {
	accepted := []uint64{33, 34, 35}
	fmt.Println(fencetest.InOrder([]uint64{33, 34, 35}, accepted))
	fmt.Println(fencetest.InOrder([]uint64{33, 35, 34}, accepted)) // 34 was paused after its check
	fmt.Println(fencetest.InOrder([]uint64{33, 35}, accepted))     // 34 was told that it wrote
	// Output:
	// <nil>
	// token 34 wrote after token 35
	// the resource's history has 2 writes, and 3 were accepted:
	// history  [33 35]
	// accepted [33 34 35]
}
