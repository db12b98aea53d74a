package interop

import (
	"io"
	"os"
	"testing"
	"time"

	"github.com/redlock-go/redlock/rig/cluster"
	"github.com/redlock-go/redlock/rig/traffic"
)

// startCluster starts five servers for the time of the test.
func startCluster(t *testing.T) *cluster.Cluster {
	t.Helper()
	c, err := cluster.Start(cluster.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// TestAllAtOnce has clients of all libraries at one key, as they come: each works for 5 ms
// under the lock and rests for 20 to 40 ms, so that it is wanted most of the time.
func TestAllAtOnce(t *testing.T) {
	judge(t, 7*time.Second, 4, contest(startCluster(t), 20*time.Millisecond, 1, 1, false))
}

// TestSaturated has our clients keep the lock busy: four callers in each of two processes
// ask for it again as soon as they have released it. Without Config.Shared nobody else gets
// it then, ever; with it nobody starves.
func TestSaturated(t *testing.T) {
	judge(t, 10*time.Second, 2, contest(startCluster(t), 0, 1, 4, true))
}

// contest has a number of clients of each of ours, with so many callers each, who rest for
// so long, and one of each other library, which rests for 20 to 40 ms.
func contest(c *cluster.Cluster, rest time.Duration, clients, callers int, shared bool) Contest {
	var entries []Entry
	for _, o := range Ours() {
		entries = append(entries, Entry{Contestant: o, Clients: clients, Callers: callers, Rest: rest})
	}
	for _, o := range Others() {
		entries = append(entries, Entry{Contestant: o, Clients: 1, Rest: 20 * time.Millisecond})
	}
	return Contest{
		Lock: "k", Setup: traffic.Setup{URLs: c.URLs(), TTL: ttl, Patience: ttl / 4, Shared: shared, Log: io.Discard},
		Entries: entries, Work: 5 * time.Millisecond,
	}
}

// judge runs a contest, for so long or for INTEROP_SOAK, shows the scores, and fails for an
// overlap and for a caller that got fewer leases than the floor. The floor is far
// below what is seen even on a machine that is busy, a quarter or less: pollers depend on
// chance, and it is to tell who starves from who is slow.
func judge(t *testing.T, last time.Duration, floor int, contest Contest) {
	t.Helper()
	if text := os.Getenv("INTEROP_SOAK"); text != "" {
		var err error
		if last, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	w := NewWitness()
	scores, err := contest.Run(last, w)
	if err != nil {
		t.Error(err)
	}
	t.Logf("in %v; leases that were over at the door or inside: %d\n%s", last, w.Over(), Table(scores))
	for _, o := range w.Overlaps() {
		t.Errorf("two at once: %s", o)
	}
	// Of two of whom one's lease was over, each may have lost the other's update.
	if n := w.LostUpdates(); n > int64(w.Over()) {
		t.Errorf("%d updates of the counter are lost", n)
	}
	for _, s := range scores {
		if s.Got < floor {
			t.Errorf("%s starves: %d leases in %v", s.Name, s.Got, last)
		}
	}
}
