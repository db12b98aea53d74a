package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redlock-go/redlock/rig/clock"
	"github.com/redlock-go/redlock/rig/cluster"
	"github.com/redlock-go/redlock/rig/traffic"
)

// TestMain is one of the clients when it is asked to be.
func TestMain(m *testing.M) {
	if len(os.Args) != 3 || os.Args[1] != "client" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c traffic.Client
	err := json.Unmarshal([]byte(os.Args[2]), &c)
	if err == nil {
		err = c.Run(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// TestRun is the whole of it, in small: all contestants take locks, all faults take
// place, and no guarantee is broken. Nothing stays behind: neither processes nor
// faults.
func TestRun(t *testing.T) {
	words := &lines{}
	o := Options{
		Seed: 5, For: 5 * time.Second, TTL: 500 * time.Millisecond, Clients: 2,
		Contestants: traffic.Contestants(), Command: []string{os.Args[0], "client"},
		Dir: t.TempDir(), Words: words,
	}
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range r.Violations() {
		t.Error(v)
	}
	if t.Failed() {
		logs, _ := filepath.Glob(filepath.Join(o.Dir, "*.log"))
		for _, log := range logs {
			text, _ := os.ReadFile(log)
			t.Logf("%s:\n%s", filepath.Base(log), text)
		}
	}
	if len(r.Sections) != 3 {
		t.Fatalf("%d sections", len(r.Sections))
	}
	acquired := make([]int, len(o.Contestants))
	for _, s := range r.Sections {
		if len(s.Faults) == 0 || len(s.Scores) != len(o.Contestants) {
			t.Errorf("%s: %d faults, %d scores", s.Title, len(s.Faults), len(s.Scores))
		}
		for i, score := range s.Scores {
			acquired[i] += score.PlainWrites
		}
	}
	for i, n := range acquired {
		if n == 0 {
			t.Errorf("%s has not once worked under a lock", o.Contestants[i].Name)
		}
	}
	if len(r.Sections[0].Harm) == 0 {
		t.Error("no client suffered anything")
	}
}

// TestRunEndsWithItsContext, with an error.
func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	o := Options{
		Seed: 5, For: time.Hour, TTL: 500 * time.Millisecond, Clients: 1,
		Contestants: traffic.Contestants()[:1], Command: []string{os.Args[0], "client"},
		Dir: t.TempDir(), Words: &lines{},
	}
	begin := time.Now()
	if _, err := Run(ctx, o); err == nil || time.Since(begin) > time.Minute {
		t.Fatalf("%v after %v", err, time.Since(begin))
	}
}

// TestSamplerSeesKeys, whose they are, and that one has no expiry.
func TestSamplerSeesKeys(t *testing.T) {
	c, err := cluster.Start(cluster.Options{Nodes: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	contestants := traffic.Contestants()
	s := newSampler(c, contestants)
	key := contestants[0].Keys(contestants[0].Locks()[0])[0]
	for _, command := range [][]string{{"SET", key, "v", "PX", "60000"}, {"SET", "elsewhere", "v"}} {
		if _, err := c.Nodes[1].Do(command...); err != nil {
			t.Fatal(err)
		}
	}
	see := func(forever bool) {
		t.Helper()
		// A look gives up on a slow node.
		for deadline := time.Now().Add(10 * time.Second); ; {
			s.look()
			seen := s.sightings(func(string) bool { return true })
			if len(seen) == 1 && seen[0].Node == 1 && seen[0].Key == key && seen[0].Forever == forever && seen[0].First <= seen[0].Last {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("seen: %+v, want the key on node 1, without an expiry: %v", seen, forever)
			}
		}
	}
	see(false)
	if left, err := s.left(); err != nil || !left[key] || len(left) != 1 {
		t.Fatalf("left: %v, %v", left, err)
	}
	if _, err := c.Nodes[1].Do("PERSIST", key); err != nil {
		t.Fatal(err)
	}
	see(true)
}

// TestSamplerTellsReservationsApart: one that is made again under the same value is another; a lease whose
// value comes back has stayed.
func TestSamplerTellsReservationsApart(t *testing.T) {
	s := newSampler(nil, nil)
	const lease, reservation = "rl1.a", "rl1>a"
	for i, values := range [][]string{{lease, reservation}, {lease, reservation}, {}, {lease, reservation}} {
		at := clock.Instant(10 * i)
		look := looked{node: 1, began: at, ended: at + 1}
		for _, value := range values {
			s.see(look, "k", value, false)
		}
		s.leave(look)
		s.leave(looked{node: 2, began: at + 1, ended: at + 2}) // another node says nothing of it
	}
	got := make(map[string]int)
	for _, seen := range s.sightings(func(string) bool { return true }) {
		got[fmt.Sprint(seen.Value, " ", int(seen.First), "-", int(seen.Last))]++
	}
	if want := map[string]int{"rl1.a 1-30": 1, "rl1>a 1-10": 1, "rl1>a 31-30": 1}; !maps.Equal(got, want) {
		t.Errorf("seen: %v, want %v", got, want)
	}
}

// lines is a writer for several goroutines.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}
