package rig

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/internal/redisserver"
	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/resp"
	"github.com/redlock-go/redlock/rig/cluster"
)

// Truth never depends on a push (I7). In each of these tests the way of the pushes is
// broken while somebody waits, and the lock is handed over all the same, long before
// the holder's TTL would have ended.

// TestSubscriptionsBreak: the connections on which the nodes push are closed, in each of
// the ways in which that happens, some time before the release or in the same moment.
func TestSubscriptionsBreak(t *testing.T) {
	for name, hurt := range map[string]func(c *cluster.Cluster) error{
		"CLIENT KILL TYPE pubsub": func(c *cluster.Cluster) error {
			var errs []error
			for _, n := range c.Nodes {
				_, err := n.Do("CLIENT", "KILL", "TYPE", "pubsub")
				errs = append(errs, err)
			}
			return errors.Join(errs...)
		},
		"all connections are closed": func(c *cluster.Cluster) error {
			var errs []error
			for _, n := range c.Nodes {
				errs = append(errs, n.Proxy.Bounce())
			}
			return errors.Join(errs...)
		},
		"a minority is reset": func(c *cluster.Cluster) error {
			return errors.Join(c.Nodes[0].Proxy.Reset(), c.Nodes[3].Proxy.Reset())
		},
		"pushes of all nodes are held back for a while": func(c *cluster.Cluster) error {
			var errs []error
			for _, n := range c.Nodes {
				errs = append(errs, n.Proxy.Delay(cluster.Replies, "redlock:wake:", 2*time.Second, 1))
			}
			return errors.Join(errs...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
				t.Parallel()
				c := startCluster(t, cluster.Options{Proxied: true})
				cfg := redlock.Config{TTL: time.Minute, NodeTimeout: time.Second}
				l := warmed(t, newLocker(t, open, cfg, c.URLs()...), c)
				var direct []string
				for _, n := range c.Nodes {
					direct = append(direct, "redis://"+n.Addr()) // the holder has no trouble
				}
				holder := warmed(t, newLocker(t, open, cfg, direct...), c)
				lease := acquire(t, holder, "k")
				p := queueUp(t, c.Nodes, l, "k", 1)
				ok(t, hurt(c))
				begin := time.Now()
				ok(t, lease.Release(context.Background()))
				next := p.has(t, soon)
				t.Logf("in the same moment: after %v", time.Since(begin))

				// And once more, when everything has settled.
				for _, n := range c.Nodes {
					ok(t, n.Proxy.Heal())
				}
				ok(t, next.Release(context.Background()))
				lease = acquire(t, holder, "k")
				p = queueUp(t, c.Nodes, l, "k", 1)
				begin = time.Now()
				ok(t, lease.Release(context.Background()))
				next = p.has(t, soon)
				t.Logf("afterwards: after %v", time.Since(begin))
				ok(t, next.Release(context.Background()))
				free(t, c, "redlock:k", soon)
				nobodyStands(t, c)
			})
		})
	}
}

// TestNodesForgetTheQueue: nodes restart with an empty queue while somebody stands in
// it. It is noticed by the subscription, which breaks.
func TestNodesForgetTheQueue(t *testing.T) {
	for name, some := range map[string][]int{"a minority": {1, 3}, "all": {0, 1, 2, 3, 4}} {
		t.Run(name, func(t *testing.T) {
			eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
				t.Parallel()
				c := startCluster(t, cluster.Options{Persistent: len(some) > 2})
				cfg := redlock.Config{TTL: time.Minute, NodeTimeout: time.Second, Durable: true}
				holder, l := warmed(t, newLocker(t, open, cfg, c.URLs()...), c), warmed(t, newLocker(t, open, cfg, c.URLs()...), c)
				lease := acquire(t, holder, "k")
				until(t, soon, "all nodes have the key", func() bool { return len(holding(t, c, lease.Key())) == 5 })
				p := queueUp(t, c.Nodes, l, "k", 1)
				for _, i := range some {
					n := c.Nodes[i]
					if !n.Persistent() {
						ok(t, n.RestartEmpty())
						continue
					}
					_, err := n.Do("DEL", "{redlock:k}:q") // they keep the lease, and lose the queue
					ok(t, err)
					n.Kill()
					ok(t, n.Restart())
				}
				p.waits(t)
				stands(t, c.Nodes, "redlock:k", 1)
				// The holder finds out that its connections are gone.
				ok(t, acquireWithin(t, holder, "other", soon).Release(t.Context()))
				begin := time.Now()
				ok(t, lease.Release(context.Background()))
				next := p.has(t, soon)
				t.Logf("after %v", time.Since(begin))
				ok(t, next.Release(context.Background()))
				free(t, c, "redlock:k", soon)
				nobodyStands(t, c)
			})
		})
	}
}

// TestNodesThatCannotPush: users without a right that pushing needs. A minority of such
// nodes costs nothing. Without a majority that can push, who waits asks again by a
// timer: now and then if it could see so itself, and when the holder's time is over.
func TestNodesThatCannotPush(t *testing.T) {
	user := documented(t, "redlock")
	without := func(rights ...string) []string {
		var rest []string
		for _, u := range user {
			lacks := false
			for _, r := range rights {
				lacks = lacks || u == r
			}
			if !lacks {
				rest = append(rest, u)
			}
		}
		return rest
	}
	for _, test := range []struct {
		name   string
		rights []string
		nodes  int // that lack them, of three
		within time.Duration
	}{
		{"one node, no channel", []string{"&redlock:wake:*"}, 1, soon},
		{"one node, no PUBLISH", []string{"+publish"}, 1, soon},
		{"no channel", []string{"&redlock:wake:*"}, 3, soon},
		{"no SUBSCRIBE", []string{"+subscribe"}, 3, soon},
		{"no PUBLISH", []string{"+publish"}, 3, 20 * time.Second}, // TTL
	} {
		t.Run(test.name, func(t *testing.T) {
			eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
				t.Parallel()
				var urls []string
				var servers []*redisserver.Server
				for i := range 3 {
					server := redisserver.Start(t)
					rights := user
					if i < test.nodes {
						rights = without(test.rights...)
						if len(rights) == len(user) {
							t.Fatalf("docs/ACL.md does not have %v", test.rights)
						}
					}
					setUser(t, server, rights)
					admit(server)
					servers = append(servers, server)
					urls = append(urls, "redis://redlock:PASSWORD@"+server.Addr())
				}
				cfg := redlock.Config{TTL: time.Minute, NodeTimeout: 500 * time.Millisecond}
				if test.within > soon {
					cfg.TTL = 3 * time.Second
				}
				holder, l := newLocker(t, open, cfg, urls...), newLocker(t, open, cfg, urls...)
				lease := acquire(t, holder, "k")
				p := wait(t, l, "k")
				until(t, soon, "it stands in the queue", func() bool {
					return servers[2].Do("ZCARD", script.Queue("redlock:k")).Equal(resp.OfInt(1))
				})
				p.waits(t)
				begin := time.Now()
				ok(t, lease.Release(context.Background()))
				next := p.has(t, test.within)
				t.Logf("after %v", time.Since(begin))
				ok(t, next.Release(context.Background()))
			})
		})
	}
}
