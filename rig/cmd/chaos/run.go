package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/redlock-go/redlock/rig/chaos"
	"github.com/redlock-go/redlock/rig/chaos/report"
	"github.com/redlock-go/redlock/rig/traffic"
)

// run runs, writes the report, and returns the exit status.
func run(ctx context.Context, args []string) (int, error) {
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	length := flags.Duration("for", 5*time.Minute, "how `long`, in all")
	seed := flags.Uint64("seed", 0, "of the plan of faults; 0: by chance")
	ttl := flags.Duration("ttl", time.Second, "of all leases")
	clients := flags.Int("clients", 4, "processes of each contestant")
	only := flags.String("only", "", "contestants, with commas between them (default all)")
	out := flags.String("out", "out", "the `folder` for chaos.md and chaos.svg")
	keep := flags.Bool("keep", false, "keep the clients' journals and logs, and say where")
	plan := flags.Bool("plan", false, "print the plan of the seed, and do nothing")
	if err := flags.Parse(args); err != nil {
		return 0, err
	}
	if *seed == 0 {
		*seed = rand.Uint64N(1 << 32)
	}
	contestants, err := named(*only)
	if err != nil {
		return 0, err
	}
	o := chaos.Options{Seed: *seed, For: *length, TTL: *ttl, Clients: *clients, Contestants: contestants, Words: os.Stderr}
	if *plan {
		for _, s := range chaos.Plan(o.Terms(), nil) {
			fmt.Println(s)
		}
		return 0, nil
	}
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "chaos")
	if err != nil {
		return 0, err
	}
	if *keep {
		fmt.Fprintln(os.Stderr, "journals in", dir)
	} else {
		defer os.RemoveAll(dir) //nolint:errcheck // in the system's folder for such things
	}
	o.Command, o.Dir = []string{self, "client"}, dir
	began := time.Now()
	fmt.Fprintf(os.Stderr, "chaos for %v with seed %d\n", *length, *seed)
	r, err := chaos.Run(ctx, o)
	if err != nil {
		return 0, err
	}
	if err := write(*out, r, began); err != nil {
		return 0, err
	}
	if err := report.Summary(os.Stdout, r); err != nil {
		return 0, err
	}
	return status(r), nil
}

// status is 1 if our library broke a guarantee.
func status(r chaos.Result) int {
	if len(r.Violations()) > 0 {
		return 1
	}
	return 0
}

// write writes the report into the folder.
func write(dir string, r chaos.Result, began time.Time) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	about := report.About{
		When:     began.Format(time.DateOnly),
		Machine:  fmt.Sprintf("%s/%s, %d CPUs", runtime.GOOS, runtime.GOARCH, runtime.NumCPU()),
		Server:   serverVersion(),
		Versions: report.Versions(),
		Timeline: "chaos.svg",
	}
	if err := os.WriteFile(filepath.Join(dir, "chaos.md"), []byte(report.Markdown(r, about)), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, about.Timeline), []byte(report.Timeline(r)), 0o644)
}

// serverVersion is that of the servers on PATH, of which one was run.
func serverVersion() string {
	out, err := exec.Command("redis-server", "--version").Output()
	if err != nil {
		return "redis-server"
	}
	for _, word := range strings.Fields(string(out)) {
		if version, ok := strings.CutPrefix(word, "v="); ok {
			return "redis-server " + version
		}
	}
	return "redis-server"
}

func named(only string) ([]traffic.Contestant, error) {
	if only == "" {
		return traffic.Contestants(), nil
	}
	var all []traffic.Contestant
	for _, name := range strings.Split(only, ",") {
		c, found := traffic.ContestantNamed(name)
		if !found {
			return nil, fmt.Errorf("there is no contestant %q", name)
		}
		all = append(all, c)
	}
	return all, nil
}
