package check

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/redlock-go/redlock/rig/clock"
)

// RegisterOp is an operation on a guarded register: one that refuses a token below
// the highest that it has seen.
type RegisterOp struct {
	Client   string
	Write    bool
	Token    uint64
	Shared   bool   // it is a reader's token: stale only if a writer's newer one was seen
	Value    string // written, or what the read gave
	Stale    uint64 // 0, or the newer token for which the operation was refused
	Asked    clock.Instant
	Answered clock.Instant // 0: there was no answer, so that it may have been done, then or later
}

// String is a line of a finding.
func (o RegisterOp) String() string {
	what := "read"
	if o.Write {
		what = "write"
	}
	switch {
	case o.Answered == 0:
		return fmt.Sprintf("%s %s %q with token %d at %v, without an answer", o.Client, what, o.Value, o.Token, o.Asked)
	case o.Stale > 0:
		return fmt.Sprintf("%s %s with token %d refused for %d, %v to %v", o.Client, what, o.Token, o.Stale, o.Asked, o.Answered)
	}
	return fmt.Sprintf("%s %s %q with token %d, %v to %v", o.Client, what, o.Value, o.Token, o.Asked, o.Answered)
}

// registerState is what a guarded register holds.
type registerState struct {
	value   string
	newest  uint64
	written uint64 // the newest that was not a reader's
}

// register is how a guarded register works, one operation after another.
var register = porcupine.Model{
	Init: func() any { return registerState{} },
	Step: func(state, input, _ any) (bool, any) {
		s, op := state.(registerState), input.(RegisterOp)
		known := op.Answered != 0
		newest := s.newest
		if op.Shared {
			newest = s.written
		}
		if op.Token < newest {
			return !known || op.Stale == newest, s
		}
		if known && op.Stale != 0 {
			return false, s
		}
		s.newest = max(s.newest, op.Token)
		if !op.Shared {
			s.written = op.Token
		}
		if op.Write {
			s.value = op.Value
		} else if known && op.Value != s.value {
			return false, s
		}
		return true, s
	},
}

// Register finds out whether the answers of a guarded register, which held nothing
// at first, can have come from one that does the operations one after another,
// each between its question and its answer (linearizability). No write
// after one with a higher token is among them then. It gives up after within,
// with ErrUndecided.
func Register(ops []RegisterOp, within time.Duration) (Findings, error) {
	history := make([]porcupine.Operation, len(ops))
	clients := make(map[string]int)
	for i, op := range ops {
		if _, known := clients[op.Client]; !known {
			clients[op.Client] = len(clients)
		}
		end := int64(op.Answered)
		if op.Answered == 0 {
			end = math.MaxInt64
		}
		history[i] = porcupine.Operation{ClientId: clients[op.Client], Input: op, Call: int64(op.Asked), Return: end}
	}
	result, info := porcupine.CheckOperationsVerbose(register, history, within)
	switch result {
	case porcupine.Ok:
		return nil, nil
	case porcupine.Unknown:
		return nil, fmt.Errorf("%w: %d operations in %v", ErrUndecided, len(ops), within)
	}
	return Findings{fmt.Sprintf("register: no order explains its %d answers; the first that fits nowhere: %v", len(ops), misfit(ops, info))}, nil
}

// ErrUndecided says that nothing was found, and that not all possibilities were
// looked at.
var ErrUndecided = errors.New("check: the register's history is too large to decide on it in time")

// misfit is the earliest operation that is not in the longest explanation.
func misfit(ops []RegisterOp, info porcupine.LinearizationInfo) RegisterOp {
	explained := make(map[int]bool)
	longest := 0
	for _, partition := range info.PartialLinearizations() {
		for _, order := range partition {
			if len(order) > longest {
				longest = len(order)
				clear(explained)
				for _, i := range order {
					explained[i] = true
				}
			}
		}
	}
	var first RegisterOp
	for i, op := range ops {
		if !explained[i] && (first.Asked == 0 || op.Asked < first.Asked) {
			first = op
		}
	}
	return first
}

// LostWrites counts the updates of a register that were lost: each write based on a
// value on which another write was based too, so that one of the two was undone
// unseen. The values are unlike each other; those that were read before each
// write are given.
func LostWrites(bases []string) int {
	seen := make(map[string]bool, len(bases))
	for _, base := range bases {
		seen[base] = true
	}
	return len(bases) - len(seen)
}
