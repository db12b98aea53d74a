package rig

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/resp"
	"github.com/redlock-go/redlock/rig/cluster"
)

// TestRU1_SilentConnectionsEndTheLeaseFirst: the connections of a holder fall
// silent, and nothing tells it. With rueidislock's defaults a second client then
// holds the lock from 7.6 s on, and the first one's context ends at 10.0 s. Here
// the first one's context must have ended before the second has the lock, whatever
// is silent. (The peer is not run beside it: with its defaults that takes more
// than ten seconds, and it counts several keys of one client as nodes.)
func TestRU1_SilentConnectionsEndTheLeaseFirst(t *testing.T) {
	const ttl = time.Second
	silences := []struct {
		name string
		do   func(p *cluster.Proxy) error
	}{
		{"both ways", (*cluster.Proxy).Silence},
		{"requests", func(p *cluster.Proxy) error { return p.Hold(cluster.Requests) }},
		{"replies", func(p *cluster.Proxy) error { return p.Hold(cluster.Replies) }},
		{"both ways, for good", func(p *cluster.Proxy) error {
			if err := p.Drop(cluster.Requests); err != nil {
				return err
			}
			return p.Drop(cluster.Replies)
		}},
	}
	eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
		for _, silence := range silences {
			t.Run(silence.name, func(t *testing.T) {
				t.Parallel()
				c := startCluster(t, cluster.Options{Nodes: 3, Proxied: true})
				var direct []string
				for _, n := range c.Nodes {
					direct = append(direct, "redis://"+n.Addr())
				}
				a := newLocker(t, open, redlock.Config{TTL: ttl}, c.URLs()...)
				b := newLocker(t, open, redlock.Config{TTL: ttl}, direct...)
				warm(t, a, c)
				warm(t, b, c)

				lease := acquire(t, a, "ru1")
				deadline := lease.Deadline()
				until(t, 5*time.Second, "the lease is renewed", func() bool { return lease.Deadline().Sub(deadline) > ttl/10 })

				var silenced sync.WaitGroup
				for _, n := range c.Nodes {
					silenced.Go(func() {
						if err := silence.do(n.Proxy); err != nil {
							t.Error(err)
						}
					})
				}
				silenced.Wait()

				second := acquire(t, b, "ru1")
				got := time.Now()
				if lease.Context().Err() == nil {
					t.Error("the second client has the lock, and the first one's context has not ended")
				}
				end := lease.Deadline()
				t.Logf("the first ended %v before the second had the lock", got.Sub(end).Round(time.Millisecond))
				if end.After(got) {
					t.Errorf("both held the lock for %v", end.Sub(got))
				}
				if second.Token() <= lease.Token() {
					t.Errorf("tokens %d, then %d", lease.Token(), second.Token())
				}
				ok(t, second.Release(context.Background()))
			})
		}
	})
}

// TestRU1_NoWallClockOnTheWire: rueidislock sends PXAT with the client's wall
// clock; from a clock that is behind, the node says OK and stores nothing. No
// command of the lock sets an expiry by the time of day.
func TestRU1_NoWallClockOnTheWire(t *testing.T) {
	eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
		c := startCluster(t, cluster.Options{Nodes: 3})
		nodes, err := open(c.URLs()...)
		ok(t, err)
		wrapped, taps := tapAll(nodes)
		var mu sync.Mutex
		seen := make(map[string]int)
		for _, tp := range taps {
			tp.set(func(batch []resp.Command) {
				mu.Lock()
				defer mu.Unlock()
				for _, cmd := range batch {
					for _, word := range cmd {
						switch word {
						case "PXAT", "EXAT", "PEXPIREAT", "EXPIREAT":
							t.Errorf("a batch says %s: %q", word, cmd)
						case "SET", "EVALSHA", "EVAL":
							seen[word]++
						}
					}
				}
			}, nil)
		}
		l := lockerOf(t, redlock.Config{Nodes: wrapped})
		lease := acquire(t, l, "ru1")
		ok(t, lease.Extend(context.Background()))
		ok(t, lease.Release(context.Background()))
		mu.Lock()
		defer mu.Unlock()
		if seen["SET"] == 0 || seen["EVALSHA"]+seen["EVAL"] == 0 {
			t.Errorf("not all commands were seen: %v", seen)
		}
	})
}
