package traffic

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestWorkers have names and journals of their own, from which the client is known.
func TestWorkers(t *testing.T) {
	c := Client{Name: "A-redsync-0.1", Journal: filepath.Join("out", "A-redsync-0.1.journal")}
	seen := make(map[string]bool)
	for i := range 12 {
		name := WorkerOf(c.Name, i)
		if seen[name] || ClientOf(name) != c.Name || i == 0 && name != c.Name {
			t.Errorf("worker %d is called %q, of %q", i, name, ClientOf(name))
		}
		seen[name] = true
		if got := strings.TrimSuffix(filepath.Base(c.journalOf(i)), ".journal"); got != name || filepath.Dir(c.journalOf(i)) != "out" {
			t.Errorf("its journal is %q", c.journalOf(i))
		}
	}
}
