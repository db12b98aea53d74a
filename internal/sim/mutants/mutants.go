// Package mutants lists deliberate bugs, each of which the simulator must catch: a
// bug that survives is a hole in the simulator. A mutant is a change of text, which
// is compiled in instead of the original.
package mutants

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/redlock-go/redlock/internal/check"
)

// Mutant is one deliberate bug.
type Mutant struct {
	Name   string
	Why    string // what is wrong with it, and who does it so
	Breaks []check.Invariant
	Edits  []Edit

	// Rare says that too much has to come together for worlds from seeds to show
	// it within reason: a scenario file does.
	Rare bool
}

// Edit is one change of text. Old occurs exactly once in the file, or the mutant is
// stale.
type Edit struct {
	File     string // from the root of the module
	Old, New string
}

// Find returns the mutant of that name.
func Find(name string) (Mutant, bool) {
	for _, m := range All {
		if m.Name == name {
			return m, true
		}
	}
	return Mutant{}, false
}

// Write writes the files of the mutant to a folder, and returns which file stands
// for which: what the go command calls an overlay. It fails if the mutant is stale.
func (m Mutant) Write(root, folder string) (map[string]string, error) {
	texts := make(map[string]string)
	for _, e := range m.Edits {
		original := filepath.Join(root, filepath.FromSlash(e.File))
		text, ok := texts[original]
		if !ok {
			b, err := os.ReadFile(original)
			if err != nil {
				return nil, fmt.Errorf("mutant %s: %w", m.Name, err)
			}
			text = string(b)
		}
		if n := strings.Count(text, e.Old); n != 1 {
			return nil, fmt.Errorf("mutant %s is stale: %s has %d places like this, not one:\n%s", m.Name, e.File, n, e.Old)
		}
		texts[original] = strings.Replace(text, e.Old, e.New, 1)
	}
	overlay := make(map[string]string)
	for original, text := range texts {
		changed := filepath.Join(folder, fmt.Sprintf("%s-%d-%s", m.Name, len(overlay), filepath.Base(original)))
		if err := os.WriteFile(changed, []byte(text), 0o600); err != nil {
			return nil, fmt.Errorf("mutant %s: %w", m.Name, err)
		}
		overlay[original] = changed
	}
	return overlay, nil
}

// Build compiles the simulator's command with the mutant's bug in it, and returns
// where the program is. The root is the folder of the module; what is written goes
// to the other folder, and the sources stay as they are.
func (m Mutant) Build(root, folder string) (program string, err error) {
	replace, err := m.Write(root, folder)
	if err != nil {
		return "", err
	}
	overlay, err := json.Marshal(struct{ Replace map[string]string }{replace})
	if err != nil {
		return "", fmt.Errorf("mutant %s: %w", m.Name, err)
	}
	file := filepath.Join(folder, m.Name+".json")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		return "", fmt.Errorf("mutant %s: %w", m.Name, err)
	}
	program = filepath.Join(folder, m.Name)
	build := exec.Command("go", "build", "-overlay", file, "-ldflags", "-s -w", "-o", program, "./internal/sim/cmd/sim")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("mutant %s does not compile: %w\n%s", m.Name, err, out)
	}
	return program, nil
}
