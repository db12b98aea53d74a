package rig

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redlock-go/redlock/rig/check"
	"github.com/redlock-go/redlock/rig/clock"
	"github.com/redlock-go/redlock/rig/cluster"
	"github.com/redlock-go/redlock/rig/fault"
	"github.com/redlock-go/redlock/rig/report"
	"github.com/redlock-go/redlock/rig/traffic"
)

// soakFor is how long TestEightProcessesUnderFaults runs: RIG_SOAK, or 15 s. The
// full test is a minute, which CI runs; nothing speaks against an hour.
func soakFor(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("RIG_SOAK")
	if text == "" {
		return 15 * time.Second
	}
	d, err := time.ParseDuration(text)
	ok(t, err)
	return d
}

// soakSeed is the nemesis's: RIG_SEED, or another one each time.
func soakSeed(t *testing.T) uint64 {
	t.Helper()
	text := os.Getenv("RIG_SEED")
	if text == "" {
		return rand.Uint64()
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	ok(t, err)
	return seed
}

// TestEightProcessesUnderFaults has eight workers run `redlock run` in a loop over
// five real servers, while a node is killed or frozen every second or two, never
// more than two at once. A killed node comes back empty, no sooner than a TTL
// later, and counts as down until its quarantine is over. The child reads a
// counter, pauses and writes it plus one, so that two at once lose an update.
//
// With RIG_REPORT set to a path, the report is written there.
func TestEightProcessesUnderFaults(t *testing.T) {
	const ttl = 2 * time.Second
	c := startCluster(t, cluster.Options{})
	dir := t.TempDir()
	work := traffic.Processes{
		Redlock:   build(t, dir, "../cmd/redlock"),
		Increment: build(t, dir, "./cmd/increment"),
		Nodes:     strings.Join(c.URLs(), ","),
		Args:      []string{"--ttl", ttl.String()},
		Key:       "soak",
		Workers:   8,
		Pause:     3 * time.Millisecond,
		Dir:       dir,
	}
	nemesis := fault.Nemesis{
		Cluster: c, Most: 2, Every: 1500 * time.Millisecond, Seed: soakSeed(t),
		Draw: func(r *rand.Rand) fault.Fault {
			if r.IntN(2) == 0 {
				// The quarantine is a TTL and the drift; the server counts its uptime in
				// whole seconds; who knew it dead needs a moment to see that it is back.
				return fault.Kill{Away: ttl, Quarantine: ttl + ttl/100 + 2*time.Second}
			}
			return fault.Freeze{For: time.Duration(200+r.IntN(3000)) * time.Millisecond, Settle: time.Second}
		},
	}

	began := clock.Now()
	ctx, cancel := context.WithTimeout(context.Background(), soakFor(t))
	defer cancel()
	worked := make(chan error, 1)
	go func() { worked <- work.Run(ctx) }()
	events, err := nemesis.Run(ctx)
	ok(t, <-worked)
	ok(t, err)

	holds, err := check.ReadLogs(work.Logs())
	ok(t, err)
	final, err := traffic.ReadCounter(work.Counter())
	ok(t, err)
	run := report.Run{
		Title: "Eight processes under faults",
		Setting: []string{
			fmt.Sprintf("five redis-servers, %d workers, each lease a process of its own: redlock run %s", work.Workers, strings.Join(work.Args, " ")),
			fmt.Sprintf("at most %d nodes down at once, RIG_SEED=%d", nemesis.Most, nemesis.Seed),
		},
		Began: began, Took: clock.Now().Sub(began),
		Holds: holds, Events: events, Exits: work.Exits(), Findings: check.All(holds, final),
	}
	write(t, &run)
	for _, f := range run.Findings {
		t.Error(f)
	}
	failed := len(work.Said())
	for _, said := range work.Said()[:min(failed, 5)] {
		t.Log(said)
	}
	// On a machine that stands still for a moment a process may see no quorum. That is
	// safe, and has to be rare.
	if failed > len(holds)/50+2 {
		t.Errorf("%d of %d processes failed", failed, failed+len(holds))
	}
	if len(holds) < 20 || fault.Count(events)["killed"]+fault.Count(events)["frozen"] == 0 {
		t.Errorf("%d leases and %d events: this proves nothing", len(holds), len(events))
	}
	free(t, c, "redlock:"+work.Key, 2*ttl)
}

// write logs the report, and writes it to the path in RIG_REPORT.
func write(t *testing.T, run *report.Run) {
	t.Helper()
	var out strings.Builder
	ok(t, run.Markdown(&out))
	t.Log("\n" + out.String())
	if path := os.Getenv("RIG_REPORT"); path != "" {
		ok(t, os.WriteFile(path, []byte(out.String()), 0o644))
	}
}

// build builds a command, without the race detector, as users have it.
func build(t *testing.T, dir, source string) string {
	t.Helper()
	path := filepath.Join(dir, filepath.Base(source))
	cmd := exec.Command("go", "build", "-o", path, ".")
	cmd.Dir = source
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build in %s: %v\n%s", source, err, out)
	}
	return path
}
