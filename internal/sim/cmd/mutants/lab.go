package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redlock-go/redlock/internal/check"
	"github.com/redlock-go/redlock/internal/sim"
	"github.com/redlock-go/redlock/internal/sim/mutants"
)

// lab breeds mutants.
type lab struct {
	root, folder string
	runs         int
	first        uint64
}

// say prints a line of the table.
func say(columns ...any) {
	fmt.Println(strings.TrimRight(fmt.Sprintf("%-19s %-6s %-6s %-6s %-9s %-46s %s", columns...), " "))
}

// hunt runs the mutants until each is caught.
func (l *lab) hunt(list []mutants.Mutant) error {
	stories, err := l.stories()
	if err != nil {
		return err
	}
	began := time.Now()
	var bad []string
	caught, shown := make(map[check.Invariant]int), 0
	say("mutant", "broke", "seed", "runs", "time", "what is wrong with it", "shown by")
	for _, m := range list {
		c, err := l.catch(m, stories[m.Name])
		if err != nil {
			bad = append(bad, m.Name)
			fmt.Printf("%-19s %v\n", m.Name, err)
			continue
		}
		caught[c.invariant]++
		shown += len(stories[m.Name])
		why := lines(m.Why, 46)
		say(m.Name, c.invariant, c.seed, c.runs, c.took, why[0], strings.Join(names(stories[m.Name]), " "))
		for _, more := range why[1:] {
			say("", "", "", "", "", more, "")
		}
	}
	if len(bad) > 0 {
		return fmt.Errorf("%d of %d were not caught: %s", len(bad), len(list), strings.Join(bad, ", "))
	}
	var each []string
	for _, i := range slices.Sorted(maps.Keys(caught)) {
		each = append(each, fmt.Sprintf("%s %d", i, caught[i]))
	}
	fmt.Printf("\nAll %d mutants were caught, in %v: %s.\n", len(list), time.Since(began).Round(time.Second), strings.Join(each, ", "))
	fmt.Printf("Scenario files show one %d times: go run ./internal/sim/cmd/mutants -story internal/sim/testdata/<name>.txt\n", shown)
	return nil
}

// catch is how a mutant was caught.
type catch struct {
	invariant        check.Invariant
	seed, runs, took string
}

// catch builds a mutant, has the files show it that say they do, and hunts it.
func (l *lab) catch(m mutants.Mutant, stories []string) (catch, error) {
	program, err := m.Build(l.root, l.folder)
	if err != nil {
		return catch{}, err
	}
	defer os.Remove(program) //nolint:errcheck // its folder goes at the end
	if len(stories) > 0 {
		text, failed, err := l.sim(program, append([]string{"-q", "-mutant", m.Name}, stories...)...)
		switch {
		case err != nil:
			return catch{}, err
		case failed:
			return catch{}, fmt.Errorf("a file does not show it:\n%s", text)
		}
	}
	if m.Rare {
		if len(stories) == 0 {
			return catch{}, errors.New("SURVIVED: no file shows it")
		}
		return catch{m.Breaks[0], "-", "-", "-"}, nil
	}
	var invariants []string
	for _, i := range m.Breaks {
		invariants = append(invariants, string(i))
	}
	text, found, err := l.sim(program, "-until", strings.Join(invariants, ","), "-runs", strconv.Itoa(l.runs), "-first", strconv.FormatUint(l.first, 10))
	if err != nil {
		return catch{}, err
	}
	words := strings.Fields(text)
	if !found || len(words) != 4 {
		return catch{}, fmt.Errorf("SURVIVED: %s", text)
	}
	return catch{check.Invariant(words[0]), words[1], words[2], words[3]}, nil
}

// draw shows how the mutants break something.
func (l *lab) draw(list []mutants.Mutant) error {
	for _, m := range list {
		program, err := m.Build(l.root, l.folder)
		if err != nil {
			return err
		}
		fmt.Printf("With the mutant %s: %s.\n\n", m.Name, m.Why)
		text, found, err := l.sim(program, "-runs", strconv.Itoa(l.runs), "-first", strconv.FormatUint(l.first, 10))
		fmt.Println(text)
		switch {
		case err != nil:
			return err
		case !found:
			return fmt.Errorf("%s survived", m.Name)
		}
	}
	return nil
}

// sim runs a program of ours. It exits with 1 when it has found something.
func (l *lab) sim(program string, args ...string) (text string, found bool, err error) {
	out, err := exec.Command(program, args...).CombinedOutput()
	text = strings.TrimSpace(string(out))
	var exit *exec.ExitError
	switch {
	case err == nil:
		return text, false, nil
	case errors.As(err, &exit) && exit.ExitCode() == 1:
		return text, true, nil
	}
	return text, false, fmt.Errorf("%w\n%s", err, text)
}

// stories are the scenario files that show each mutant.
func (l *lab) stories() (map[string][]string, error) {
	files, err := filepath.Glob(filepath.Join(l.root, "internal", "sim", "testdata", "*.txt"))
	if err != nil {
		return nil, err
	}
	by := make(map[string][]string)
	for _, file := range files {
		s, err := read(file)
		if err != nil {
			return nil, err
		}
		for _, e := range s.Expect {
			by[e.Mutant] = append(by[e.Mutant], file)
		}
	}
	return by, nil
}

func read(file string) (*sim.Scenario, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	s, err := sim.Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return s, nil
}

// tell runs a scenario file on each mutant that it names.
func (l *lab) tell(file string) error {
	s, err := read(file)
	if err != nil {
		return err
	}
	for _, e := range s.Expect {
		if e.Mutant == "" {
			continue
		}
		m, ok := mutants.Find(e.Mutant)
		if !ok {
			return fmt.Errorf("%s: there is no mutant called %q", file, e.Mutant)
		}
		program, err := m.Build(l.root, l.folder)
		if err != nil {
			return err
		}
		fmt.Printf("With the mutant %s: %s.\n\n", m.Name, m.Why)
		text, failed, err := l.sim(program, "-mutant", m.Name, file)
		fmt.Println(text)
		switch {
		case err != nil:
			return err
		case failed:
			return fmt.Errorf("%s: the mutant %s did not do as expected", file, m.Name)
		}
	}
	return nil
}

// names are the files without their folder.
func names(files []string) []string {
	var list []string
	for _, file := range files {
		list = append(list, filepath.Base(file))
	}
	return list
}

// lines breaks a text into lines of at most so many letters.
func lines(text string, most int) []string {
	list := []string{""}
	for _, word := range strings.Fields(text) {
		last := &list[len(list)-1]
		switch {
		case *last == "":
			*last = word
		case len(*last)+1+len(word) <= most:
			*last += " " + word
		default:
			list = append(list, word)
		}
	}
	return list
}
