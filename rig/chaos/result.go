package chaos

import (
	"fmt"
	"time"

	"github.com/redlock-go/redlock/rig/check"
	"github.com/redlock-go/redlock/rig/clock"
	"github.com/redlock-go/redlock/rig/fault"
	"github.com/redlock-go/redlock/rig/traffic"
)

// Result is what a run has shown.
type Result struct {
	Terms       Terms
	Contestants []traffic.Contestant
	Lacking     []string // faults that cannot be made here, and why
	Sections    []Outcome
}

// Outcome is what one section has shown.
type Outcome struct {
	Section
	From, To clock.Instant
	Faults   []fault.Span
	Harm     []ClientSpan
	// Lapses are losses of memory that may have been more than a minority's.
	Lapses []fault.Lapse
	Scores []Score // in the order of the contestants
}

// Score is what a section has shown of a contestant.
type Score struct {
	Acquired int
	Taken    map[string]int // leases of each lock
	Leases   []Lease
	Overlaps []Overlap
	// Disorder are the tokens that were not greater than one before.
	Disorder check.Findings
	// Overstayed is how often a lease seemed to be valid after its deadline (I2).
	Overstayed int
	// Idle is the longest time for which nobody held the lock that is wanted most.
	Idle time.Duration
	// Writes to the counters, and those that were lost; Refused are those that the
	// guard refused.
	PlainWrites, PlainLost     int
	GuardedWrites, GuardedLost int
	Refused                    int
	// Register is what is wrong with the guarded register; Undecided says that it
	// could not be found out in time.
	Register  check.Findings
	Undecided error
	Wait      time.Duration // the longest for a lock
	Waiting   Waiting
	Seen      int // values of its keys on nodes
	Orphans   []check.Orphan
	// Gone is after how long the last key was gone when the last client had ended.
	Gone    time.Duration
	Left    []string // keys that were never gone
	Hung    int      // clients that did not end when told to
	Errors  map[string]int
	Touches int // operations on the guarded register
}

// Lease is a hold of one of the locks.
type Lease struct {
	check.Hold
	Lock string
}

// Overlap is two leases of a lock at one time.
type Overlap struct {
	check.Overlap
	Lock string
	// During are the faults from a TTL before its beginning to its end.
	During []string
	// Doubtful: in the TTL before, it is not certain that the assumptions held.
	Doubtful bool
}

// Longest is the longest of the overlaps.
func (s Score) Longest() time.Duration {
	var longest time.Duration
	for _, o := range s.Overlaps {
		longest = max(longest, o.For())
	}
	return longest
}

// Violations are what is wrong with our own library: in a section within the
// assumptions anything at all, and in every section a guarded register that did not
// stay right, a lease that was not over at its deadline, and a client that hung.
func (r Result) Violations() []string {
	var all []string
	for _, o := range r.Sections {
		for i, s := range o.Scores {
			if !r.Contestants[i].Ours {
				continue
			}
			var kinds []string // of each of which there must be some
			if r.Contestants[i].Kinds {
				kinds = r.Contestants[i].Locks()
			}
			for _, what := range s.violations(o.Within, kinds, r.Terms.TTL) {
				all = append(all, fmt.Sprintf("section %.1s, %s: %s", o.Title, r.Contestants[i].Name, what))
			}
		}
	}
	return all
}

func (s Score) violations(within bool, kinds []string, ttl time.Duration) []string {
	all := append([]string(nil), s.Register...)
	if s.GuardedLost > 0 {
		all = append(all, fmt.Sprintf("%d increments of the guarded counter were lost", s.GuardedLost))
	}
	if s.Hung > 0 {
		all = append(all, fmt.Sprintf("%d clients had not ended %v after they were told to", s.Hung, stopWithin))
	}
	if s.Overstayed > 0 {
		all = append(all, fmt.Sprintf("%d times a context was not done after its lease's deadline", s.Overstayed))
	}
	if !within {
		return all
	}
	for _, o := range s.Overlaps {
		if o.Doubtful {
			continue
		}
		all = append(all, fmt.Sprintf("%s: %v, during %v", o.Lock, o.Overlap, o.During))
	}
	all = append(all, s.Disorder...)
	all = append(all, s.Waiting.Findings...)
	for _, o := range s.Orphans {
		all = append(all, o.String())
	}
	for _, key := range s.Left {
		all = append(all, fmt.Sprintf("orphan: %q is still there %v after the last client ended", key, ttl+Margin))
	}
	if s.Acquired == 0 {
		all = append(all, "not one lock was taken: nothing was tested")
	}
	for _, lock := range kinds {
		if s.Taken[lock] == 0 {
			all = append(all, fmt.Sprintf("%s was not taken once: nothing was tested of it", lock))
		}
	}
	return all
}
