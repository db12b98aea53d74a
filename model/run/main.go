// Command run checks model/redlock.pml with spin: the right model of each world to
// its last state, and each wrong variant until it breaks the invariant that it is
// meant to break. It prints a table.
//
//	go run ./model/run                     all of them; make model
//	go run ./model/run -deep               and with larger bounds: more time and memory
//	go run ./model/run naive-token no-guard
//	go run ./model/run -story naive-token  what happens, step by step
//
// It exits with 1 if an outcome is not the expected one, or if a search was cut
// short: by memory, or for any other reason.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

func main() {
	os.Exit(run())
}

func run() int {
	deep := flag.Bool("deep", false, "also the cases with larger bounds")
	story := flag.Bool("story", false, "print what happens in the variants that are named")
	model := flag.String("model", "model/redlock.pml", "the model's file")
	at := flag.Int("j", 2, "how many searches at once")
	flag.Parse()
	chosen, err := choose(flag.Args(), *deep)
	if err == nil && *story && flag.NArg() == 0 {
		err = fmt.Errorf("-story needs the name of a variant")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "model:", err)
		return 2
	}
	file, err := filepath.Abs(*model)
	if err != nil {
		fmt.Fprintln(os.Stderr, "model:", err)
		return 2
	}
	folder, err := os.MkdirTemp("", "redlock-model-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "model:", err)
		return 2
	}
	defer func() { _ = os.RemoveAll(folder) }()

	began := time.Now()
	fmt.Printf("%-16s %-10s %-9s %-9s %11s %6s %7s %8s  %s\n",
		"variant", "world", "expected", "result", "states", "depth", "time", "memory", "bounds")
	var (
		wg     sync.WaitGroup
		print  sync.Mutex
		places = make(chan struct{}, max(1, *at))
		failed int
		states int
	)
	for i, c := range chosen {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			f, err := search(filepath.Join(folder, fmt.Sprint(i)), file, c)
			print.Lock()
			defer print.Unlock()
			if err != nil {
				failed++
				fmt.Printf("%-16s %-10s FAILED: %v\n", c.Name, c.World, err)
				return
			}
			states += f.States
			fmt.Printf("%-16s %-10s %-9s %-9s %11d %6d %6.1fs %5.0f MB  %s\n",
				c.Name, c.World, c.Expected, f.Result, f.States, f.Depth, f.Time.Seconds(), f.Memory, strings.Join(c.Bounds, " "))
			if f.Result != c.Expected {
				failed++
				fmt.Printf("  NOT AS EXPECTED\n%s", f.Story)
			} else if *story {
				fmt.Print(f.Story)
			}
		})
	}
	wg.Wait()
	fmt.Printf("%d searches, %d states, %.0f s, %d at once; not as expected or cut short: %d\n",
		len(chosen), states, time.Since(began).Seconds(), *at, failed)
	if failed > 0 {
		return 1
	}
	return 0
}

// choose returns the cases of those names; without names all.
func choose(names []string, deep bool) ([]Case, error) {
	var chosen []Case
	for _, c := range Cases {
		if len(names) == 0 && (deep || !c.Deep) || slices.Contains(names, c.Name) {
			chosen = append(chosen, c)
		}
	}
	for _, name := range names {
		if !slices.ContainsFunc(Cases, func(c Case) bool { return c.Name == name }) {
			return nil, fmt.Errorf("there is no variant %q; see model/run/cases.go", name)
		}
	}
	return chosen, nil
}
