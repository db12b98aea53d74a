package check

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/redlock-go/redlock/rig/clock"
)

// good is a history as it should be.
func good() []Hold {
	var holds []Hold
	for i := range int64(20) {
		at := clock.Instant(1000 + 100*i)
		holds = append(holds, Hold{
			Worker: fmt.Sprintf("w%d", i%8), Token: uint64(5 + 3*i),
			Begin: at, End: at + 60, Read: i, Wrote: i + 1, Ended: true,
		})
	}
	return holds
}

func TestGoodHistoryHasNoFindings(t *testing.T) {
	holds := good()
	rand.Shuffle(len(holds), func(i, j int) { holds[i], holds[j] = holds[j], holds[i] })
	if f := All(holds, 20); len(f) != 0 {
		t.Fatal(f)
	}
	if f := All(nil, 0); len(f) != 0 {
		t.Fatal(f)
	}
}

// TestSharedHolds: those that share have the lock at one time, and in any order of their tokens; who
// has it alone is neither among them, nor out of their order.
func TestSharedHolds(t *testing.T) {
	reads := func(worker string, token uint64, from, to clock.Instant) Hold {
		return Hold{Worker: worker, Token: token, Begin: from, End: to, Ended: true, Shared: true}
	}
	writes := func(worker string, token uint64, from, to clock.Instant) Hold {
		return Hold{Worker: worker, Token: token, Begin: from, End: to, Ended: true}
	}
	good := []Hold{writes("a", 5, 0, 10), reads("b", 8, 20, 90), reads("c", 7, 30, 40), reads("d", 9, 35, 60), writes("e", 12, 100, 110)}
	for _, test := range []struct {
		name     string
		more     Hold
		overlaps bool
		tokens   int
	}{
		{"good", reads("f", 6, 50, 80), false, 0},
		{"a writer among readers", writes("f", 10, 50, 55), true, 0},
		{"a writer among those that are not the last", writes("f", 10, 85, 88), true, 0},
		{"a reader under a writer", reads("f", 13, 105, 120), true, 0},
		{"a reader with a token of before the writer", reads("f", 5, 50, 80), false, 1},
		{"a writer with a token that is not above the readers'", writes("f", 9, 92, 95), false, 1},
	} {
		holds := append(slices.Clone(good), test.more)
		if f := Overlaps(holds); (len(f) > 0) != test.overlaps {
			t.Errorf("%s: %v", test.name, f)
		}
		if f := TokenOrder(holds); len(f) != test.tokens {
			t.Errorf("%s: %v", test.name, f)
		}
	}
}

// TestKilledWorkerMayHaveWritten: nobody knows whether the update of a worker that
// was killed half way took place, and either is right.
func TestKilledWorkerMayHaveWritten(t *testing.T) {
	holds := good()
	last := &holds[len(holds)-1]
	last.Ended, last.End, last.Wrote = false, last.Begin, 0
	for _, final := range []int64{19, 20} {
		if f := All(holds, final); len(f) != 0 {
			t.Fatal(f)
		}
	}
	if f := All(holds, 21); len(f) == 0 {
		t.Fatal("an update out of nowhere was not found")
	}
}

// TestBrokenHistoriesAreFound breaks the good history in each way that the checks
// are there for.
func TestBrokenHistoriesAreFound(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(h []Hold) int64 // returns the counter at the end
		want  string
		many  int // findings
	}{
		{"two at once", func(h []Hold) int64 { h[4].End = h[5].Begin + 1; return 20 }, "overlap of 1ns: w4", 1},
		{"one within another", func(h []Hold) int64 { h[4].End = h[6].End + 1; return 20 }, "overlap of 60ns", 2},
		{"a killed one in a hold", func(h []Hold) int64 {
			h[5].Begin = h[4].End - 1
			h[5].End, h[5].Ended = h[5].Begin, false
			return 20
		}, "never ended", 1},
		{"the same token twice", func(h []Hold) int64 { h[5].Token = h[4].Token; return 20 }, "token order: w4", 1},
		{"a token that goes back", func(h []Hold) int64 { h[5].Token = 1; return 20 }, "token order: w4", 1},
		{"a token far ahead", func(h []Hold) int64 { h[17].Token = 1000; return 20 }, "token order: w1", 2},
		{"a lost update", func(h []Hold) int64 {
			for i := 6; i < len(h); i++ {
				h[i].Read--
				h[i].Wrote--
			}
			return 19
		}, "lost update: w6", 2},
		{"the last update lost", func([]Hold) int64 { return 19 }, "is 19 at the end", 2},
		{"one counted twice", func(h []Hold) int64 { h[19].Wrote = 21; return 21 }, "read 19 and wrote 21", 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			holds := good()
			final := test.spoil(holds)
			f := All(holds, final)
			if len(f) != test.many || !slices.ContainsFunc(f, func(s string) bool { return strings.Contains(s, test.want) }) {
				t.Fatalf("found %q, want %d findings, one of them with %q", f, test.many, test.want)
			}
		})
	}
}

func TestReadLog(t *testing.T) {
	const log = `{"what":"begin","at":10,"worker":"w1","token":7,"counter":3}
{"what":"end","at":20,"worker":"w1","token":7,"counter":4}
{"what":"begin","at":30,"worker":"w1","token":9,"counter":4}
{"what":"begin","at":50,"worker":"w1","token":11,"counter":4}
{"what":"end","at":60,"wor`
	holds, err := ReadLog(strings.NewReader(log))
	if err != nil {
		t.Fatal(err)
	}
	want := []Hold{
		{Worker: "w1", Token: 7, Begin: 10, End: 20, Read: 3, Wrote: 4, Ended: true},
		{Worker: "w1", Token: 9, Begin: 30, End: 30, Read: 4},
		{Worker: "w1", Token: 11, Begin: 50, End: 50, Read: 4},
	}
	if !slices.Equal(holds, want) {
		t.Fatalf("got  %v\nwant %v", holds, want)
	}
	for _, bad := range []string{
		`{"what":"end","at":20}` + "\n",
		`{"what":"begin","at":20}` + "\n" + `{"what":"end","at":10}` + "\n",
		"nonsense\n",
	} {
		if holds, err := ReadLog(strings.NewReader(bad)); err == nil {
			t.Errorf("%q was read as %v", bad, holds)
		}
	}
}
