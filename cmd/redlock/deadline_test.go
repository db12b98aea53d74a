//go:build unix

package main

import (
	"bytes"
	"encoding/json"
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
			nodes, env := startNodes(t)
			beat := filepath.Join(t.TempDir(), "beat")
			var said bytes.Buffer
			cmd := exec.Command("redlock", "run", "--json", "--ttl", "1500ms", "x", "--", "heartbeat", beat)
			cmd.Env = append(os.Environ(), env)
			cmd.Stderr = &said
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = cmd.Process.Kill() })
			waitFor(t, "a heartbeat", func() bool { return lastBeat(t, beat) != 0 })
			if err := sabotage(cmd, nodes); err != nil {
				t.Fatal(err)
			}
			// It has stopped when it has been silent for far longer than between
			// two beats.
			last, since := lastBeat(t, beat), time.Now()
			waitFor(t, "end of the heartbeats", func() bool {
				if now := lastBeat(t, beat); now != last {
					last, since = now, time.Now()
				}
				return time.Since(since) > 2*time.Second
			})
			if name == "redlock stopped" {
				if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
					t.Fatal(err)
				}
			}
			if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 76 {
				t.Errorf("redlock exited with %v, want 76", err)
			}
			deadline := lastDeadline(t, said.Bytes())
			if end := time.Unix(0, last); !end.Before(deadline) {
				t.Errorf("the command still worked %v after its lease's deadline", end.Sub(deadline))
			} else {
				t.Logf("the last sign of life was %v before the deadline", deadline.Sub(end))
			}
		})
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
