package chaos

import (
	"reflect"
	"testing"

	"github.com/redlock-go/redlock/rig/fault"
)

// TestFaultedNamesWhatIsMissing: a kind of fault that never took place is told.
func TestFaultedNamesWhatIsMissing(t *testing.T) {
	r := Result{Terms: Terms{Clocks: true, Disks: true}}
	done := Outcome{Harm: []ClientSpan{{What: "frozen"}, {What: "killed"}}}
	for _, kind := range r.Terms.Kinds() {
		switch kind {
		case clockAhead:
			kind = "clock +1.5s"
		case clockBack:
			kind = "clock -2s"
		case clientFrozen, clientKilled:
			continue
		}
		done.Faults = append(done.Faults, fault.Span{What: kind})
	}
	r.Sections = []Outcome{{Faults: []fault.Span{{What: "flushed"}}}, done}
	count, missing := r.Faulted()
	if len(missing) != 0 || count["flushed"] != 2 || count[clockAhead] != 1 || len(count) != 18 {
		t.Fatalf("count %v, missing %v", count, missing)
	}
	r.Sections[1].Harm = nil
	r.Terms.Disks = false
	if _, missing := r.Faulted(); !reflect.DeepEqual(missing, []string{clientFrozen, clientKilled}) {
		t.Fatalf("missing %v", missing)
	}
	if most := Most(map[string]int{"a": 1, "c": 3, "b": 3}); !reflect.DeepEqual(most, []string{"b", "c", "a"}) {
		t.Fatal(most)
	}
}
