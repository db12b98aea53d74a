package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/redlock-go/redlock/rig/bench"
)

// Write writes bench.json, bench.md and the charts into the folder.
func Write(dir string, r *bench.Result) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	files := map[string]string{"bench.json": string(data) + "\n", "bench.md": Markdown(r)}
	for _, p := range Pictures(r) {
		files[p.File] = p.Chart.SVG()
	}
	var errs []error
	for name, text := range files {
		errs = append(errs, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	return errors.Join(errs...)
}

// Read reads a bench.json, and holds it against the targets of today.
func Read(path string) (*bench.Result, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := new(bench.Result)
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	r.Targets = bench.Targets(r)
	return r, nil
}

// Markdown is the whole report.
func Markdown(r *bench.Result) string {
	w := &strings.Builder{}
	w.WriteString("# Benchmark: what a lock costs\n\n")
	m := r.Machine
	fmt.Fprintf(w, "%s; %s, %d cores (%s); %s; %s", m.When, m.OS, m.Cores, m.CPU, m.Go, m.Server)
	if m.Etcd != "" {
		fmt.Fprintf(w, "; %s", m.Etcd)
	}
	fmt.Fprintf(w, ". GOGC %s. Load average of the last minute %s before the run, %s after it. It took %s.\n\n", m.GOGC, Figure(m.LoadBefore), Figure(m.LoadAfter), r.Took)
	if m.LoadBefore > float64(m.Cores) {
		w.WriteString("**Something else was running on this machine: the figures are provisional.**\n\n")
	}
	if r.Settings.Quick {
		w.WriteString("**A quick run: the turns are short, and the figures rough.** `make bench` is the full one.\n\n")
	}
	for _, remark := range r.Remarks {
		fmt.Fprintf(w, "%s\n\n", remark)
	}
	w.WriteString(Against(r))
	for _, p := range Pictures(r) {
		fmt.Fprintf(w, "![%s](%s)\n\n", p.About, p.File)
	}
	w.WriteString(method(r))
	w.WriteString(Tables(r))
	settings(w, r)
	return w.String()
}

// Against is the table of targets, with what was measured.
func Against(r *bench.Result) string {
	if len(r.Targets) == 0 {
		return ""
	}
	var ours []string
	for _, c := range r.Contestants {
		held := func(t bench.TargetRow) bool { _, measured := t.Got[c.Name]; return measured }
		if slices.ContainsFunc(r.Targets, held) {
			ours = append(ours, c.Name)
		}
	}
	w := &strings.Builder{}
	w.WriteString("## Targets\n\n")
	for _, name := range ours {
		reached, measured := 0, 0
		for _, t := range r.Targets {
			if value, ok := t.Got[name]; ok {
				measured++
				if t.Reached(value) {
					reached++
				}
			}
		}
		fmt.Fprintf(w, "%s reaches %d of %d. ", name, reached, measured)
	}
	fmt.Fprintf(w, "\n\n| | to reach | %s | best peer in this run |\n|---|---|%s---|\n", strings.Join(ours, " | "), strings.Repeat("---|", len(ours)))
	for _, t := range r.Targets {
		sign := "≤"
		if t.AtLeast {
			sign = "≥"
		}
		fmt.Fprintf(w, "| %s | %s |", t.What, strings.TrimSpace(fmt.Sprintf("%s %s %s", sign, Figure(t.Limit), t.Unit)))
		for _, name := range ours {
			value, measured := t.Got[name]
			if !measured {
				w.WriteString(" |")
				continue
			}
			fmt.Fprintf(w, " %s |", verdict(t, value))
		}
		if t.Peer == "" {
			w.WriteString(" |\n")
			continue
		}
		fmt.Fprintf(w, " %s: %s |\n", t.Peer, Figure(t.PeerGot))
	}
	w.WriteString("\n")
	return w.String()
}

// verdict says whether a target is reached, or by how much it is not.
func verdict(t bench.TargetRow, value float64) string {
	if t.Reached(value) {
		return Figure(value) + ", **reached**"
	}
	switch away := math.Abs(value-t.Limit) / t.Limit; {
	case t.Limit == 0:
		return Figure(value) + ", not reached"
	case away >= 1 && !t.AtLeast:
		return fmt.Sprintf("%s, not reached: %s times as much", Figure(value), Figure(value/t.Limit))
	case t.AtLeast:
		return fmt.Sprintf("%s, not reached: %.0f %% too little", Figure(value), math.Ceil(100*away))
	default:
		return fmt.Sprintf("%s, not reached: %.0f %% too much", Figure(value), math.Ceil(100*away))
	}
}

func method(r *bench.Result) string {
	s := r.Settings
	return fmt.Sprintf(`## How it was measured

Real redis-servers on the loopback, nothing kept on disk, no proxy in between (but
for the variant with network delay). All contestants of a scenario use the same
servers and take turns: A B C A B C …, %d turns each of %v (S3, S4, S4b: %v), after
a warm-up of %v. Before each turn the garbage is collected. What is told is the
median over the turns, in brackets the least and the greatest; "/ floor" is the ratio of
the medians in the same run. TTL %v for all. Nothing is asserted.

- A **cycle** is an Acquire and a Release. In S1, S2 and S5 each goroutine goes through
  128 locks of its own, so that what is still on its way to a minority of the nodes is
  not in the way of the next cycle.
- **CPU** is of the processes, client and all servers together, as the kernel accounts it;
  the client's includes the loop around it. On %d cores clients and servers share them,
  so what one saves the other gets.
- **Commands** are those that clients sent, to all nodes together, counted where they are sent: in
  what peers and the floor write to their connections, and in the batches that this library hands
  to its nodes. What a script calls is not counted, nor PING and what is said to connect. The
  counting costs peers some 0.1 µs a command.
- A **hand-over** is an acquisition by another goroutine (S3) or process (S4) than the one
  that held the lock before: who takes again what it has just released hands over nothing.
  **Jain's index** is that of the acquisitions: 1 is fair, 1/n is one who has everything.
  **Longest wait** counts who still waits at the end with the time until then, so it cannot be
  longer than a turn. Commands a hand-over are all that were sent until the end of the turn, those
  of failed attempts and of acquisitions that handed nothing over included.
- S4 and S6 are processes of their own, which share nothing but the servers.
- S5: a cycle that takes longer than %v is measured once, as it is all time-outs.
- S6: TTL %v, renewed by its holder where the library does that; SIGKILL at any moment. The expiry is
  when a majority of the nodes is free of the key (PEXPIRETIME). Commands are the waiter's, from its
  call of Acquire until that returned, a TTL or so later.
- S7: %d leases in one process, for %v. A lease is late if less than half of its TTL was left when it
  was renewed, or it was not: renewals are due when two thirds are. A **stall** is a
  time in which the process was not given a processor, or did not get round to a timer of ours: on a
  machine that others use, leases are late because of it. Bytes are heap and stacks;
  a waiter's are heap alone, and it waits in a process of its own.

`, s.Repeats, s.Slice, s.ContendSlice, s.Warm, s.TTL, r.Machine.Cores, s.Patience, s.CrashTTL, s.Held, s.HeldFor)
}

// settings say how each contestant was used.
func settings(w *strings.Builder, r *bench.Result) {
	w.WriteString("## The contestants\n\n")
	for _, c := range r.Contestants {
		var versions []string
		for _, module := range slices.Sorted(maps.Keys(c.Modules)) {
			versions = append(versions, module+" "+c.Modules[module])
		}
		fmt.Fprintf(w, "- **%s**: %s.", c.Name, strings.TrimSuffix(c.Settings, "."))
		if len(versions) > 0 {
			fmt.Fprintf(w, " (%s)", strings.Join(versions, ", "))
		}
		w.WriteString("\n")
	}
}
