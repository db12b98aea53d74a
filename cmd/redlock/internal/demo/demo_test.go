package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redlock-go/redlock/cmd/redlock/internal/clock"
)

// TestMain lets the test binary be the workers.
func TestMain(m *testing.M) {
	if IsWorker() {
		os.Exit(Work())
	}
	// Or else each worker of a -race binary sleeps for a second before it ends.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

func TestUnderTheLock(t *testing.T) {
	var screen bytes.Buffer
	result, err := Run(t.Context(), Options{For: 2 * time.Second, Workers: 4, Nodes: 5}, Plain{&screen})
	if err != nil {
		t.Fatal(err)
	}
	if !result.OK() || result.Nodes != "3 up, 1 killed, 1 silent" {
		t.Errorf("%+v", result)
	}
	for _, want := range []string{"node 2 is killed", "node 4 falls silent", "0 overlaps"} {
		if !strings.Contains(screen.String(), want) {
			t.Errorf("the screen does not say %q:\n%s", want, screen.String())
		}
	}
	t.Log("\n" + result.String())
}

// The demo's own proof that it can fail.
func TestWithoutTheLock(t *testing.T) {
	result, err := Run(t.Context(), Options{For: time.Second, Workers: 4, Nodes: 3, Unlocked: true}, Plain{new(bytes.Buffer)})
	if err != nil {
		t.Fatal(err)
	}
	if result.OK() || result.Counted >= result.Made || result.Overlaps == 0 {
		t.Errorf("nothing went wrong: %+v", result)
	}
	if !strings.Contains(result.String(), "updates were lost") {
		t.Errorf("the summary hides it:\n%s", result)
	}
}

// An early end is no reason to lose count.
func TestInterrupted(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	screen := &stopper{stop: stop}
	result, err := Run(ctx, Options{For: time.Hour, Workers: 3, Nodes: 3}, screen)
	if err != nil {
		t.Fatal(err)
	}
	if !result.OK() || !screen.closed {
		t.Errorf("%+v, screen closed: %t", result, screen.closed)
	}
}

// stopper ends the demo when a few increments were made.
type stopper struct {
	stop   func()
	closed bool
}

func (*stopper) Pace() time.Duration { return time.Millisecond }
func (*stopper) Note(*state, string) {}
func (x *stopper) Close(*state)      { x.closed = true }
func (x *stopper) Paint(s *state) {
	if s.result.Made >= 5 {
		x.stop()
	}
}

// A worker that dies is noticed: what it did last is not in the books.
func TestWorkerDies(t *testing.T) {
	file, err := newCounter(filepath.Join(t.TempDir(), "counter"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.close() })
	c, err := hire(2, orders{File: file.name, Unlocked: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.workers[0].cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	c.dismiss()
	if err := c.listen(newState(Options{Workers: 2}, 0), time.After(endWithin)); err != nil {
		t.Fatal(err)
	}
	if err := c.close(); err == nil || !strings.Contains(err.Error(), "worker 1: ") || strings.Contains(err.Error(), "worker 2: ") {
		t.Errorf("got %v, want worker 1's end", err)
	}
}

// A lease that is lost in the pause means that nothing is written.
func TestLostInThePause(t *testing.T) {
	file, err := newCounter(filepath.Join(t.TempDir(), "counter"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.close() })
	over := make(chan struct{})
	close(over)
	var said bytes.Buffer
	w := &worker{file: file, out: json.NewEncoder(&said), enter: func(context.Context) (turn, error) {
		return turn{lost: over, check: func() error { return errors.New("lost") }, leave: func() {}}, nil
	}}
	w.round(t.Context())
	if n, err := file.read(); n != 0 || err != nil || w.err != nil {
		t.Errorf("the file says %d, %v, %v", n, err, w.err)
	}
	if !strings.Contains(said.String(), string(loses)) || strings.Contains(said.String(), string(ends)) {
		t.Errorf("the worker said:\n%s", said.String())
	}
}

func TestAudit(t *testing.T) {
	for _, c := range []struct {
		name                string
		shifts              []shift
		overlaps, handOvers int
	}{
		{name: "nothing"},
		{name: "one by one", shifts: []shift{{0, 0, 10}, {1, 10, 20}, {0, 25, 30}}, handOvers: 2},
		{name: "the same again", shifts: []shift{{0, 0, 10}, {0, 11, 20}}},
		{name: "heard in another order", shifts: []shift{{1, 10, 20}, {0, 0, 10}}, handOvers: 1},
		{name: "at once", shifts: []shift{{0, 0, 10}, {1, 9, 20}}, overlaps: 1, handOvers: 1},
		{name: "one within another", shifts: []shift{{0, 0, 100}, {1, 10, 20}, {2, 30, 40}}, overlaps: 2, handOvers: 2},
	} {
		if o, h := audit(c.shifts); o != c.overlaps || h != c.handOvers {
			t.Errorf("%s: %d overlaps, %d hand-overs, want %d, %d", c.name, o, h, c.overlaps, c.handOvers)
		}
	}
}

func TestVerdict(t *testing.T) {
	for want, r := range map[string]Result{
		"Nothing was done":            {},
		"No update was lost. (With":   {Made: 10, Counted: 10},
		"3 updates were lost: the":    {Made: 10, Counted: 7},
		"3 updates were lost, 30 %":   {Made: 10, Counted: 7, Unlocked: true},
		"by luck":                     {Made: 10, Counted: 10, Overlaps: 1},
		"no update was lost, this":    {Made: 10, Counted: 10, Unlocked: true},
		"wrong with the demo":         {Made: 10, Counted: 12},
		"3, and were repeated":        {Made: 1, Counted: 1, Failed: 3},
		"2, and the increment was no": {Made: 1, Counted: 1, Lost: 2},
	} {
		if !strings.Contains(r.String(), want) {
			t.Errorf("%+v does not say %q:\n%s", r, want, r)
		}
		if ok := r.Made > 0 && r.Made == r.Counted && r.Overlaps == 0; r.OK() != ok {
			t.Errorf("%+v: OK is %t", r, r.OK())
		}
	}
}

func TestLive(t *testing.T) {
	s := newState(Options{For: 10 * time.Second, Workers: 3}, 3)
	s.nodes[1], s.nodes[2] = killed, frozen
	now := clock.Now()
	s.start = now.Add(-3 * time.Second)
	for _, r := range []report{
		{0, waits, now.Add(-900 * time.Millisecond)},
		{0, begins, now.Add(-800 * time.Millisecond)},
		{0, ends, now.Add(-500 * time.Millisecond)},
		{1, waits, now.Add(-500 * time.Millisecond)},
		{1, begins, now.Add(-400 * time.Millisecond)},
		{2, waits, now.Add(-300 * time.Millisecond)},
	} {
		s.heard(r)
	}
	var out bytes.Buffer
	width := 80
	live := &Live{Out: &out, Width: func() int { return width }, Colour: true}
	live.Note(s, "node 2 is killed")
	first := out.String()
	for _, want := range []string{
		"3 processes increment one counter under a lock on 3 nodes   3.0s of 10s",
		"1 up\x1b[0m", "\x1b[31m  2 killed", "\x1b[33m  3 silent",
		"process 1       1 increments   lets go", "process 2       0 increments   holds the lock", "process 3       0 increments   waits, 3",
		"1 increments   0 hand-overs   longest wait 100ms", "  0 overlaps", "3.0s: node 2 is killed",
	} {
		if !strings.Contains(first, want) {
			t.Errorf("the screen does not show %q:\n%q", want, first)
		}
	}

	// It is painted over: the cursor goes up by as many lines as there are.
	out.Reset()
	live.Paint(s)
	if want := hideCursor + "\x1b[10A\r"; strings.Count(first, "\n") != 10 || !strings.HasPrefix(out.String(), want) {
		t.Errorf("%d lines, and then %q, want %q", strings.Count(first, "\n"), out.String()[:20], want)
	}

	// A line that is too long would not be painted over, so none is.
	width, live.Colour = 30, false
	out.Reset()
	live.Close(s)
	for line := range strings.Lines(out.String()) {
		line = strings.NewReplacer(hideCursor, "", showCursor, "", "\x1b[10A", "", clearLine, "", "\r", "", "\n", "").Replace(line)
		if len(line) >= width || strings.Contains(line, "\x1b") {
			t.Errorf("%q is %d long on a screen of %d", line, len(line), width)
		}
	}
	if !strings.HasSuffix(out.String(), showCursor) {
		t.Error("the cursor stays hidden")
	}
}
