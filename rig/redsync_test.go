package rig

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/go-redsync/redsync/v4"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/rig/cluster"
)

// Each test here builds a situation in which redsync, at its newest version,
// fails, sees it fail, and then puts the lock into the same situation. If a test
// says that the peer did not fail, the situation is not what it was meant to be,
// or the peer has mended its ways; both are worth knowing.

// TestRS1_OneSilentNodeCostsNothing: one node of three accepts connections and
// says nothing. redsync with its defaults waits for it in each call, for as long
// as its client does, which is seconds.
func TestRS1_OneSilentNodeCostsNothing(t *testing.T) {
	t.Parallel()
	c := startCluster(t, cluster.Options{Nodes: 3})
	warmed := make([]*redlock.Locker, len(adapters))
	for i, a := range adapters {
		warmed[i] = newLocker(t, a.open, redlock.Config{}, c.URLs()...)
		warm(t, warmed[i], c)
	}
	ok(t, c.Nodes[1].Freeze())

	peer := make(chan time.Duration, 1)
	go func() {
		begin := time.Now()
		if err := openRedsync(t, c.URLs()...).NewMutex("rs1").Lock(); err != nil {
			t.Logf("redsync: %v", err)
		}
		peer <- time.Since(begin)
	}()

	for i, a := range adapters {
		for _, l := range []*redlock.Locker{warmed[i], newLocker(t, a.open, redlock.Config{}, c.URLs()...)} {
			for go_ := range 10 {
				begin := time.Now()
				lease := acquire(t, l, "rs1 ours")
				got := time.Now()
				ok(t, lease.Release(context.Background()))
				// The first release hears the silent node out, once. The rest is what a
				// loaded machine may take.
				if acquired, released := got.Sub(begin), time.Since(got); acquired > time.Second || released > time.Second {
					t.Errorf("%s, go %d: %v to acquire, %v to release", a.name, go_, acquired, released)
				}
			}
		}
	}
	took := <-peer
	t.Logf("redsync's Lock took %v", took.Round(time.Millisecond))
	if took < 2*time.Second {
		t.Errorf("redsync took %v only: is the node silent?", took)
	}
}

// TestRS3_LateReleaseOfAnAttempt: of two attempts of one call, the first one's
// release is delayed on its way to a node, and arrives when the second one has
// succeeded. In redsync's fail-fast mode both have one value, so it deletes the
// key of the second, and somebody else gets the lock too.
func TestRS3_LateReleaseOfAnAttempt(t *testing.T) {
	t.Run("redsync", func(t *testing.T) {
		c := startCluster(t, cluster.Options{Nodes: 3, Proxied: true})
		rs := openRedsync(t, c.URLs()...)
		before := rs.NewMutex("before") // so that the nodes know its script
		ok(t, before.Lock())
		_, err := before.Unlock()
		ok(t, err)

		// The first attempt finds all nodes taken. Then 0 and 1 become free and the
		// second attempt has them.
		delayed := delayRelease(t, c.Nodes[0], "\r\nevalsha\r\n", time.Second)
		for _, n := range c.Nodes[1:] { // so that it has left before a majority has answered, and redsync cancels it
			ok(t, n.Proxy.Latency(cluster.Replies, 50*time.Millisecond, 0))
		}
		taken(t, c, "rs3", 0, 1, 2)
		a := rs.NewMutex("rs3", redsync.WithFailFast(true), redsync.WithRetryDelayFunc(func(int) time.Duration {
			untake(t, c, "rs3", 0, 1)
			return time.Millisecond
		}))
		ok(t, a.Lock())
		delayed()
		untake(t, c, "rs3", 2)
		b := openRedsync(t, c.URLs()...).NewMutex("rs3", redsync.WithFailFast(true), redsync.WithTries(1))
		if err := b.Lock(); err != nil {
			t.Errorf("the second client did not get the lock, although redsync has one value for all attempts: %v", err)
		}
		if left := time.Until(a.Until()); left < 5*time.Second {
			t.Errorf("the first client believes to hold it for %v only", left)
		}
	})

	eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
		c := startCluster(t, cluster.Options{Nodes: 3, Proxied: true})
		cfg := redlock.Config{TTL: 30 * time.Second}
		l := newLocker(t, open, cfg, c.URLs()...)
		warm(t, l, c)

		// A node that refused is sent no release, as its "no" is final. So let the
		// first attempt have node 0, and lose it again: that release is delayed, is
		// sent again when it was not answered, and arrives twice.
		const key = "redlock:rs3"
		delayed := delayRelease(t, c.Nodes[0], "\r\nEVALSHA\r\n", 300*time.Millisecond)
		taken(t, c, key, 1, 2)
		attempts := 0
		a := acquire(t, l, "rs3", redlock.WithOnWait(func(error) {
			if attempts++; attempts == 1 {
				untake(t, c, key, 1)
			}
		}))
		if attempts == 0 {
			t.Fatal("the first attempt succeeded")
		}
		delayed()
		untake(t, c, key, 2)
		b := newLocker(t, open, cfg, c.URLs()...)
		if _, err := b.TryAcquire(context.Background(), "rs3"); !errors.Is(err, redlock.ErrHeld) {
			t.Fatalf("the second client: %v", err)
		}
		if have := holding(t, c, key); len(have) < 2 {
			t.Fatalf("only the nodes %v have the first client's key", have)
		}
		ok(t, a.Extend(context.Background()))
		ok(t, a.Release(context.Background()))
	})
}

// taken makes somebody else hold the key on the nodes, and untake ends that.
func taken(t *testing.T, c *cluster.Cluster, key string, nodes ...int) {
	t.Helper()
	for _, i := range nodes {
		_, err := c.Nodes[i].Do("SET", key, "somebody else")
		ok(t, err)
	}
}

func untake(t *testing.T, c *cluster.Cluster, key string, nodes ...int) {
	t.Helper()
	for _, i := range nodes {
		_, err := c.Nodes[i].Do("DEL", key)
		ok(t, err)
	}
}

// delayRelease delays the next request with that text to the node. The function
// that it returns waits until the node has executed it.
func delayRelease(t *testing.T, n *cluster.Node, text string, d time.Duration) (arrived func()) {
	t.Helper()
	_, err := n.Do("CONFIG", "RESETSTAT")
	ok(t, err)
	ok(t, n.Proxy.Delay(cluster.Requests, text, d, 1))
	return func() {
		t.Helper()
		until(t, 5*time.Second, "the delayed release is let go", func() bool { return n.Proxy.Delayed(cluster.Requests) == 1 })
		until(t, 5*time.Second, "the release arrives", func() bool {
			stats, err := n.Do("INFO", "commandstats")
			ok(t, err)
			return calls(stats.Text, "evalsha") > 0
		})
		// It may have been another release that was executed. Of one that has been let
		// go, a connection through the same proxy is behind.
		for range 10 {
			ok(t, through(n))
		}
	}
}

// TestRS4_ExtendForgesNothing: a lease lapses, somebody else takes the lock and
// gives it back, and then the first asks for an extension. redsync with
// WithSetNXOnExtend says that all is well: it counts nodes that had lost the key.
func TestRS4_ExtendForgesNothing(t *testing.T) {
	c := startCluster(t, cluster.Options{Nodes: 3})

	rs := openRedsync(t, c.URLs()...)
	peer := rs.NewMutex("rs4", redsync.WithExpiry(200*time.Millisecond), redsync.WithSetNXOnExtend())
	ok(t, peer.Lock())
	until(t, 5*time.Second, "redsync's key expires", func() bool { return len(holding(t, c, "rs4")) == 0 })
	other := rs.NewMutex("rs4")
	ok(t, other.Lock())
	_, err := other.Unlock()
	ok(t, err)
	if extended, err := peer.Extend(); !extended || err != nil {
		t.Errorf("redsync says now: %v, %v", extended, err)
	}

	eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
		a := newLocker(t, open, redlock.Config{TTL: 200 * time.Millisecond}, c.URLs()...)
		b := newLocker(t, open, redlock.Config{}, c.URLs()...)
		lease := acquire(t, a, "rs4", redlock.WithoutRenewal())
		ok(t, acquire(t, b, "rs4").Release(context.Background())) // it has waited for the end
		if err := lease.Extend(context.Background()); !errors.Is(err, redlock.ErrLost) {
			t.Errorf("Extend after the lease lapsed: %v", err)
		}

		// The same, while the client has no reason to believe that it lapsed: the
		// nodes have lost their data.
		a = newLocker(t, open, redlock.Config{TTL: time.Minute}, c.URLs()...)
		lease = acquire(t, a, "rs4", redlock.WithoutRenewal())
		for _, n := range c.Nodes {
			_, err := n.Do("DEL", lease.Key())
			ok(t, err)
		}
		ok(t, acquire(t, b, "rs4").Release(context.Background()))
		if err := lease.Extend(context.Background()); !errors.Is(err, redlock.ErrLost) && !errors.Is(err, redlock.ErrNoQuorum) {
			t.Errorf("Extend after the nodes had lost the key: %v", err)
		}
		// And nothing was forged on the nodes, where it could stand in the way.
		_ = lease.Release(context.Background()) // says that it was lost
		free(t, c, lease.Key(), 5*time.Second)
	})
}

// TestRS5_CancelledCallerLeavesNothing: the caller's context ends while one node
// has granted the key, the others refuse, and the replies are on their way. redsync
// cleans up with that same context, that is, not at all.
func TestRS5_CancelledCallerLeavesNothing(t *testing.T) {
	c := startCluster(t, cluster.Options{Nodes: 3, Proxied: true})
	var warmed []*redlock.Locker
	for _, a := range adapters {
		l := newLocker(t, a.open, redlock.Config{TTL: time.Minute, NodeTimeout: 5 * time.Second}, c.URLs()...)
		warm(t, l, c)
		warmed = append(warmed, l)
	}
	for _, n := range c.Nodes {
		ok(t, n.Proxy.Latency(cluster.Replies, 100*time.Millisecond, 0))
	}
	// cancelled plays it, and returns what the call returned.
	cancelled := func(key string, call func(ctx context.Context) error) error {
		taken(t, c, key, 1, 2)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- call(ctx) }()
		until(t, 5*time.Second, "node 0 has granted the key", func() bool { return len(holding(t, c, key)) == 3 })
		cancel()
		err := <-done
		untake(t, c, key, 1, 2)
		return err
	}

	rs := openRedsync(t, c.URLs()...)
	err := cancelled("rs5", func(ctx context.Context) error {
		return rs.NewMutex("rs5", redsync.WithExpiry(time.Minute)).LockContext(ctx)
	})
	if left := remaining(t, c.Nodes[0], "rs5"); err == nil || left < 50*time.Second {
		t.Errorf("redsync says %v, and its key stays for %v", err, left)
	}

	for i, l := range warmed {
		name := "rs5 " + adapters[i].name
		err := cancelled("redlock:"+name, func(ctx context.Context) error {
			_, err := l.Acquire(ctx, name)
			return err
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: Acquire: %v", name, err)
		}
		free(t, c, "redlock:"+name, 5*time.Second)
	}
}

// TestRS6_ReleaseOvertakesTheSet: a node gets the release before the request that
// it is for, since both went by connections of a pool and the one was delayed. With
// redsync the key then stays for its whole expiry.
func TestRS6_ReleaseOvertakesTheSet(t *testing.T) {
	// delaySet delays the next SET to node 2, and returns how to wait for it.
	delaySet := func(t *testing.T, c *cluster.Cluster, text string) (arrived func()) {
		n := c.Nodes[2]
		_, err := n.Do("CONFIG", "RESETSTAT")
		ok(t, err)
		ok(t, n.Proxy.Delay(cluster.Requests, text, 300*time.Millisecond, 1))
		return func() {
			t.Helper()
			until(t, 5*time.Second, "the delayed SET arrives", func() bool {
				stats, err := n.Do("INFO", "commandstats")
				ok(t, err)
				return calls(stats.Text, "set") > 0
			})
		}
	}

	t.Run("redsync", func(t *testing.T) {
		c := startCluster(t, cluster.Options{Nodes: 3, Proxied: true})
		rs := openRedsync(t, c.URLs()...)
		before := rs.NewMutex("before") // so that there are connections
		ok(t, before.Lock())
		_, err := before.Unlock()
		ok(t, err)
		arrived := delaySet(t, c, "\r\nset\r\n")
		for _, n := range c.Nodes[:2] { // so that the third request has left before a majority has answered
			ok(t, n.Proxy.Latency(cluster.Replies, 100*time.Millisecond, 0))
		}
		m := rs.NewMutex("rs6", redsync.WithExpiry(time.Minute), redsync.WithFailFast(true))
		ok(t, m.Lock())
		_, err = m.Unlock()
		ok(t, err)
		arrived()
		if left := remaining(t, c.Nodes[2], "rs6"); left < 50*time.Second {
			t.Errorf("redsync's key stays for %v only", left)
		}
	})

	eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
		c := startCluster(t, cluster.Options{Nodes: 3, Proxied: true})
		l := newLocker(t, open, redlock.Config{TTL: time.Minute}, c.URLs()...)
		warm(t, l, c)
		arrived := delaySet(t, c, "\r\nSET\r\n")
		lease := acquire(t, l, "rs6")
		ok(t, lease.Release(context.Background()))
		arrived()
		free(t, c, lease.Key(), 5*time.Second)
	})
}
