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
		{"w1", 7, 10, 20, 3, 4, true},
		{"w1", 9, 30, 30, 4, 0, false},
		{"w1", 11, 50, 50, 4, 0, false},
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
