package check

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redlock-go/redlock/rig/clock"
)

// guarded is a history as a guarded register gives it: a reads and writes, pauses, b
// reads and writes under a newer token, and a's second write is refused; c's last
// write had no answer, and was done.
func guarded() []RegisterOp {
	op := func(client string, write bool, token uint64, value string, stale uint64, at clock.Instant) RegisterOp {
		return RegisterOp{Client: client, Write: write, Token: token, Value: value, Stale: stale, Asked: at, Answered: at + 10}
	}
	return []RegisterOp{
		op("a", false, 5, "", 0, 100),
		op("a", true, 5, "1", 0, 200),
		op("b", false, 8, "1", 0, 300),
		op("a", true, 5, "x", 8, 305), // at the same time as the read that shows 8
		op("b", true, 8, "2", 0, 400),
		op("a", false, 5, "", 8, 500),
		{Client: "c", Write: true, Token: 9, Value: "3", Asked: 600},
		op("d", false, 12, "3", 0, 700),
	}
}

func TestGoodRegisterHasNoFindings(t *testing.T) {
	if f, err := Register(guarded(), time.Minute); err != nil || len(f) != 0 {
		t.Fatal(f, err)
	}
	notDone := guarded()
	notDone[7].Value = "2"
	if f, err := Register(notDone, time.Minute); err != nil || len(f) != 0 {
		t.Fatalf("a write without an answer may not have been done: %v, %v", f, err)
	}
	if f, err := Register(nil, time.Minute); err != nil || len(f) != 0 {
		t.Fatal(f, err)
	}
}

// TestReadersOfARegister: a reader's token is stale only for a writer's, and makes older writers'
// stale.
func TestReadersOfARegister(t *testing.T) {
	op := func(client string, write, shared bool, token uint64, value string, stale uint64, at clock.Instant) RegisterOp {
		return RegisterOp{Client: client, Write: write, Shared: shared, Token: token, Value: value, Stale: stale, Asked: at, Answered: at + 10}
	}
	good := []RegisterOp{
		op("a", true, false, 5, "1", 0, 100),
		op("b", false, true, 9, "1", 0, 200),
		op("c", false, true, 7, "1", 0, 300), // below another reader's
		op("a", true, false, 5, "x", 9, 400),
		op("d", true, false, 10, "2", 0, 500),
		op("b", false, true, 9, "", 10, 600),
	}
	if f, err := Register(good, time.Minute); err != nil || len(f) != 0 {
		t.Fatal(f, err)
	}
	for name, spoil := range map[string]func(ops []RegisterOp){
		"a reader is refused for a reader": func(ops []RegisterOp) { ops[2].Stale = 9 },
		"a writer comes after a reader":    func(ops []RegisterOp) { ops[3].Stale = 0 },
		"a reader comes after a writer":    func(ops []RegisterOp) { ops[5].Stale, ops[5].Value = 0, "2" },
	} {
		ops := slices.Clone(good)
		spoil(ops)
		if f, err := Register(ops, time.Minute); err != nil || len(f) == 0 {
			t.Errorf("%s: %v, %v", name, f, err)
		}
	}
}

// TestBrokenRegistersAreFound: porcupine objects to each way in which a guard can
// fail.
func TestBrokenRegistersAreFound(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(ops []RegisterOp)
		want  string // the operation that fits nowhere
	}{
		{"a stale write is done", func(ops []RegisterOp) { ops[5].Write, ops[5].Stale, ops[5].Value = true, 0, "stale" }, "a write"},
		{"a stale read is answered", func(ops []RegisterOp) { ops[5].Stale, ops[5].Value = 0, "2" }, "a read"},
		{"a write is forgotten", func(ops []RegisterOp) { ops[2].Value = "" }, "b read"},
		{"a write out of nowhere", func(ops []RegisterOp) { ops[7].Value = "7" }, "d read"},
		{"a read of what is written later", func(ops []RegisterOp) { ops[2].Value = "2" }, "b read"},
		{"refused, and nothing newer was there", func(ops []RegisterOp) { ops[4].Stale = 9 }, "b write"},
		{"refused, and the newer token is a later one", func(ops []RegisterOp) { ops[5].Stale = 12 }, "a read"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ops := guarded()
			test.spoil(ops)
			f, err := Register(ops, time.Minute)
			if err != nil || len(f) != 1 || !strings.Contains(f[0], "fits nowhere: "+test.want) {
				t.Fatalf("found %q, %v; want one finding, about %q", f, err, test.want)
			}
		})
	}
}

// TestRegisterOfManyClients: a history of the length of a long run is decided in
// time, unanswered operations included.
func TestRegisterOfManyClients(t *testing.T) {
	var ops []RegisterOp
	last := ""
	for i := range clock.Instant(6000) {
		op := RegisterOp{Client: string(rune('a' + i%7)), Write: i%2 == 1, Token: uint64(10 + i/2), Value: last, Asked: i * 10, Answered: i*10 + 9}
		if op.Write {
			op.Value = strings.Repeat("x", int(i%5)) + string(rune('a'+i%26))
			last = op.Value
		}
		if i%600 == 599 {
			op.Answered = 0
		}
		ops = append(ops, op)
	}
	if f, err := Register(ops, time.Minute); err != nil || len(f) != 0 {
		t.Fatal(f, err)
	}
}

func TestLostWrites(t *testing.T) {
	for _, test := range []struct {
		bases []string
		lost  int
	}{
		{nil, 0},
		{[]string{"", "1 a", "2 b"}, 0},
		{[]string{"", "1 a", "1 a", "2 b"}, 1},
		{[]string{"", "1 a", "2 b", "3 a", "1 a", "2 c"}, 1}, // c set it back by two, once
	} {
		if lost := LostWrites(test.bases); lost != test.lost {
			t.Errorf("%v: %d lost, want %d", test.bases, lost, test.lost)
		}
	}
}
