package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// memory is what a search may use, in MB. More, and it fails.
const memory = 5000

// Found is the outcome of a search.
type Found struct {
	Result string // Holds, or the invariant that was broken
	States int
	Depth  int // of the longest of the shortest ways to a state, or of the way to the violation
	Time   time.Duration
	Memory float64 // MB
	Story  string  // what happened on the shortest way to the violation
}

// search visits every state of a case, nearest first, until an assertion fails or
// there is none left. It is an error if the search ends for any other reason. It
// works in the folder, which it makes.
func search(folder, model string, c Case) (Found, error) {
	if err := os.Mkdir(folder, 0o755); err != nil {
		return Found{}, err
	}
	if _, err := tool(folder, "spin", append([]string{"-a"}, append(c.flags(), model)...)...); err != nil {
		return Found{}, err
	}
	// BFS: the shortest story, and no bound on the depth. Every state is stored
	// in full: no hash compaction, no bit state.
	if _, err := tool(folder, "gcc", "-O2", "-w", "-DSAFETY", "-DBFS", "-DNOREDUCE",
		"-DMEMLIM="+strconv.Itoa(memory), "-o", "pan", "pan.c"); err != nil {
		return Found{}, err
	}
	began := time.Now()
	log, err := tool(folder, "./pan", "-w24")
	f, parseErr := parse(log)
	if parseErr != nil {
		return Found{}, errors.Join(parseErr, err)
	}
	f.Time = time.Since(began)
	if f.Result == Holds {
		return f, nil
	}
	trail, err := filepath.Glob(filepath.Join(folder, "*.trail"))
	if err != nil || len(trail) != 1 {
		return Found{}, fmt.Errorf("%d trails of the violation: %w", len(trail), err)
	}
	// spin exits with 1 after a trail that ends in a failed assertion.
	told, _ := tool(folder, "spin", append([]string{"-k", trail[0], "-DSTORY"}, append(c.flags(), model)...)...)
	f.Story, f.Result = tell(told)
	if f.Result == "" {
		return Found{}, fmt.Errorf("the violation is none of an invariant:\n%s", told)
	}
	return f, nil
}

func tool(folder, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = folder
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s: %w\n%s", name, err, out.String())
	}
	return out.String(), nil
}

var (
	summary = regexp.MustCompile(`depth reached (\d+), errors: (\d+)`)
	stored  = regexp.MustCompile(`(?m)^\s*(\d+) states, stored`)
	total   = regexp.MustCompile(`(?m)^\s*([0-9.]+)\s+total actual memory usage`)
)

// parse reads what pan printed. A search that found no violation counts only if it
// was complete.
func parse(log string) (Found, error) {
	s, n, m := summary.FindStringSubmatch(log), stored.FindStringSubmatch(log), total.FindStringSubmatch(log)
	if s == nil || n == nil || m == nil {
		return Found{}, fmt.Errorf("the search did not end:\n%s", log)
	}
	var f Found
	f.Depth, _ = strconv.Atoi(s[1])
	f.States, _ = strconv.Atoi(n[1])
	f.Memory, _ = strconv.ParseFloat(m[1], 64)
	if s[2] != "0" {
		if !strings.Contains(log, "assertion violated") {
			return Found{}, fmt.Errorf("an error that is no failed assertion:\n%s", log)
		}
		return f, nil
	}
	for _, cut := range []string{"Search not completed", "max search depth", "MEMLIM", "out of memory", "Bit statespace", "Hash-Compact"} {
		if strings.Contains(log, cut) {
			return Found{}, fmt.Errorf("the search was cut short, after %d states:\n%s", f.States, log)
		}
	}
	if !strings.Contains(log, "Full statespace search for:") {
		return Found{}, fmt.Errorf("the search was not of all states:\n%s", log)
	}
	f.Result = Holds
	return f, nil
}

// tell returns the story in what spin printed of a trail, and the invariant that is
// broken at its end: the line that begins with "!!".
func tell(told string) (story, invariant string) {
	var b strings.Builder
	for line := range strings.Lines(told) {
		line = strings.TrimSpace(line)
		fmt.Fprintf(&b, "    %s\n", line)
		if rest, ok := strings.CutPrefix(line, "!! "); ok {
			invariant, _, _ = strings.Cut(rest, ":")
			return b.String(), "breaks " + invariant
		}
	}
	return b.String(), ""
}
