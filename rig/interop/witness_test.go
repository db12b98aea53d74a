package interop

import (
	"context"
	"testing"
	"time"

	"github.com/redlock-go/redlock/rig/clock"
)

// fake is a lease that is valid until then, whatever anybody else has.
type fake struct{ until clock.Instant }

func (f fake) Token() uint64                 { return 0 }
func (f fake) Valid() (clock.Instant, bool)  { return f.until, clock.Now() < f.until }
func (f fake) Extend(context.Context) error  { return nil }
func (f fake) Release(context.Context) error { return nil }
func valid() fake                            { return fake{clock.Now().Add(time.Hour)} }
func (w *Witness) both(first, second fake) {
	w.Section("first", first, func() { w.Section("second", second, func() {}) })
}

// TestWitnessObjects: two who are in at once are seen, and so is the update that one of
// them loses.
func TestWitnessObjects(t *testing.T) {
	w := NewWitness()
	w.both(valid(), valid())
	if len(w.Overlaps()) != 1 || w.LostUpdates() != 1 || w.Over() != 0 {
		t.Errorf("%q, %d updates lost, %d over", w.Overlaps(), w.LostUpdates(), w.Over())
	}
}

// TestWitnessKnowsWhoIsToBlame: whose lease is over is not let in, and who stays for longer
// than its lease lasts is no fault of the lock's.
func TestWitnessKnowsWhoIsToBlame(t *testing.T) {
	w := NewWitness()
	if w.Section("late", fake{}, func() { t.Error("it is inside") }) {
		t.Error("it has been inside")
	}
	end := clock.Now().Add(20 * time.Millisecond)
	w.Section("first", fake{end}, func() {
		for clock.Now() < end {
			time.Sleep(time.Millisecond)
		}
		w.Section("second", valid(), func() {})
	})
	if len(w.Overlaps()) != 0 || w.Over() != 2 {
		t.Errorf("%q, %d over", w.Overlaps(), w.Over())
	}
	w.Section("first", valid(), func() {})
	w.Section("second", valid(), func() {})
	if len(w.Overlaps()) != 0 {
		t.Errorf("one after the other: %q", w.Overlaps())
	}
}
