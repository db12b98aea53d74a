package clock_test

import (
	"testing"
	"time"

	"github.com/redlock-go/redlock/cmd/redlock/internal/clock"
)

func TestNowRuns(t *testing.T) {
	first, start := clock.Now(), time.Now()
	if first <= 0 {
		t.Fatalf("Now() = %d, want a time since the machine started", first)
	}
	deadline := start.Add(5 * time.Second)
	for clock.Now().Sub(first) < 50*time.Millisecond {
		if time.Now().After(deadline) {
			t.Fatal("the clock does not run")
		}
	}
	if got := time.Since(start); got < 30*time.Millisecond {
		t.Errorf("50 ms of this clock were %v of Go's", got)
	}
}

func TestOf(t *testing.T) {
	want := clock.Now().Add(time.Minute)
	got := clock.Of(time.Now().Add(time.Minute))
	if diff := got.Sub(want); diff < -time.Second || diff > time.Second {
		t.Errorf("Of(in a minute) is %v off", diff)
	}
}
