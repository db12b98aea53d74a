package rig

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	redisclient "github.com/redis/go-redis/v9"
	rueidisclient "github.com/redis/rueidis"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/goredis"
	"github.com/redlock-go/redlock/rig/cluster"
	"github.com/redlock-go/redlock/rueidis"
)

// clients are the four ways to a node: each adapter, on a client of its own and on
// one that the program brings.
var clients = map[string]func(t testing.TB, n *cluster.Node) redlock.Node{
	"goredis": func(t testing.TB, n *cluster.Node) redlock.Node {
		node, err := goredis.Open(n.URL())
		ok(t, err)
		return node
	},
	"goredis wrapped": func(t testing.TB, n *cluster.Node) redlock.Node {
		c := redisclient.NewClient(&redisclient.Options{Addr: n.ClientAddr()})
		t.Cleanup(func() { _ = c.Close() })
		return goredis.Wrap(c)
	},
	"rueidis": func(t testing.TB, n *cluster.Node) redlock.Node {
		node, err := rueidis.Open(n.URL())
		ok(t, err)
		return node
	},
	"rueidis wrapped": func(t testing.TB, n *cluster.Node) redlock.Node {
		c, err := rueidisclient.NewClient(rueidisclient.ClientOption{
			InitAddress: []string{n.ClientAddr()}, ForceSingleClient: true, DisableCache: true,
		})
		ok(t, err)
		t.Cleanup(c.Close)
		return rueidis.Wrap(c)
	},
}

func nodesBy(t testing.TB, c *cluster.Cluster, client func(testing.TB, *cluster.Node) redlock.Node) []redlock.Node {
	var nodes []redlock.Node
	for _, n := range c.Nodes {
		nodes = append(nodes, client(t, n))
	}
	return nodes
}

// A majority restarts without its data under a lease (I6): nobody gets in before
// the lease is over, by whatever client, and then they do.
func TestRestartedMajorityDoesNotVote(t *testing.T) {
	for name, client := range clients {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const ttl = 2 * time.Second
			c := startCluster(t, cluster.Options{Nodes: 3})
			holder := lockerOf(t, redlock.Config{Nodes: nodesBy(t, c, client), TTL: ttl, NodeTimeout: ttl / 5})
			other := lockerOf(t, redlock.Config{Nodes: nodesBy(t, c, client), TTL: ttl, NodeTimeout: ttl / 5})
			warm(t, other, c)
			lease := acquire(t, holder, "k", redlock.WithoutRenewal())
			until(t, time.Second, "all nodes have the key", func() bool { return len(holding(t, c, lease.Key())) == 3 })
			for _, n := range c.Nodes[:2] {
				ok(t, n.RestartEmpty())
			}
			stranger := lockerOf(t, redlock.Config{Nodes: nodesBy(t, c, client), TTL: ttl, NodeTimeout: ttl / 5})

			abstained := 0
			for lease.Context().Err() == nil {
				for who, l := range map[string]*redlock.Locker{"who knew the nodes": other, "who meets them now": stranger} {
					got, err := l.TryAcquire(t.Context(), "k")
					if err == nil && lease.Context().Err() == nil {
						t.Fatalf("two leases at once: %v got token %d", who, got.Token())
					}
					if err == nil {
						_ = got.Release(context.Background())
					} else if strings.Contains(err.Error(), "abstains for") {
						abstained++
					}
				}
			}
			if abstained == 0 {
				t.Error("nobody was told that the nodes abstain: the situation did not come about")
			}
			next := acquireWithin(t, other, "k", 5*time.Second)
			if next.Token() <= lease.Token() {
				t.Errorf("token %d after %d", next.Token(), lease.Token())
			}
		})
	}
}

// acquireWithin tries until it has the lock.
func acquireWithin(t testing.TB, l *redlock.Locker, name string, within time.Duration) *redlock.Lease {
	t.Helper()
	var lease *redlock.Lease
	var err error
	until(t, within, "the lock is had", func() bool {
		lease, err = l.TryAcquire(context.Background(), name)
		return err == nil
	})
	return lease
}

// All five nodes are restarted without their data, one after another, under a
// lease: it survives by repair (I9), and nobody else gets in.
func TestRollingRestartsUnderALease(t *testing.T) {
	for name, client := range clients {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const ttl = 1500 * time.Millisecond
			c := startCluster(t, cluster.Options{})
			holder := lockerOf(t, redlock.Config{Nodes: nodesBy(t, c, client), TTL: ttl, NodeTimeout: ttl / 5})
			other := lockerOf(t, redlock.Config{Nodes: nodesBy(t, c, client), TTL: ttl, NodeTimeout: ttl / 5})
			warm(t, other, c)
			lease := acquire(t, holder, "k")
			until(t, time.Second, "all nodes have the key", func() bool { return len(holding(t, c, lease.Key())) == 5 })
			intruder := make(chan error, 1)
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			go func() {
				for ctx.Err() == nil {
					if _, err := other.TryAcquire(ctx, "k"); err == nil {
						intruder <- errors.New("somebody else got in")
						return
					}
				}
				intruder <- nil
			}()
			for i, n := range c.Nodes {
				ok(t, n.RestartEmpty())
				until(t, 2*ttl, "node "+strconv.Itoa(i)+" is repaired", func() bool {
					for _, have := range holding(t, c, lease.Key()) {
						if have == i {
							return true
						}
					}
					return lease.Context().Err() != nil
				})
				// A repaired node counts again after the next round that succeeds
				// without it. The one that repaired it may still be under way.
				repaired := lease.Deadline()
				until(t, 3*ttl, "the lease is renewed twice", func() bool {
					return lease.Deadline().Sub(repaired) > ttl/2 || lease.Context().Err() != nil
				})
				if lease.Context().Err() != nil {
					t.Fatalf("after the restart of node %d: %v", i, context.Cause(lease.Context()))
				}
			}
			stop()
			ok(t, <-intruder)
			ok(t, lease.Release(context.Background()))
		})
	}
}

// The token of an ordinary acquisition costs no round trip: counted on the
// servers, a cycle is one SET with one ZADD behind it, and one release; no second
// round asks for a register.
func TestTokenCostsNoRoundTrip(t *testing.T) {
	eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
		c := startCluster(t, cluster.Options{Nodes: 3})
		// A TTL so long that no clock is sampled and nothing is renewed meanwhile.
		l := newLocker(t, open, redlock.Config{TTL: time.Hour, LongestTTL: time.Hour, NodeTimeout: 500 * time.Millisecond}, c.URLs()...)
		warm(t, l, c)
		free(t, c, "redlock:warm "+t.Name(), time.Second)
		const cycles = 50
		for _, n := range c.Nodes {
			_, err := n.Do("CONFIG", "RESETSTAT")
			ok(t, err)
		}
		last := uint64(0)
		for range cycles {
			lease := acquire(t, l, "k")
			if lease.Token() <= last {
				t.Errorf("token %d after %d", lease.Token(), last)
			}
			last = lease.Token()
			// Stragglers too, so that each cycle is one of all nodes.
			until(t, time.Second, "all nodes have the key", func() bool { return len(holding(t, c, lease.Key())) == 3 })
			ok(t, lease.Release(context.Background()))
			free(t, c, lease.Key(), time.Second)
		}
		for i, n := range c.Nodes {
			var stats map[string]int
			releases := func() int { return stats["evalsha"] + stats["eval"] }
			until(t, time.Second, "the last release is counted", func() bool {
				stats = statsOf(t, n)
				return releases() >= cycles
			})
			// One more release if a node did not know the script yet.
			if stats["set"] != cycles || stats["zadd"] != cycles || releases() > cycles+1 || stats["zscore"] != 0 {
				t.Errorf("node %d: %d SET, %d ZADD, %d ZSCORE and %d releases in %d cycles",
					i, stats["set"], stats["zadd"], stats["zscore"], releases(), cycles)
			}
		}
	})
}

// statsOf counts the commands that a server has executed, by name.
func statsOf(t testing.TB, n *cluster.Node) map[string]int {
	t.Helper()
	info, err := n.Do("INFO", "commandstats")
	ok(t, err)
	counts := make(map[string]int)
	for line := range strings.Lines(info.Text) {
		name, rest, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "cmdstat_"), ":calls=")
		calls, _, _ := strings.Cut(rest, ",")
		if v, err := strconv.Atoi(calls); err == nil {
			counts[name] = v
		}
	}
	return counts
}
