package main

import (
	"strings"
	"testing"
)

const complete = `Full statespace search for:
State-vector 60 byte, depth reached 36, errors: 0
  3558709 states, stored
  860.291	total actual memory usage
`

func TestASearchThatWasCutShortProvesNothing(t *testing.T) {
	f, err := parse(complete)
	if err != nil || f.Result != Holds || f.States != 3558709 || f.Depth != 36 || f.Memory != 860.291 {
		t.Fatalf("a complete search: %+v, %v", f, err)
	}
	for _, cut := range []string{
		"pan: reached -DMEMLIM bound\n" + complete,
		complete + "Warning: Search not completed\n",
		"error: max search depth too small\n" + complete,
		strings.Replace(complete, "Full statespace", "Bit statespace", 1),
		strings.Replace(complete, "errors: 0", "errors: 1", 1), // and no assertion named
		"pan: out of memory\n",
		"",
	} {
		if f, err := parse(cut); err == nil {
			t.Errorf("passes as %+v:\n%s", f, cut)
		}
	}
}

func TestTheStoryEndsWithTheInvariant(t *testing.T) {
	story, broken := tell("      A HOLDS the lease\n      !! I3: the token is not greater\nspin: trail ends\n")
	if broken != "breaks I3" || strings.Contains(story, "trail") || !strings.Contains(story, "A HOLDS") {
		t.Errorf("%q, %q", broken, story)
	}
	if _, broken := tell("spin: trail ends\n"); broken != "" {
		t.Errorf("%q is broken in no story", broken)
	}
}
