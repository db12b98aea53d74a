// Package demo shows the lock at work, and that the work would go wrong without
// it: processes that increment a counter in a file, each by reading, pausing and
// writing, so that an update is lost whenever two do it at once; on nodes of which
// one is killed and one falls silent half way.
//
// What it tells at the end is counted, not assumed: the processes say what they
// have done and when, by a clock that all processes of a machine share, and the
// file says what came of it.
package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/redlock-go/redlock/cmd/redlock/internal/clock"
	"github.com/redlock-go/redlock/cmd/redlock/internal/devcluster"
)

// Options say what the demo does.
type Options struct {
	For      time.Duration // how long the processes work
	Workers  int
	Nodes    int
	Unlocked bool // do the same work without the lock
}

// When the faults come, as parts of the time that the demo works.
const (
	killAfter   = 0.4
	freezeAfter = 0.6
)

// endWithin is how long the processes may take to end when they are asked to.
const endWithin = 10 * time.Second

// Run runs the demo, shows it on screen, and returns what came of it. An end of
// ctx ends the work early; the result holds for what was done until then.
func Run(ctx context.Context, o Options, screen Screen) (result Result, err error) {
	dir, err := os.MkdirTemp("", "redlock-demo")
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file, err := newCounter(filepath.Join(dir, "counter"))
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, file.close()) }()

	nodes, err := startNodes(o.Nodes)
	defer func() {
		for _, n := range nodes {
			n.Kill()
		}
	}()
	if err != nil {
		return Result{}, err
	}
	urls := make([]string, len(nodes))
	for i, n := range nodes {
		urls[i] = n.URL()
	}
	crew, err := hire(o.Workers, orders{Nodes: urls, File: file.name, Unlocked: o.Unlocked})
	if err != nil {
		return Result{}, err
	}
	state := newState(o, len(nodes))
	watch(ctx, o, state, nodes, crew, screen)

	// The processes finish what they have begun, and what they say is heard to the
	// end.
	crew.dismiss()
	took := state.elapsed()
	fail := crew.listen(state, time.After(endWithin))
	screen.Close(state)
	counted, err := file.read()
	return state.settle(counted, took), errors.Join(err, fail, crew.close())
}

func startNodes(n int) ([]*devcluster.MiniNode, error) {
	nodes := make([]*devcluster.MiniNode, 0, n)
	for range n {
		node, err := devcluster.StartMini()
		if err != nil {
			return nodes, err
		}
		nodes = append(nodes, node)
	}
	return nodes, nil
}

// watch is the time in which the processes work: it does the damage, keeps the
// books and paints the screen.
func watch(ctx context.Context, o Options, state *state, nodes []*devcluster.MiniNode, crew *crew, screen Screen) {
	part := func(f float64) <-chan time.Time { return time.After(time.Duration(f * float64(o.For))) }
	end, kill, freeze := time.After(o.For), part(killAfter), part(freezeAfter)
	paint := time.NewTicker(screen.Pace())
	defer paint.Stop()
	state.start = clock.Now()
	for {
		select {
		case r, ok := <-crew.reports:
			if !ok {
				return // all have ended, before their time: close tells why
			}
			state.heard(r)
		case <-kill:
			if victim := len(nodes) / 4; victim < len(nodes) {
				nodes[victim].Kill()
				state.nodes[victim] = killed
				screen.Note(state, fmt.Sprintf("node %d is killed", victim+1))
			}
		case <-freeze:
			if victim := len(nodes) * 3 / 4; len(nodes) > 2 {
				nodes[victim].Freeze()
				state.nodes[victim] = frozen
				screen.Note(state, fmt.Sprintf("node %d falls silent", victim+1))
			}
		case <-paint.C:
			screen.Paint(state)
		case <-end:
			return
		case <-ctx.Done():
			return
		}
	}
}

// Result is what came of it.
type Result struct {
	Unlocked    bool
	Workers     int
	Nodes       string // what state they were in at the end
	Made        int    // increments that the processes made
	Counted     int    // what the file says
	Overlaps    int    // times that a process was at work while another was
	HandOvers   int    // times that another process than the last had the lock
	LongestWait time.Duration
	Failed      int // attempts to get the lock that failed
	Lost        int // leases that were lost, and the work under them given up in time
	Took        time.Duration
}

// OK reports whether the work was done, and no update was lost, and nobody was at
// work while another was.
func (r Result) OK() bool { return r.Made > 0 && r.Made == r.Counted && r.Overlaps == 0 }

// String is the summary.
func (r Result) String() string {
	var b strings.Builder
	row := func(what, value string) { fmt.Fprintf(&b, "  %-24s%s\n", what, value) }
	row("increments made", fmt.Sprintf("%d, by %d processes in %v", r.Made, r.Workers, r.Took.Round(100*time.Millisecond)))
	row("increments in the file", fmt.Sprint(r.Counted))
	row("overlaps seen", fmt.Sprint(r.Overlaps))
	if !r.Unlocked {
		row("hand-overs", fmt.Sprintf("%d, %.0f a second", r.HandOvers, float64(r.HandOvers)/max(r.Took.Seconds(), 0.001)))
		row("longest wait", r.LongestWait.Round(time.Millisecond).String())
		row("nodes at the end", r.Nodes)
	}
	if r.Failed > 0 {
		row("attempts that failed", fmt.Sprintf("%d, and were repeated", r.Failed))
	}
	if r.Lost > 0 {
		row("leases lost", fmt.Sprintf("%d, and the increment was not made", r.Lost))
	}
	fmt.Fprintf(&b, "\n%s\n", r.verdict())
	return b.String()
}

func (r Result) verdict() string {
	lost := r.Made - r.Counted
	switch {
	case r.Made == 0:
		return "Nothing was done, so nothing is shown."
	case lost < 0:
		return fmt.Sprintf("The file has %d increments more than were made: something is wrong with the demo.", -lost)
	case lost > 0 && r.Unlocked:
		return fmt.Sprintf("Without the lock %d updates were lost, %.0f %% of all.", lost, 100*float64(lost)/float64(r.Made))
	case lost > 0:
		return fmt.Sprintf("%d updates were lost: the lock has failed.", lost)
	case r.Overlaps > 0:
		return "No update was lost, but by luck: two processes were at work at once."
	case r.Unlocked:
		return "Without the lock no update was lost, this time."
	}
	return "No update was lost. (With --unlocked the same work is done without the lock.)"
}
