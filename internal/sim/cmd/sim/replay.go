package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/redlock-go/redlock/internal/check"
	"github.com/redlock-go/redlock/internal/sim"
)

// replay runs one seed again.
func replay(seed uint64, o options) int {
	s := o.generate(seed)
	r := sim.Run(s, false)
	fmt.Printf("seed %d, hash %016x: %v, %d attempts, %d acquisitions\n", seed, r.Hash, r.Stats.Time, r.Stats.Attempts, r.Stats.Acquisitions)
	if len(r.Violations) == 0 {
		fmt.Println("No invariant was violated.")
		return 0
	}
	explain(s, r.Violations[0].Invariant, o)
	return 1
}

// stories runs scenario files, each against its own expectations.
func stories(files []string, mutant string, o options) int {
	status := 0
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			fmt.Fprintln(os.Stderr, "sim:", err)
			return 2
		}
		s, err := sim.Parse(string(text))
		if err != nil {
			fmt.Fprintf(os.Stderr, "sim: %s: %v\n", name, err)
			return 2
		}
		if !story(name, s, mutant, o) {
			status = 1
		}
	}
	return status
}

// story runs a scenario; false if it did not do as it should.
func story(name string, s *sim.Scenario, mutant string, o options) bool {
	r := sim.Run(s, true)
	var got []check.Invariant
	for _, v := range r.Violations {
		got = append(got, v.Invariant)
	}
	slices.Sort(got)
	want, _ := s.Expected(mutant)
	good := slices.Equal(got, want)
	if !o.quiet {
		for _, p := range s.Prose {
			fmt.Println(p)
		}
		fmt.Printf("\n%s\n%s", sim.Diagram(s, r, o.lines), words(r.Violations))
	}
	switch {
	case !good:
		fmt.Printf("%s: violated %v, expected %v\n", name, got, want)
	case len(got) == 0:
		fmt.Printf("%s: no invariant was violated, as expected\n", name)
	default:
		fmt.Printf("%s: %v violated, as expected\n", name, got)
	}
	return good
}
