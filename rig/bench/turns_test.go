package bench

import (
	"math"
	"testing"
	"time"

	"github.com/redlock-go/redlock/rig/clock"
)

func at(ms float64) clock.Instant {
	return clock.Instant(0).Add(time.Second + time.Duration(ms*float64(time.Millisecond)))
}

// TestContention: two actors, of whom one takes the lock twice in a row, and one
// is still waiting at the end.
func TestContention(t *testing.T) {
	a := []Turn{
		{at(-4), at(-3), at(-2), at(0)}, // before the beginning
		{at(1), at(2), at(4), at(5)},
		{at(5), at(6), at(8), at(9)},
		{at(9), at(15), at(17), at(18)},
	}
	b := []Turn{
		{at(1), at(10), at(13), at(14)},
		{at(14), 0, 0, 0},
	}
	s := contention([][]Turn{a, b}, at(0), at(100))
	want := Sample{
		Rate: 40, HandOvers: 20, HeldShare: 9, LongestWait: 86, Overlaps: 0,
		HandOverP50: 2, WaitP50: 3.5, Jain: 16.0 / (2 * 10),
	}
	for m, want := range want {
		if got := s[m]; math.Abs(got-want) > 1e-9 {
			t.Errorf("%s is %g, want %g", m, got, want)
		}
	}
	b[0].Got = at(7)
	if s := contention([][]Turn{a, b}, at(0), at(100)); s[Overlaps] == 0 {
		t.Error("two holders at one time were not noticed")
	}
	if s := contention([][]Turn{nil, {{Want: at(20)}}}, at(0), at(100)); s[LongestWait] != 80 || s[Rate] != 0 {
		t.Errorf("nobody got it: %v", s)
	}
}
