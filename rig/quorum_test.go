package rig

import (
	"context"
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/rig/cluster"
)

// losses are the ways in which two of five nodes are lost.
var losses = []struct {
	name   string
	inject func(c *cluster.Cluster) error
}{
	{"two killed", func(c *cluster.Cluster) error {
		c.Nodes[1].Kill()
		c.Nodes[3].Kill()
		return nil
	}},
	{"two frozen", func(c *cluster.Cluster) error {
		return errors.Join(c.Nodes[1].Freeze(), c.Nodes[3].Freeze())
	}},
	{"one killed, one frozen", func(c *cluster.Cluster) error {
		c.Nodes[1].Kill()
		return c.Nodes[3].Freeze()
	}},
}

// TestMinorityLost: with two of five nodes gone, everything goes on: for who
// held a lease when they went, for who knew the nodes before, and for who starts
// now.
func TestMinorityLost(t *testing.T) {
	eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
		for _, loss := range losses {
			t.Run(loss.name, func(t *testing.T) {
				c := startCluster(t, cluster.Options{})
				knew := newLocker(t, open, redlock.Config{}, c.URLs()...)
				warm(t, knew, c)
				held := acquire(t, knew, "held")
				// Acquire returns at the majority; the loss must not be of more than a minority
				// of those who have the key.
				until(t, 5*time.Second, "all nodes have the key", func() bool { return len(holding(t, c, held.Key())) == 5 })
				ok(t, loss.inject(c))

				cycle(t, c, "a lease from before", func() *redlock.Lease { return held })
				cycle(t, c, "a client from before", func() *redlock.Lease { return acquire(t, knew, "a") })
				starts := newLocker(t, open, redlock.Config{}, c.URLs()...)
				cycle(t, c, "a new client", func() *redlock.Lease { return acquire(t, starts, "b") })
				cycle(t, c, "both", func() *redlock.Lease { return acquire(t, starts, "a") })
			})
		}
	})
}

// cycle extends and releases a lease that it acquires.
func cycle(t *testing.T, c *cluster.Cluster, what string, get func() *redlock.Lease) {
	t.Helper()
	begin := time.Now()
	lease := get()
	if n := len(holding(t, c, lease.Key())); n != 3 {
		t.Fatalf("%s: %d nodes have the key, not 3", what, n)
	}
	acquired := time.Now()
	if err := lease.Extend(context.Background()); err != nil {
		t.Fatalf("%s: Extend: %v", what, err)
	}
	extended := time.Now()
	if err := lease.Release(context.Background()); err != nil {
		t.Fatalf("%s: Release: %v", what, err)
	}
	t.Logf("%-21s acquire %8v  extend %8v  release %8v", what, acquired.Sub(begin).Round(time.Microsecond),
		extended.Sub(acquired).Round(time.Microsecond), time.Since(extended).Round(time.Microsecond))
	free(t, c, lease.Key(), time.Second)
}

// trouble is a way in which a node fails to vote, and how its error is known.
type trouble struct {
	name string
	// url spoils the node, if need be, and returns the URL to use for it.
	url func(t *testing.T, n *cluster.Node) string
	is  func(err error) bool
}

var (
	refused = trouble{
		"refused",
		func(_ *testing.T, n *cluster.Node) string { n.Kill(); return n.URL() },
		func(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) },
	}
	silent = trouble{
		"silent",
		func(t *testing.T, n *cluster.Node) string { ok(t, n.Freeze()); return n.URL() },
		timedOut,
	}
	wrongPassword = trouble{
		"wrong password",
		func(t *testing.T, n *cluster.Node) string {
			_, err := n.Do("CONFIG", "SET", "requirepass", "right")
			ok(t, err)
			return strings.Replace(n.URL(), "redis://", "redis://:wrong@", 1)
		},
		func(err error) bool {
			return strings.Contains(err.Error(), "WRONGPASS") && !strings.Contains(err.Error(), "wrong@")
		},
	}
	replica = trouble{
		"a replica",
		func(t *testing.T, n *cluster.Node) string {
			primary := startCluster(t, cluster.Options{Nodes: 1}).Nodes[0]
			host, port, _ := net.SplitHostPort(primary.Addr())
			_, err := n.Do("REPLICAOF", host, port)
			ok(t, err)
			return n.URL()
		},
		func(err error) bool {
			return strings.Contains(err.Error(), "replica") || strings.Contains(err.Error(), "READONLY")
		},
	}
	garbage = trouble{
		"garbage",
		func(t *testing.T, _ *cluster.Node) string { return "redis://" + startGarbage(t) },
		func(err error) bool { return !timedOut(err) && !errors.Is(err, syscall.ECONNREFUSED) },
	}
	unreachable = trouble{
		"unreachable",
		func(t *testing.T, _ *cluster.Node) string { return "redis://" + startDeaf(t) },
		timedOut,
	}
)

func timedOut(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

// TestMajorityLost: with three of five nodes gone, the first word of both ways to
// acquire is ErrNoQuorum, within the per-node deadline, and it names each node that
// failed with its own cause and no other.
func TestMajorityLost(t *testing.T) {
	eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
		for _, troubles := range [][]trouble{
			{refused, silent, wrongPassword},
			{replica, garbage, unreachable},
			{refused, refused, refused},
			{silent, silent, silent},
		} {
			var names []string
			for _, tr := range troubles {
				names = append(names, tr.name)
			}
			t.Run(strings.Join(names, ", "), func(t *testing.T) {
				t.Parallel()
				c := startCluster(t, cluster.Options{})
				urls := c.URLs()
				want := make(map[string]trouble) // by the node's name
				for i, tr := range troubles {
					at := []int{0, 2, 3}[i]
					urls[at] = tr.url(t, c.Nodes[at])
					name := urls[at][strings.LastIndexAny(urls[at], "/@")+1:]
					want[name] = tr
				}
				// Of nodes that nobody has heard of yet: TTL/4, for connecting.
				// And long enough for a node that is well on a machine that is not.
				cfg := redlock.Config{TTL: 2 * time.Second, NodeTimeout: 300 * time.Millisecond}
				const deadline = 500 * time.Millisecond

				for _, call := range []struct {
					name string
					do   func(l *redlock.Locker) (*redlock.Lease, error)
				}{
					{"TryAcquire", func(l *redlock.Locker) (*redlock.Lease, error) {
						return l.TryAcquire(context.Background(), "x")
					}},
					{"Acquire", func(l *redlock.Locker) (*redlock.Lease, error) {
						return l.Acquire(context.Background(), "x")
					}},
				} {
					l := newLocker(t, open, cfg, urls...)
					begin := time.Now()
					lease, err := call.do(l)
					took := time.Since(begin)
					if err == nil {
						_ = lease.Release(context.Background())
						t.Fatalf("%s succeeded", call.name)
					}
					t.Logf("%s: %v: %v", call.name, took.Round(time.Millisecond), err)
					named(t, err, want)
					// The rest is what a loaded machine may take.
					if took > deadline+250*time.Millisecond {
						t.Errorf("%s took %v, with a deadline of %v", call.name, took, deadline)
					}
					// Once they are known to be bad, there is nothing to wait for. The first
					// call's grants are given back by then.
					free(t, c, "redlock:x", time.Second)
					if _, err := call.do(l); err == nil {
						t.Fatalf("a second %s succeeded", call.name)
					} else {
						named(t, err, want)
					}
				}
			})
		}
	})
}

// named checks that the error names each node that failed, with its cause.
func named(t *testing.T, err error, want map[string]trouble) {
	t.Helper()
	q := quorumError(t, err)
	if q.Need != 3 || q.Got != 2 || len(q.Nodes) != len(want) {
		t.Errorf("%d of %d, and %d nodes named, in: %v", q.Got, q.Need, len(q.Nodes), err)
	}
	for _, n := range q.Nodes {
		tr, found := want[n.Node]
		switch {
		case !found:
			t.Errorf("it names %s, which is well: %v", n.Node, n.Err)
		case !tr.is(n.Err):
			t.Errorf("the cause of %s, which is %s: %v (%T)", n.Node, tr.name, n.Err, n.Err)
		case !strings.Contains(err.Error(), n.Node) || !errors.Is(err, n.Err):
			t.Errorf("the error hides %s: %v", n.Node, err)
		}
	}
}

// TestMajorityLostLater: nodes that are known are waited for no longer than
// Config.NodeTimeout when they fall silent. It is the first to notice that has to
// wait; since a machine may be busy elsewhere, the best of some goes counts.
func TestMajorityLostLater(t *testing.T) {
	eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
		c := startCluster(t, cluster.Options{})
		const deadline = 50 * time.Millisecond // the default
		best := time.Hour
		for range 5 {
			l := newLocker(t, open, redlock.Config{}, c.URLs()...)
			warm(t, l, c)
			for _, i := range []int{0, 2, 4} {
				ok(t, c.Nodes[i].Freeze())
			}
			begin := time.Now()
			_, err := l.Acquire(context.Background(), "x")
			best = min(best, time.Since(begin))
			q := quorumError(t, err)
			if q.Got != 2 || len(q.Nodes) != 3 {
				t.Errorf("%v", err)
			}
			for _, n := range q.Nodes {
				if !timedOut(n.Err) {
					t.Errorf("%s: %v", n.Node, n.Err)
				}
			}
			for _, i := range []int{0, 2, 4} {
				ok(t, c.Nodes[i].Thaw())
			}
			// They are back: what was sent to them meanwhile is cleaned up, too.
			free(t, c, "redlock:x", 5*time.Second)
			if best <= deadline*6/5 {
				break
			}
		}
		if best > deadline*6/5 {
			t.Errorf("at best it took %v, with a deadline of %v", best, deadline)
		}
	})
}
