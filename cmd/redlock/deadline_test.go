//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redlock-go/redlock/cmd/redlock/internal/devcluster"
)

// startNodes starts three nodes in this process and returns REDLOCK_NODES.
func startNodes(t *testing.T) (nodes []*devcluster.MiniNode, env string) {
	t.Helper()
	urls := make([]string, 3)
	for i := range urls {
		m, err := devcluster.StartMini()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(m.Kill)
		nodes, urls[i] = append(nodes, m), m.URL()
	}
	return nodes, "REDLOCK_NODES=" + strings.Join(urls, ",")
}

// The promise that all others rest on: a command that does not listen to TERM
// does nothing any more when the deadline of its lease has come, whatever keeps
// the lease from being renewed.
func TestDeadBeforeDeadline(t *testing.T) {
	for name, sabotage := range map[string]func(*exec.Cmd, []*devcluster.MiniNode) error{
		"nodes frozen": func(_ *exec.Cmd, nodes []*devcluster.MiniNode) error {
			nodes[0].Freeze()
			nodes[1].Freeze()
			return nil
		},
		"nodes killed": func(_ *exec.Cmd, nodes []*devcluster.MiniNode) error {
			nodes[0].Kill()
			nodes[1].Kill()
			return nil
		},
		"redlock stopped": func(redlock *exec.Cmd, _ []*devcluster.MiniNode) error {
			return redlock.Process.Signal(syscall.SIGSTOP)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// A machine that is far too busy can be late with anything, a kill too.
			// Then the test proves nothing, and is made again.
			for try := 1; ; try++ {
				stalled := meterStalls(t)
				left := timeLeft(t, sabotage)
				switch stall := stalled(); {
				case left > 0:
					t.Logf("the last sign of life was %v before the deadline", left)
					return
				case try < 4 && stall > 50*time.Millisecond:
					t.Logf("the machine stood still for %v: once more", stall)
				default:
					t.Fatalf("the command still worked %v after its lease's deadline", -left)
				}
			}
		})
	}
}

// timeLeft is how long before the deadline of its lease the command worked for the
// last time, after the sabotage.
func timeLeft(t *testing.T, sabotage func(*exec.Cmd, []*devcluster.MiniNode) error) time.Duration {
	t.Helper()
	nodes, env := startNodes(t)
	beat := filepath.Join(t.TempDir(), "beat")
	var said bytes.Buffer
	cmd := exec.Command("redlock", "run", "--json", "--ttl", "3s", "--node-timeout", "500ms", "x", "--", "heartbeat", beat)
	cmd.Env = append(os.Environ(), env)
	cmd.Stderr = &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	waitFor(t, "heartbeat", func() bool { return lastBeat(t, beat) != 0 })
	if err := sabotage(cmd, nodes); err != nil {
		t.Fatal(err)
	}
	// It has ended when it has been silent for far longer than between two beats.
	last, since := lastBeat(t, beat), time.Now()
	waitFor(t, "end of the heartbeats", func() bool {
		if now := lastBeat(t, beat); now != last {
			last, since = now, time.Now()
		}
		return time.Since(since) > 2*time.Second
	})
	if err := cmd.Process.Signal(syscall.SIGCONT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 76 {
		t.Errorf("redlock exited with %v, want 76; it said:\n%s", err, said.Bytes())
	}
	return lastDeadline(t, said.Bytes()).Sub(time.Unix(0, last))
}

// meterStalls measures by how much a short sleep is too long, until the function
// that it returns is called.
func meterStalls(t *testing.T) (most func() time.Duration) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	result := make(chan time.Duration, 1)
	go func() {
		var most time.Duration
		for ctx.Err() == nil {
			before := time.Now()
			time.Sleep(time.Millisecond)
			most = max(most, time.Since(before)-time.Millisecond)
		}
		result <- most
	}()
	return func() time.Duration {
		stop()
		return <-result
	}
}

func lastBeat(t *testing.T, file string) int64 {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil || len(text) == 0 {
		return 0
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// lastDeadline is the last deadline that the events tell.
func lastDeadline(t *testing.T, events []byte) time.Time {
	t.Helper()
	var last time.Time
	for line := range bytes.Lines(events) {
		var event struct{ Deadline time.Time }
		if err := json.Unmarshal(line, &event); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if !event.Deadline.IsZero() {
			last = event.Deadline
		}
	}
	if last.IsZero() {
		t.Fatalf("no deadline in:\n%s", events)
	}
	return last
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %s after %v", what, patience)
		}
	}
}
