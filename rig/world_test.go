package rig

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/goredis"
	"github.com/redlock-go/redlock/resp"
	"github.com/redlock-go/redlock/rig/cluster"
	"github.com/redlock-go/redlock/rueidis"
)

// adapters are the client libraries that the lock stands on.
var adapters = []struct {
	name string
	open func(urls ...string) ([]redlock.Node, error)
}{
	{"goredis", func(urls ...string) ([]redlock.Node, error) { return goredis.OpenAll(urls...) }},
	{"rueidis", func(urls ...string) ([]redlock.Node, error) { return rueidis.OpenAll(urls...) }},
}

// eachAdapter runs the test on each of them.
func eachAdapter(t *testing.T, test func(t *testing.T, open func(urls ...string) ([]redlock.Node, error))) {
	for _, a := range adapters {
		t.Run(a.name, func(t *testing.T) { test(t, a.open) })
	}
}

// startCluster starts a cluster for the time of the test.
func startCluster(t testing.TB, o cluster.Options) *cluster.Cluster {
	t.Helper()
	c, err := cluster.Start(o)
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

// newLocker opens the nodes and makes a locker of them, closed with the test.
func newLocker(t testing.TB, open func(urls ...string) ([]redlock.Node, error), cfg redlock.Config, urls ...string) *redlock.Locker {
	t.Helper()
	nodes, err := open(urls...)
	ok(t, err)
	cfg.Nodes = nodes
	return lockerOf(t, cfg)
}

// lockerOf makes a locker, closed with the test.
func lockerOf(t testing.TB, cfg redlock.Config) *redlock.Locker {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	l, err := redlock.New(cfg)
	ok(t, err)
	t.Cleanup(func() { _ = l.Close() }) // of nodes that the test has killed
	return l
}

// acquire takes the lock or ends the test. On a machine that is busy elsewhere a
// node that is well may take longer than the 50 ms after which it counts as
// silent: then it tries again, and says so.
func acquire(t testing.TB, l *redlock.Locker, name string, opts ...redlock.Option) *redlock.Lease {
	t.Helper()
	// Not a context with a timeout: the lease would end with it.
	ctx, cancel := context.WithCancelCause(context.Background())
	slow := time.AfterFunc(20*time.Second, func() { cancel(errors.New("the test has waited for 20 s")) })
	t.Cleanup(func() { cancel(nil) })
	for {
		lease, err := l.Acquire(ctx, name, opts...)
		if err == nil {
			slow.Stop()
			return lease
		}
		if !stalled(err) || ctx.Err() != nil {
			t.Fatal(err)
		}
		t.Logf("a node was slow, once more: %v", err)
	}
}

// stalled reports whether the error is that there was no quorum for want of
// answers in time.
func stalled(err error) bool {
	var q *redlock.QuorumError
	return errors.As(err, &q) && slices.ContainsFunc(q.Nodes, func(n redlock.NodeError) bool { return timedOut(n.Err) })
}

// warm takes and releases a lock until every node has voted, so that all
// connections are there and all nodes are known.
func warm(t testing.TB, l *redlock.Locker, c *cluster.Cluster) {
	t.Helper()
	name := "warm " + t.Name()
	until(t, 10*time.Second, "all nodes take part", func() bool {
		lease := acquire(t, l, name)
		defer lease.Release(context.Background())
		return eventually(20*time.Millisecond, func() bool { return len(holding(t, c, lease.Key())) == len(c.Nodes) })
	})
}

// holding returns the indexes of the nodes that run and have the key.
func holding(t testing.TB, c *cluster.Cluster, key string) []int {
	t.Helper()
	var have []int
	for i, n := range c.Nodes {
		if !n.Running() {
			continue
		}
		replies, err := n.DoAll(time.Second, []string{"EXISTS", key})
		if err == nil && replies[0].Equal(resp.OfInt(1)) {
			have = append(have, i)
		}
	}
	return have
}

// free waits until no node that runs has the key. within is far below the
// TTL in each test, so that the key was removed and has not expired.
func free(t testing.TB, c *cluster.Cluster, key string, within time.Duration) {
	t.Helper()
	var have []int
	if !eventually(within, func() bool {
		have = holding(t, c, key)
		return len(have) == 0
	}) {
		t.Fatalf("%q is still on the nodes %v after %v", key, have, within)
	}
}

// until polls for a state, and ends the test if it does not come about.
func until(t testing.TB, within time.Duration, what string, done func() bool) {
	t.Helper()
	if !eventually(within, done) {
		t.Fatalf("not within %v: %s", within, what)
	}
}

func eventually(within time.Duration, done func() bool) bool {
	for deadline := time.Now().Add(within); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// median of durations; it sorts them.
func median(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[len(d)/2]
}

// tap is a node that lets a test look at each batch before it is sent and after
// it was answered. It takes part in the restart guard if the node below does.
type tap struct {
	redlock.Node
	mu     sync.Mutex
	before func(batch []resp.Command)
	after  func(batch []resp.Command)
}

// tapAll wraps the nodes.
func tapAll(nodes []redlock.Node) ([]redlock.Node, []*tap) {
	wrapped, taps := make([]redlock.Node, len(nodes)), make([]*tap, len(nodes))
	for i, n := range nodes {
		taps[i] = &tap{Node: n}
		wrapped[i] = taps[i]
	}
	return wrapped, taps
}

func (n *tap) set(before, after func(batch []resp.Command)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.before, n.after = before, after
}

func (n *tap) Do(ctx context.Context, batch []resp.Command) ([]resp.Reply, error) {
	n.mu.Lock()
	before, after := n.before, n.after
	n.mu.Unlock()
	if before != nil {
		before(batch)
	}
	replies, err := n.Node.Do(ctx, batch)
	if after != nil {
		after(batch)
	}
	return replies, err
}

// Epoch is the node's own.
func (n *tap) Epoch() uint64 {
	if e, ok := n.Node.(redlock.Epocher); ok {
		return e.Epoch()
	}
	return 0
}

// isAsk reports whether the batch asks for a key: it is how an attempt begins.
func isAsk(batch []resp.Command) bool {
	return len(batch) > 0 && batch[0][0] == "SET"
}

// asksIn counts the requests for a key in a batch: those of several claims go
// together.
func asksIn(batch []resp.Command) (n int64) {
	for _, cmd := range batch {
		if cmd[0] == "SET" {
			n++
		}
	}
	return n
}

// quorumError finds the *redlock.QuorumError in an error, or ends the test.
func quorumError(t testing.TB, err error) *redlock.QuorumError {
	t.Helper()
	var q *redlock.QuorumError
	if !errors.Is(err, redlock.ErrNoQuorum) || !errors.As(err, &q) {
		t.Fatalf("no ErrNoQuorum but %v", err)
	}
	return q
}
