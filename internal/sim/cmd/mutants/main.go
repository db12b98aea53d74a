// Command mutants builds the simulator with one deliberate bug after the other and
// runs it until it finds each of them: a bug that survives is a hole in the
// simulator.
//
//	go run ./internal/sim/cmd/mutants
//	go run ./internal/sim/cmd/mutants naive-token no-guard
//	go run ./internal/sim/cmd/mutants -story internal/sim/testdata/naive-token.txt
//
// It exits with 1 if a mutant survived or is stale.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/redlock-go/redlock/internal/sim"
	"github.com/redlock-go/redlock/internal/sim/mutants"
)

func main() {
	os.Exit(run())
}

func run() int {
	budget := flag.Duration("for", time.Minute, "how long to hunt for each mutant")
	first := flag.Uint64("first", 1, "the first seed")
	story := flag.String("story", "", "run this scenario file on the mutants that it names, and draw it")
	flag.Parse()
	folder, err := os.MkdirTemp("", "redlock-mutants-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		return 2
	}
	defer os.RemoveAll(folder) //nolint:errcheck // it is in the system's folder for such things
	lab := &lab{folder: folder, budget: *budget, first: *first}
	if lab.root, err = moduleRoot(); err == nil {
		if *story != "" {
			err = lab.tell(*story)
		} else {
			err = lab.hunt(flag.Args())
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		return 1
	}
	return 0
}

// moduleRoot is the folder of go.mod.
func moduleRoot() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/redlock-go/redlock").Output()
	if err != nil {
		return "", fmt.Errorf("where is the module? %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// lab breeds mutants.
type lab struct {
	root, folder string
	budget       time.Duration
	first        uint64
}

// build compiles the simulator with the mutant's bug.
func (l *lab) build(m mutants.Mutant) (string, error) {
	replace, err := m.Write(l.root, l.folder)
	if err != nil {
		return "", err
	}
	overlay, err := json.Marshal(struct{ Replace map[string]string }{replace})
	if err != nil {
		return "", fmt.Errorf("mutant %s: %w", m.Name, err)
	}
	file := filepath.Join(l.folder, m.Name+".json")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		return "", fmt.Errorf("mutant %s: %w", m.Name, err)
	}
	binary := filepath.Join(l.folder, m.Name)
	build := exec.Command("go", "build", "-overlay", file, "-o", binary, "./internal/sim/cmd/sim")
	build.Dir = l.root
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("mutant %s does not compile: %w\n%s", m.Name, err, out)
	}
	return binary, nil
}

// hunt runs the mutants of those names, or all, until each is caught.
func (l *lab) hunt(names []string) error {
	list := mutants.All
	if len(names) > 0 {
		list = nil
		for _, name := range names {
			m, ok := mutants.Find(name)
			if !ok {
				return fmt.Errorf("there is no mutant called %q", name)
			}
			list = append(list, m)
		}
	}
	var survivors []string
	fmt.Printf("%-18s %-8s %-50s %s\n", "mutant", "breaks", "caught", "what is wrong with it")
	for _, m := range list {
		binary, err := l.build(m)
		if err != nil {
			survivors = append(survivors, m.Name)
			fmt.Printf("%-18s %v\n", m.Name, err)
			continue
		}
		var invariants []string
		for _, i := range m.Breaks {
			invariants = append(invariants, string(i))
		}
		text, caught, err := l.sim(binary, "-until", strings.Join(invariants, ","), "-for", l.budget.String(), "-first", strconv.FormatUint(l.first, 10))
		if err != nil {
			return fmt.Errorf("mutant %s: %w", m.Name, err)
		}
		if !caught {
			survivors = append(survivors, m.Name)
			text = "SURVIVED: " + text
		}
		fmt.Printf("%-18s %-8s %-50s %s\n", m.Name, strings.Join(invariants, " "), text, m.Why)
	}
	if len(survivors) > 0 {
		return fmt.Errorf("%d of %d survived: %s", len(survivors), len(list), strings.Join(survivors, ", "))
	}
	fmt.Printf("All %d mutants were caught.\n", len(list))
	return nil
}

// sim runs the simulator. It exits with 1 when it has found something.
func (l *lab) sim(binary string, args ...string) (text string, found bool, err error) {
	out, err := exec.Command(binary, args...).CombinedOutput()
	text = strings.TrimSpace(string(out))
	if err == nil {
		return text, false, nil
	}
	if exit, ok := err.(*exec.ExitError); ok && exit.ExitCode() == 1 { //nolint:errorlint // Run does not wrap it
		return text, true, nil
	}
	return text, false, fmt.Errorf("%w\n%s", err, text)
}

// tell runs a scenario file on each mutant that it names.
func (l *lab) tell(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	s, err := sim.Parse(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for _, e := range s.Expect {
		if e.Mutant == "" {
			continue
		}
		m, ok := mutants.Find(e.Mutant)
		if !ok {
			return fmt.Errorf("%s: there is no mutant called %q", file, e.Mutant)
		}
		binary, err := l.build(m)
		if err != nil {
			return err
		}
		fmt.Printf("With the mutant %s: %s.\n\n", m.Name, m.Why)
		out, failed, err := l.sim(binary, "-mutant", m.Name, file)
		fmt.Println(out)
		if err != nil {
			return err
		}
		if failed {
			return fmt.Errorf("%s: the mutant %s did not do as expected", file, m.Name)
		}
	}
	return nil
}
