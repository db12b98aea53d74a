package nodeurl

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// closer notes that it was closed, and fails at that.
type closer struct {
	name   string
	closed *[]string
}

// Close closes.
func (c closer) Close() error {
	*c.closed = append(*c.closed, c.name)
	return errors.New(c.name + " does not close")
}

func TestOpenAllClosesWhatItOpened(t *testing.T) {
	var closed []string
	open := func(url string) (closer, error) {
		if url == "bad" {
			return closer{}, errors.New("no such node")
		}
		return closer{url, &closed}, nil
	}
	nodes, err := OpenAll([]string{"a", "b", "bad", "c"}, open)
	if nodes != nil || err == nil || !slices.Equal(closed, []string{"a", "b"}) {
		t.Errorf("%v, %v; closed are %v", nodes, err, closed)
	}
	for _, words := range []string{"URL 3 of 4: no such node", "a does not close", "b does not close"} {
		if err != nil && !strings.Contains(err.Error(), words) {
			t.Errorf("OpenAll: %v, want %q", err, words)
		}
	}
	closed = nil
	if nodes, err = OpenAll([]string{"a", "b"}, open); err != nil || len(nodes) != 2 || nodes[1].name != "b" || closed != nil {
		t.Errorf("%v, %v; closed are %v", nodes, err, closed)
	}
}
