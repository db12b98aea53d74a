// Command mutants builds the simulator with one deliberate bug after the other and
// runs it until it finds each of them: a bug that survives is a hole in the
// simulator. Each scenario file that names the mutant has to show it, too.
//
//	go run ./internal/sim/cmd/mutants
//	go run ./internal/sim/cmd/mutants naive-token no-guard
//	go run ./internal/sim/cmd/mutants -draw naive-token
//	go run ./internal/sim/cmd/mutants -story internal/sim/testdata/naive-token.txt
//
// It exits with 1 if a mutant survived, is stale, or is not shown by a file that
// says it is.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/redlock-go/redlock/internal/sim/mutants"
)

func main() {
	os.Exit(run())
}

func run() int {
	runs := flag.Int("runs", 3000, "how many seeds to run for each mutant at the most")
	first := flag.Uint64("first", 1, "the first seed")
	draw := flag.Bool("draw", false, "of the mutants named: make the first scenario that shows it small, and draw it")
	story := flag.String("story", "", "run this scenario file on the mutants that it names, and draw it")
	flag.Parse()
	folder, err := os.MkdirTemp("", "redlock-mutants-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		return 2
	}
	defer os.RemoveAll(folder) //nolint:errcheck // it is in the system's folder for such things
	lab := &lab{folder: folder, runs: *runs, first: *first}
	if lab.root, err = moduleRoot(); err == nil {
		err = lab.work(flag.Args(), *story, *draw)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		return 1
	}
	return 0
}

func (l *lab) work(names []string, story string, draw bool) error {
	if story != "" {
		return l.tell(story)
	}
	list := mutants.All
	if len(names) > 0 {
		list = nil
	}
	for _, name := range names {
		m, ok := mutants.Find(name)
		if !ok {
			return fmt.Errorf("there is no mutant called %q", name)
		}
		list = append(list, m)
	}
	if draw {
		return l.draw(list)
	}
	return l.hunt(list)
}

// moduleRoot is the folder of go.mod.
func moduleRoot() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/redlock-go/redlock").Output()
	if err != nil {
		return "", fmt.Errorf("where is the module? %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}
