package chaos

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redlock-go/redlock/rig/fault"
)

var terms = Terms{Seed: 7, For: time.Minute, TTL: time.Second, Clients: 4, Clocks: true, Disks: true}

func printed(sections []Section) string {
	var b strings.Builder
	for _, s := range sections {
		fmt.Fprintln(&b, s, s.Within, s.Durable)
	}
	return b.String()
}

// TestPlanIsMadeAgainFromItsSeed, and not from another.
func TestPlanIsMadeAgainFromItsSeed(t *testing.T) {
	a, b := printed(Plan(terms, nil)), printed(Plan(terms, nil))
	if a != b {
		t.Fatalf("two plans of one seed:\n%s\n%s", a, b)
	}
	other := terms
	other.Seed++
	if a == printed(Plan(other, nil)) {
		t.Fatal("two seeds, one plan")
	}
}

// TestShortPlanHasEveryKindOfFault: what CI runs in a minute leaves nothing out.
func TestShortPlanHasEveryKindOfFault(t *testing.T) {
	p := planner{Terms: terms}
	for seed := range uint64(50) {
		short := terms
		short.Seed = seed
		sections := Plan(short, nil)
		kinds := make(map[string]bool)
		alone := 0
		for _, step := range sections[0].Nodes {
			kind := reflect.TypeOf(step.Fault).Name()
			if net, ok := step.Fault.(fault.Net); ok {
				kind = net.Name
			}
			if c, ok := step.Fault.(fault.Clock); ok {
				kind = fmt.Sprint("clock ahead: ", c.By > 0)
			}
			kinds[kind] = true
			if step.Alone {
				alone++
			}
		}
		if len(kinds) != 16 {
			t.Errorf("seed %d: %d kinds of fault: %v", seed, len(kinds), kinds)
		}
		if alone < 2 {
			t.Errorf("seed %d: %d times many nodes without memory", seed, alone)
		}
		var froze, killed bool
		for _, step := range sections[0].Clients {
			froze, killed = froze || step.Freeze > p.TTL, killed || step.Freeze == 0
		}
		if !froze || !killed {
			t.Errorf("seed %d: clients frozen for more than a TTL: %v; killed: %v", seed, froze, killed)
		}
	}
}

// TestPlanStaysWithinTheAssumptions: in section A each silent loss of memory is
// spared, everything but the restarts of many nodes is of one node, and nothing begins after
// the end; in B and C it is always three nodes.
func TestPlanStaysWithinTheAssumptions(t *testing.T) {
	spared := &fault.Spared{}
	for seed := range uint64(50) {
		for _, length := range []time.Duration{5 * time.Second, time.Minute, 5 * time.Minute} {
			long := terms
			long.Seed, long.For = seed, length
			for i, s := range Plan(long, spared) {
				if s.Within != (i == 0) || s.Durable != (i == 2) || len(s.Nodes) == 0 {
					t.Fatalf("section %d: %+v", i, s)
				}
				last := time.Duration(0)
				for _, step := range s.Nodes {
					_, restart := step.Fault.(fault.Kill)
					switch f := step.Fault.(type) {
					case fault.Flush:
						if (f.Spared != nil) != s.Within {
							t.Errorf("seed %d, section %d: %v, spared: %v", seed, i, step, f.Spared != nil)
						}
					case fault.Clock:
						if (f.Spared != nil) != s.Within {
							t.Errorf("seed %d, section %d: %v, spared: %v", seed, i, step, f.Spared != nil)
						}
					}
					if many := len(step.Nodes) > 1; many != step.Alone || s.Within && many && !restart || !s.Within && len(step.Nodes) != 3 {
						t.Errorf("seed %d, section %d: %v", seed, i, step)
					}
					if step.At < last || step.At > s.For+long.TTL {
						t.Errorf("seed %d, section %d: %v after %v of %v", seed, i, step, last, s.For)
					}
					last = step.At
				}
			}
		}
	}
}

// TestPlanWithoutClocksAndDisks leaves out what cannot be done.
func TestPlanWithoutClocksAndDisks(t *testing.T) {
	poor := terms
	poor.Clocks, poor.Disks = false, false
	for _, s := range Plan(poor, nil) {
		if slices.ContainsFunc(s.Nodes, func(step fault.Step) bool {
			_, clock := step.Fault.(fault.Clock)
			_, disk := step.Fault.(fault.Disk)
			return clock || disk
		}) {
			t.Errorf("%s: %v", s.Title, s.Nodes)
		}
	}
}
