package redlock_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/redlocktest"
	"github.com/redlock-go/redlock/resp"
)

// A majority restarts without its data under a lease. Nobody else gets in before
// the lease is over, whether they knew the nodes before or meet them now; then
// they do.
func TestRestartWithoutMemory(t *testing.T) {
	for _, known := range []bool{true, false} {
		name := map[bool]string{true: "a client that knew the nodes", false: "a client that meets them now"}[known]
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				nodes := redlocktest.NewNodes(3)
				holder := acquire(t, open(t, nodes), "k", redlock.WithoutRenewal())
				var other *redlock.Locker
				if known {
					other = open(t, nodes)
				}
				synctest.Wait() // no straggler of the acquisition gives the key to a new run
				for _, n := range nodes[:2] {
					n.Kill()
					n.ReviveEmpty()
				}
				if !known {
					other = open(t, nodes)
				}
				_, err := other.TryAcquire(t.Context(), "k")
				if !errors.Is(err, redlock.ErrNoQuorum) || strings.Count(err.Error(), "abstains for 10.1") != 2 {
					t.Fatalf("right after the restart: %v", err)
				}
				for holder.Context().Err() == nil {
					if _, err := other.TryAcquire(t.Context(), "k"); err == nil {
						t.Fatal("two leases at once")
					}
					time.Sleep(500 * time.Millisecond)
				}
				time.Sleep(time.Second)
				lease, err := other.TryAcquire(t.Context(), "k")
				if err != nil {
					t.Fatalf("after the quarantine: %v", err)
				}
				if lease.Token() <= holder.Token() {
					t.Errorf("token %d after %d", lease.Token(), holder.Token())
				}
			})
		})
	}
}

// Nodes that keep their data vote at once, if the operator says so.
func TestDurableNodesVoteAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		holder := acquire(t, open(t, nodes), "k")
		synctest.Wait()
		durable := func(c *redlock.Config) { c.Durable = true }
		other := open(t, nodes, durable)
		for _, n := range nodes {
			n.Kill()
			n.Revive()
		}
		if _, err := other.TryAcquire(t.Context(), "k"); !errors.Is(err, redlock.ErrHeld) {
			t.Errorf("TryAcquire = %v", err)
		}
		if err := holder.Extend(t.Context()); err != nil {
			t.Errorf("Extend = %v", err)
		}
		if _, err := other.TryAcquire(t.Context(), "another"); err != nil {
			t.Errorf("TryAcquire = %v", err)
		}
	})
}

// info makes a node answer INFO with these lines.
func info(lines ...string) redlocktest.Hook {
	return func(ctx context.Context, batch []resp.Command, next func(context.Context, []resp.Command) ([]resp.Reply, error)) ([]resp.Reply, error) {
		replies, err := next(ctx, batch)
		if err == nil && batch[0][0] == "INFO" {
			replies[0], replies[1] = resp.OfText(strings.Join(lines, "\r\n")), resp.OfText("")
		}
		return replies, err
	}
}

// What is no independent primary does not vote, and the error says why.
func TestNodesThatMayNotVote(t *testing.T) {
	const id = "0123456789abcdef0123456789abcdef01234567"
	for _, tc := range []struct {
		name  string
		hooks []redlocktest.Hook // of node 1, 2
		want  string
	}{
		{
			"a replica",
			[]redlocktest.Hook{info("run_id:"+id, "uptime_in_seconds:100", "role:slave", "master_host:10.0.0.1", "master_port:6379")},
			"n1: it is a replica of 10.0.0.1:6379",
		},
		{
			"a promoted replica",
			[]redlocktest.Hook{info("run_id:"+id, "uptime_in_seconds:100", "role:master", "master_replid2:"+id)},
			"n1: it abstains for 10.1",
		},
		{
			"a server that was just started",
			[]redlocktest.Hook{info("run_id:"+id, "uptime_in_seconds:4", "role:master", "master_replid2:0000")},
			"n1: it abstains for 7.1",
		},
		{
			"the same server twice",
			[]redlocktest.Hook{info("run_id:"+id, "uptime_in_seconds:100", "role:master"), info("run_id:"+id, "uptime_in_seconds:100", "role:master")},
			"it is the same server as n",
		},
		{
			"a server that does not let us ask",
			[]redlocktest.Hook{func(ctx context.Context, batch []resp.Command, next func(context.Context, []resp.Command) ([]resp.Reply, error)) ([]resp.Reply, error) {
				if batch[0][0] == "INFO" {
					return replying("NOPERM this user has no permissions to run the 'info' command")(ctx, batch, next)
				}
				return next(ctx, batch)
			}},
			"see docs/ACL.md",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				nodes := redlocktest.NewNodes(3)
				for i, h := range tc.hooks {
					nodes[i].Hook(h)
				}
				nodes[2].Kill()
				l := open(t, nodes)
				_, err := l.TryAcquire(t.Context(), "k")
				if !errors.Is(err, redlock.ErrNoQuorum) || !strings.Contains(err.Error(), tc.want) {
					t.Fatalf("TryAcquire = %v, want it to say %q", err, tc.want)
				}
				time.Sleep(time.Second)
				if got := keysOf(nodes); len(got) != 0 {
					t.Errorf("left on the nodes: %v", got)
				}
			})
		})
	}
}

// restless is a node that makes a new connection for each batch.
type restless struct {
	redlock.Node
	epoch atomic.Uint64
}

func (n *restless) Epoch() uint64 { return n.epoch.Load() }

func (n *restless) Do(ctx context.Context, batch []resp.Command) ([]resp.Reply, error) {
	n.epoch.Add(1)
	return n.Node.Do(ctx, batch)
}

// A node whose connections do not last cannot be verified. It does not vote, and
// nobody waits for it, or asks it, without end.
func TestRestlessNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(1)
		nodes[0].Delay(time.Millisecond)
		l, err := redlock.New(redlock.Config{Nodes: []redlock.Node{&restless{Node: nodes[0].Connect()}}, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		start := time.Now()
		_, err = l.TryAcquire(t.Context(), "k")
		if took := time.Since(start); took > 50*time.Millisecond {
			t.Errorf("took %v", took)
		}
		if !errors.Is(err, redlock.ErrNoQuorum) || !strings.Contains(err.Error(), "do not last") {
			t.Errorf("TryAcquire = %v", err)
		}
		time.Sleep(time.Second)
		if got := nodes[0].Batches(); got > 10 {
			t.Errorf("%d batches", got)
		}
		if got := keysOf(nodes); len(got) != 0 {
			t.Errorf("left on the nodes: %v", got)
		}
	})
}
