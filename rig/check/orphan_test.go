package check

import (
	"strings"
	"testing"
)

// TestOrphans: a key may stay for the allowed time after the last that its holder had
// to do with it, or after its node was in trouble, and not longer.
func TestOrphans(t *testing.T) {
	const allowed = 100
	uses := []Use{
		{Owner: "a", Key: "k", From: 1000, To: 1500},
		{Owner: "b", Key: "k", From: 1000, To: 3000},
		{Owner: "a", Key: "other", From: 1000, To: 3000},
	}
	excuses := []Excuse{{Node: 2, From: 1550, To: 1900}}
	tests := []struct {
		name string
		seen Sighting
		want string
	}{
		{"gone in time", Sighting{Key: "k", Owner: "a", First: 1010, Last: 1600}, ""},
		{"too long", Sighting{Key: "k", Owner: "a", First: 1010, Last: 1601}, "1ns"},
		{"too long, of an attempt that failed", Sighting{Key: "k", Owner: "a", First: 2000, Last: 2101}, "orphan"},
		{"gone in time, of an attempt that failed", Sighting{Key: "k", Owner: "a", First: 2000, Last: 2100}, ""},
		{"another's use does not excuse it", Sighting{Key: "k", Owner: "c", First: 1010, Last: 1200}, "orphan"},
		{"nobody knows whose", Sighting{Key: "k", First: 1010, Last: 3100}, ""},
		{"nobody knows whose, too long", Sighting{Key: "k", First: 1010, Last: 3101}, "orphan"},
		{"the node was in trouble", Sighting{Node: 2, Key: "k", Owner: "a", First: 1010, Last: 2000}, ""},
		{"the node was in trouble, too long", Sighting{Node: 2, Key: "k", Owner: "a", First: 1010, Last: 2001}, "orphan"},
		{"another node was in trouble", Sighting{Node: 1, Key: "k", Owner: "a", First: 1010, Last: 2000}, "orphan"},
		{"for ever", Sighting{Key: "k", Owner: "a", First: 1010, Last: 1020, Forever: true}, "has no expiry"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			found := Orphans([]Sighting{test.seen}, uses, excuses, allowed)
			if test.want == "" {
				if len(found) != 0 {
					t.Fatal(found)
				}
				return
			}
			if len(found) != 1 || !strings.Contains(found[0].String(), strings.TrimPrefix(test.want, "1ns")) {
				t.Fatalf("found %v, want %q", found, test.want)
			}
			if test.want == "1ns" && found[0].Over != 1 {
				t.Fatalf("it is %v too long", found[0].Over)
			}
		})
	}
}
