package mutants

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/redlock-go/redlock/internal/check"
	"github.com/redlock-go/redlock/internal/sim"
)

const root = "../../.."

// No mutant is stale: each text that it changes is there, once. "make mutants" then
// shows that each is caught.
func TestNoMutantIsStale(t *testing.T) {
	names := make(map[string]bool)
	for _, m := range All {
		if names[m.Name] {
			t.Errorf("two mutants are called %s", m.Name)
		}
		names[m.Name] = true
		if _, err := m.Write(root, t.TempDir()); err != nil {
			t.Error(err)
		}
	}
}

func TestEveryInvariantHasAMutant(t *testing.T) {
	for _, i := range []check.Invariant{check.I1, check.I2, check.I3, check.I4, check.I5, check.I6, check.I7, check.I8, check.I9, check.H1, check.H2, check.H3, check.E2, check.E3, check.E4, check.F1, check.F2, check.F3} {
		if !slices.ContainsFunc(All, func(m Mutant) bool { return slices.Contains(m.Breaks, i) }) {
			t.Errorf("no mutant breaks %s", i)
		}
	}
}

// What chance does not bring together, a scenario file shows: that one breaks what the
// mutant is meant to break.
func TestRareMutantsHaveAStory(t *testing.T) {
	shown := make(map[string]bool)
	files, err := filepath.Glob(filepath.Join(root, "internal", "sim", "testdata", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s, err := sim.Parse(string(text))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, e := range s.Expect {
			if m, ok := Find(e.Mutant); ok {
				shown[e.Mutant] = shown[e.Mutant] || slices.ContainsFunc(e.Invariants, func(i check.Invariant) bool { return slices.Contains(m.Breaks, i) })
			}
		}
	}
	for _, m := range All {
		if m.Rare && !shown[m.Name] {
			t.Errorf("%s is rare, and no scenario file shows it break %v", m.Name, m.Breaks)
		}
	}
}

// docs/GUARANTEES.md says of every mutant and every scenario file which invariant it
// is about.
func TestGuaranteesNamesThemAll(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "GUARANTEES.md"))
	if err != nil {
		t.Fatal(err)
	}
	named := func(name string) bool {
		return regexp.MustCompile(`[ |*]` + name + `[ |*,]`).Match(text)
	}
	for _, m := range All {
		if !named(m.Name) {
			t.Errorf("the mutant %s is not named", m.Name)
		}
	}
	files, err := filepath.Glob(filepath.Join(root, "internal", "sim", "testdata", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenario files: %v", err)
	}
	for _, file := range files {
		if name := strings.TrimSuffix(filepath.Base(file), ".txt"); !named(name) {
			t.Errorf("the scenario file %s is not named", name)
		}
	}
}

// What every other library does wrong, or could: each breaks exclusion or the order
// of tokens in a scenario that a reader can follow.
func TestStoriesOfMutants(t *testing.T) {
	for name, file := range map[string]string{
		"late-validity": "late-validity.txt",
		"naive-token":   "naive-token.txt",
		"no-guard":      "amnesia.txt",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // they wait for the compiler most of the time
			m, ok := Find(name)
			if !ok {
				t.Fatal("there is no such mutant")
			}
			top, err := filepath.Abs(root)
			if err != nil {
				t.Fatal(err)
			}
			program, err := m.Build(top, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command(program, "-mutant", name, filepath.Join(top, "internal/sim/testdata", file)).CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
