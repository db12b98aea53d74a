package check

import (
	"fmt"
	"time"

	"github.com/redlock-go/redlock/rig/clock"
)

// Sighting is a value that was seen in a key of a node, from the first time to the
// last.
type Sighting struct {
	Node        int
	Key, Value  string
	Owner       string // the client whose value it is, "" if it does not tell
	First, Last clock.Instant
	Forever     bool // the key was seen without an expiry
}

// Use is the time in which a client may have had its value on the nodes: from its
// first request to the end of its release, or to its last sign of life.
type Use struct {
	Owner    string
	Key      string
	From, To clock.Instant
}

// Excuse is a time in which a node was in trouble, until it was well again: keys
// may have come late, or stayed longer as its clock was set back.
type Excuse struct {
	Node     int
	From, To clock.Instant
}

// Orphan is a key that nobody had any use for, and that stayed for longer than it
// should have.
type Orphan struct {
	Sighting
	Over time.Duration // by how much longer than allowed; 0 if it has no expiry
}

// String is a finding.
func (o Orphan) String() string {
	if o.Forever {
		return fmt.Sprintf("orphan: %q, which is %q on node %d, has no expiry", o.Key, o.Value, o.Node)
	}
	return fmt.Sprintf("orphan: %q was %q on node %d from %v to %v, %v too long", o.Key, o.Value, o.Node, o.First, o.Last, o.Over.Round(time.Millisecond))
}

// Orphans finds keys that stayed for longer than allowed after their holder was
// done (I5): allowed is a TTL, and what looking takes. If it is not known whose
// value it is, any use of the key counts.
func Orphans(seen []Sighting, uses []Use, excuses []Excuse, allowed time.Duration) []Orphan {
	var found []Orphan
	for _, s := range seen {
		if s.Forever {
			found = append(found, Orphan{Sighting: s})
			continue
		}
		done := s.First
		for _, u := range uses {
			if u.Key == s.Key && (s.Owner == "" || u.Owner == s.Owner) && u.From <= s.First && s.First <= u.To {
				done = max(done, u.To)
			}
		}
		for _, e := range excuses {
			if e.Node == s.Node && e.From <= s.Last && e.To >= s.First {
				done = max(done, e.To)
			}
		}
		if over := s.Last.Sub(done.Add(allowed)); over > 0 {
			found = append(found, Orphan{Sighting: s, Over: over})
		}
	}
	return found
}
