package rig

import (
	"context"
	"testing"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/resp"
	"github.com/redlock-go/redlock/rig/cluster"
)

// soon is how long a hand-over may take that should take milliseconds, on a machine
// that is busy elsewhere. Tests have TTLs that are far longer.
const soon = 5 * time.Second

// place is one who waits for a lock.
type place struct {
	got   chan struct{} // closed when it has the lease, or an error
	lease *redlock.Lease
	err   error
}

// queueUp has the locker wait for a lock that is held, and returns when it stands in
// the queues of the given nodes, the last of so many.
func queueUp(t testing.TB, nodes []*cluster.Node, l *redlock.Locker, name string, last int) *place {
	t.Helper()
	p := wait(t, l, name)
	stands(t, nodes, redlock.DefaultPrefix+name, last)
	return p
}

// wait begins to wait for a lock, until the test is over.
func wait(t testing.TB, l *redlock.Locker, name string) *place {
	ctx, cancel := context.WithCancel(context.Background())
	p := &place{got: make(chan struct{})}
	go func() {
		defer close(p.got)
		p.lease, p.err = l.Acquire(ctx, name)
	}()
	t.Cleanup(func() {
		cancel()
		<-p.got
	})
	return p
}

// stands waits until so many stand in the queue of a key on a majority of the nodes: on
// one that was slow somebody may stand later, or not at all.
func stands(t testing.TB, nodes []*cluster.Node, key string, want int) {
	t.Helper()
	var have []int
	if !eventually(20*time.Second, func() bool {
		have = have[:0]
		same := 0
		for _, n := range nodes {
			have = append(have, waiters(t, n, key))
			if have[len(have)-1] == want {
				same++
			}
		}
		return same > len(nodes)/2
	}) {
		t.Fatalf("%d stand in the queues of %q, want %d", have, key, want)
	}
}

// waiters is how many stand in the queue of a key on a node.
func waiters(t testing.TB, n *cluster.Node, key string) int {
	t.Helper()
	reply, err := n.Do("ZCARD", script.Queue(key))
	ok(t, err)
	return int(reply.Int)
}

// has returns the lease that it gets within the time.
func (p *place) has(t testing.TB, within time.Duration) *redlock.Lease {
	t.Helper()
	select {
	case <-p.got:
	case <-time.After(within):
		t.Fatalf("it has waited in vain for %v", within)
	}
	ok(t, p.err)
	return p.lease
}

// waits ends the test if it does not wait any more.
func (p *place) waits(t testing.TB) {
	t.Helper()
	select {
	case <-p.got:
		t.Fatalf("it does not wait: %v", p.err)
	default:
	}
}

// handOver has somebody of the same process wait for a lease's lock, releases it, and
// returns the next lease.
func handOver(t testing.TB, l *redlock.Locker, lease *redlock.Lease) *redlock.Lease {
	t.Helper()
	waiting := make(chan struct{}, 1)
	p := &place{got: make(chan struct{})}
	go func() {
		defer close(p.got)
		p.lease, p.err = l.Acquire(context.Background(), lease.Key()[len(redlock.DefaultPrefix):], redlock.WithOnWait(func(error) {
			select {
			case waiting <- struct{}{}:
			default:
			}
		}))
	}()
	<-waiting
	ok(t, lease.Release(context.Background()))
	return p.has(t, 20*time.Second)
}

// warmed is a locker to which all nodes are known.
func warmed(t testing.TB, l *redlock.Locker, c *cluster.Cluster) *redlock.Locker {
	t.Helper()
	warm(t, l, c)
	return l
}

// nobodyStands checks what is left of the queues when all who waited are done: nothing
// that stays for longer than a queue may.
func nobodyStands(t testing.TB, c *cluster.Cluster) {
	t.Helper()
	for _, n := range c.Nodes {
		if !n.Running() {
			continue
		}
		queues, err := n.Keys("*}:q", 5*time.Second)
		ok(t, err)
		for _, q := range queues {
			reply, err := n.Do("PTTL", q)
			ok(t, err)
			if ms := reply.Int; reply.Kind != resp.Int || ms == -1 || ms > script.QueueMS {
				t.Errorf("%s on node %d lives for %v ms yet", q, n.Index, reply)
			}
		}
	}
}
