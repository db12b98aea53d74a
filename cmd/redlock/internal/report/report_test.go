package report_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/redlock-go/redlock/cmd/redlock/internal/report"
)

var everything = []report.Event{
	report.Waiting{Key: "redlock:x", Blocked: report.Blocked{Reason: report.ReasonHeld, Holder: "h/1", Remaining: report.Millis(1500 * time.Millisecond)}},
	report.Waiting{Key: "redlock:x", Blocked: report.Blocked{Reason: report.ReasonHeld, Holder: "the next in the queue", Reserved: true, Remaining: report.Millis(480 * time.Millisecond)}},
	report.NotAcquired{Key: "redlock:x", Blocked: report.Blocked{Reason: report.ReasonNoQuorum, Need: 2, Got: 1, Nodes: []report.NodeTrouble{{"a:1", "refused"}, {"b:2", "silent"}}}},
	report.NotAcquired{Key: "redlock:x", Waited: report.Millis(time.Minute), TimedOut: true},
	report.Acquired{Key: "redlock:x", Token: 7, Waited: report.Millis(20 * time.Millisecond)},
	report.Started{Pid: 42},
	report.Extended{Deadline: report.Stamp(time.Now().Add(time.Minute))},
	report.Signal{Signal: "SIGUSR1"},
	report.Paused{Signal: "SIGTSTP"},
	report.Lost{Key: "redlock:x", Reason: report.LostLease, KillAfter: report.Millis(time.Second), Detail: "why"},
	report.Lost{Key: "redlock:x", Reason: report.NotRenewed},
	report.Lost{Key: "redlock:x", Reason: report.MaxHold},
	report.Lingering{},
	report.Killed{Reason: "its time was up"},
	report.Released{Held: report.Millis(90 * time.Second)},
	report.NotReleased{Key: "redlock:x", Remaining: report.Millis(3 * time.Second), Error: "too few", Nodes: []report.NodeTrouble{{"a:1", "refused"}}},
	report.Warning{Message: "odd", Hint: "even it out"},
	report.Error{Message: "redlock: bad\nredlock: worse", Hint: "mend it"},
	report.Note{Message: "by the way"},
	report.Exit{Status: 76},
}

func told(style report.Style, events ...report.Event) string {
	var out bytes.Buffer
	r := report.New(&out, style)
	for _, e := range events {
		r.Tell(e)
	}
	r.Close()
	return out.String()
}

func TestWords(t *testing.T) {
	const always = `redlock: waiting for "redlock:x": held by h/1, for 1.5s yet unless renewed
redlock: waiting for "redlock:x": reserved for the next in the queue, for 480ms at most
redlock: did not get "redlock:x": no quorum, 1 of the 2 nodes needed
redlock:   a:1: refused
redlock:   b:2: silent
redlock: did not get "redlock:x" within 1m0s
redlock: lost the lease of "redlock:x": stopping the command, SIGTERM now, SIGKILL in 1s
redlock:   why
redlock: could not renew the lease of "redlock:x": stopping the command, SIGTERM now, SIGKILL in 0s
redlock: --max-hold is over for "redlock:x": stopping the command, SIGTERM now, SIGKILL in 0s
redlock: the command left processes behind: stopping them, SIGTERM now, SIGKILL in 0s
redlock: hint: nothing may run on without the lock: have the command wait for what it starts
redlock: killed the command: its time was up
redlock: could not release "redlock:x", it may stay locked for 3s: too few
redlock:   a:1: refused
redlock: warning: odd
redlock: hint: even it out
redlock: bad
redlock: worse
redlock: hint: mend it
redlock: by the way
`
	if got := told(report.Style{}, everything...); got != always {
		t.Errorf("in words:\n%s\nwant:\n%s", got, always)
	}
	verbose := told(report.Style{Verbose: true}, everything...)
	for _, want := range []string{
		`acquired "redlock:x" after 20ms, token 7`, "started the command, process 42", "extended the lease, valid for ",
		"passed on SIGUSR1", "stopped by SIGTSTP", "released, held for 1m30s", "exit status 76",
	} {
		if !strings.Contains(verbose, "redlock: "+want) && !strings.Contains(verbose, want) {
			t.Errorf("the verbose words do not say %q:\n%s", want, verbose)
		}
	}
}

// Each event is one line, and an object that begins with time and event.
func TestJSON(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(told(report.Style{JSON: true}, everything...), "\n"), "\n")
	if len(lines) != len(everything) {
		t.Fatalf("%d lines for %d events", len(lines), len(everything))
	}
	for _, line := range lines {
		var event struct {
			Time  time.Time
			Event string
		}
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Errorf("%s: %v", line, err)
		}
		if !strings.HasPrefix(line, `{"time":"`) || event.Event == "" || time.Since(event.Time) > time.Minute {
			t.Errorf("%s: want the time and the event in front", line)
		}
	}
}

// What others wrote cannot write lines of its own, nor control the terminal.
func TestOthersWords(t *testing.T) {
	evil := report.Waiting{Key: "x", Blocked: report.Blocked{Reason: report.ReasonHeld, Holder: "me\nredlock: all is well\x1b[2J\r"}}
	got := told(report.Style{}, evil)
	if strings.Count(got, "\n") != 1 || strings.ContainsAny(got, "\x1b\r") {
		t.Errorf("%q", got)
	}
	got = told(report.Style{JSON: true}, evil)
	if strings.Count(got, "\n") != 1 || strings.ContainsAny(got, "\x1b\r") {
		t.Errorf("%q", got)
	}
}

// A reader that does not read costs words, not time.
func TestReaderThatDoesNotRead(t *testing.T) {
	in, out := io.Pipe()
	t.Cleanup(func() { _ = in.Close() })
	r := report.New(out, report.Style{})
	start := time.Now()
	for range 10_000 {
		r.Tell(report.Note{Message: "is anyone there?"})
	}
	r.Close()
	r.Tell(report.Note{Message: "too late"})
	r.Close()
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestWarnings(t *testing.T) {
	var out bytes.Buffer
	r := report.New(&out, report.Style{})
	log := slog.New(report.Warnings(r))
	log.Info("redlock: not worth a word")
	log.With("node", "a:1").Warn("redlock: a node is odd", "cause", "who knows", "times", 3)
	r.Close()
	if want := "redlock: warning: a node is odd: a:1: who knows: times=3\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
	if got := told(report.Style{}); got != "" {
		t.Errorf("without events: %q", got)
	}
}
