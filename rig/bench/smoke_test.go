package bench_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redlock-go/redlock/internal/redisd"
	"github.com/redlock-go/redlock/rig/bench"
	"github.com/redlock-go/redlock/rig/bench/contestant"
	"github.com/redlock-go/redlock/rig/bench/report"
)

// TestMain is a worker process when it is asked to be.
func TestMain(m *testing.M) {
	if os.Getenv("BENCH_TEST_WORKER") == "" {
		os.Exit(m.Run())
	}
	if err := bench.Work(os.Stdin, os.Stdout); err != nil {
		os.Exit(1)
	}
}

// tiny is as short as it can be and still be a run.
func tiny() bench.Settings {
	return bench.Settings{
		TTL: 2 * time.Second, Repeats: 1, Warm: 10 * time.Millisecond,
		Slice: 20 * time.Millisecond, ContendSlice: 60 * time.Millisecond, Patience: time.Second, HungAfter: 20 * time.Second,
		Crashes: 1, CrashTTL: 500 * time.Millisecond, Held: 50, HeldFor: time.Second, Waiters: 20,
	}
}

// TestEveryScenario runs each of them for a moment, on real servers: what is
// measured is there, and nothing is said of how fast it is.
func TestEveryScenario(t *testing.T) {
	t.Setenv("BENCH_TEST_WORKER", "1")
	// Those that have no time-outs of seconds in S5; etcd need not be here.
	contestants, err := contestant.Named([]string{contestant.Floor, "ours-rueidis", "redsync-failfast", "redislock"})
	if err != nil {
		t.Fatal(err)
	}
	result, err := bench.Run(context.Background(), bench.Options{
		Contestants: contestants, Settings: tiny(), Worker: []string{os.Args[0]}, Words: t.Output(),
		Nodes: []int{3, 5},
	})
	if errors.Is(err, redisd.ErrNotFound) {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		scenario, variant string
		nodes             int
		metrics           []bench.Metric
	}{
		{"S1", "", 5, []bench.Metric{bench.P50, bench.Rate, bench.Allocs, bench.Commands, bench.ClientCPU, bench.ServerCPU}},
		{"S2", "", 3, []bench.Metric{bench.P50, bench.P99, bench.Rate}},
		{"S3", "", 5, []bench.Metric{bench.Rate, bench.LongestWait}},
		{"S4", "", 5, []bench.Metric{bench.LongestWait}},
		{"S4b", "", 5, []bench.Metric{bench.HeldShare, bench.CommandsPerHandOver}},
		{"S4b", bench.Delayed, 5, []bench.Metric{bench.HeldShare, bench.RoundTrip}},
		{"S5", "two frozen", 5, []bench.Metric{bench.P50}},
		{"S5", "two killed", 5, []bench.Metric{bench.P50}},
		{"S6", "", 5, []bench.Metric{bench.NextAfterExpiry, bench.CommandsNodeWaited}},
		{"S7", "", 3, []bench.Metric{bench.ClientCores, bench.LeaseBytes, bench.Late, bench.LeastLeft, bench.Stall, bench.CommandsPer100}},
	} {
		cell := result.Find(c.scenario, c.variant, c.nodes, "ours-rueidis")
		if cell == nil {
			t.Errorf("nothing of %s %s", c.scenario, c.variant)
			continue
		}
		for _, m := range c.metrics {
			if len(cell.Values[m]) == 0 {
				t.Errorf("%s %s: no %s", c.scenario, c.variant, m)
			}
		}
	}
	if c := result.Find("S1", "", 5, "redislock"); c == nil || c.Empty == "" {
		t.Errorf("nobody said why a library of one node is not among five: %+v", c)
	}
	for _, c := range result.Cells {
		if slices.ContainsFunc(c.Values[bench.Overlaps], func(n float64) bool { return n > 0 }) && c.Contestant != "redsync-failfast" {
			t.Errorf("%s of %s: two holders at one time", c.Scenario, c.Contestant)
		}
	}
	// A cycle of the floor is a SET and an EVALSHA on each node, less what a node that
	// lags behind was spared.
	if n := result.Find("S1", "", 5, contestant.Floor).Median(bench.Commands); n < 9 || n > 11 {
		t.Errorf("the floor needs %.2f commands a cycle, not 10", n)
	}
	if len(result.Targets) == 0 {
		t.Error("no targets")
	}
	dir := t.TempDir()
	if err := report.Write(dir, result); err != nil {
		t.Fatal(err)
	}
	if again, err := report.Read(dir + "/bench.json"); err != nil || len(again.Cells) != len(result.Cells) {
		t.Errorf("read again: %v", err)
	}
}

// stuck is a library whose calls never return, whatever their context says.
type stuck struct{ gone chan struct{} }

func (s stuck) Acquire(context.Context, string) (contestant.Lease, error) {
	<-s.gone
	return nil, errors.New("gone")
}

func (s stuck) Close() error { <-s.gone; return nil }

// TestNobodyHangsTheRun: who does not return is taken out, and all others are measured.
func TestNobodyHangsTheRun(t *testing.T) {
	gone := make(chan struct{})
	defer close(gone)
	contestants, err := contestant.Named([]string{contestant.Floor})
	if err != nil {
		t.Fatal(err)
	}
	contestants = append(contestants, contestant.Contestant{
		Name: "stuck", Open: func(contestant.Setup) (contestant.Locker, error) { return stuck{gone}, nil },
	})
	settings := tiny()
	settings.HungAfter = 200 * time.Millisecond
	result, err := bench.Run(context.Background(), bench.Options{
		Contestants: contestants, Scenarios: []string{"S1", "S3"}, Settings: settings, Words: t.Output(), Nodes: []int{1},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, scenario := range []string{"S1", "S3"} {
		if c := result.Find(scenario, "", 1, contestant.Floor); c == nil || len(c.Values[bench.Rate]) == 0 {
			t.Errorf("%s: the floor was not measured", scenario)
		}
		if c := result.Find(scenario, "", 1, "stuck"); c != nil {
			t.Errorf("%s: something was measured of who never returned: %+v", scenario, c)
		}
		remarked := func(text string) bool { return strings.HasPrefix(text, "stuck was taken out of "+scenario) }
		if !slices.ContainsFunc(result.Remarks, remarked) {
			t.Errorf("%s: no remark: %q", scenario, result.Remarks)
		}
	}
}
