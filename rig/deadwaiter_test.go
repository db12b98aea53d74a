package rig

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/rig/cluster"
)

// A waiter that is dead or frozen, as head of the queue, costs the others no more than
// a reservation (I7). The TTL is a minute, so that nothing but the queue can have
// handed the lock over.

// TestHeadOfTheQueueKilled: kill -9. Its connections are closed, so that the nodes know.
func TestHeadOfTheQueueKilled(t *testing.T) {
	headOfTheQueue(t, func(t *testing.T, s *stranger) (after func()) {
		s.Kill()
		return func() {}
	})
}

// TestHeadOfTheQueueFrozen: SIGSTOP. Nobody can know, and so it has its reservation. When
// it goes on, it gets the lock all the same.
func TestHeadOfTheQueueFrozen(t *testing.T) {
	headOfTheQueue(t, func(t *testing.T, s *stranger) (after func()) {
		ok(t, s.Freeze())
		return func() {
			ok(t, s.Thaw())
			select {
			case <-s.gotten:
			case <-time.After(soon):
				t.Error("it goes on, and does not get the lock")
			}
			ok(t, s.release.Close())
		}
	})
}

func headOfTheQueue(t *testing.T, hurt func(t *testing.T, s *stranger) (after func())) {
	eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
		c := startCluster(t, cluster.Options{})
		cfg := redlock.Config{TTL: time.Minute, NodeTimeout: time.Second}
		holder := warmed(t, newLocker(t, open, cfg, c.URLs()...), c)
		others := []*redlock.Locker{warmed(t, newLocker(t, open, cfg, c.URLs()...), c), warmed(t, newLocker(t, open, cfg, c.URLs()...), c)}
		lease := acquire(t, holder, "k")
		head := startStranger(t, errand{URLs: c.URLs(), Name: "k", TTL: cfg.TTL})
		stands(t, c.Nodes, "redlock:k", 1)
		var places []*place
		for i, l := range others {
			places = append(places, queueUp(t, c.Nodes, l, "k", i+2))
		}
		after := hurt(t, head)
		begin := time.Now()
		ok(t, lease.Release(context.Background()))
		for _, p := range places {
			next := p.has(t, soon)
			t.Logf("after %v", time.Since(begin))
			ok(t, next.Release(context.Background()))
		}
		after()
		free(t, c, "redlock:k", soon)
		nobodyStands(t, c)
	})
}

// TestReservationIsNobodyElses: a key that is kept for the next in the queue is refused
// to whoever tries, of this library or another, and the error says so.
func TestReservationIsNobodyElses(t *testing.T) {
	eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
		c := startCluster(t, cluster.Options{})
		l := warmed(t, newLocker(t, open, redlock.Config{NodeTimeout: time.Second}, c.URLs()...), c)
		kept := script.ProcessID{7}.Waiter(1_700_000_000_000_000, 1).Reservation()
		for _, n := range c.Nodes {
			_, err := n.Do("SET", "redlock:k", kept, "PX", "60000")
			ok(t, err)
		}
		_, err := l.TryAcquire(t.Context(), "k")
		var held *redlock.HeldError
		if !errors.As(err, &held) || !held.Reserved || held.Remaining < 30*time.Second {
			t.Fatalf("TryAcquire: %v (%+v)", err, held)
		}
		if want := `redlock: "redlock:k" is reserved for the next in the queue`; len(err.Error()) < len(want) || err.Error()[:len(want)] != want {
			t.Errorf("the error says %q", err)
		}
		if err := openRedsync(t, c.URLs()...).NewMutex("redlock:k").TryLock(); err == nil {
			t.Error("redsync took a key that is kept for another")
		}
		// It is over when its time is.
		for _, n := range c.Nodes {
			_, err := n.Do("PEXPIRE", "redlock:k", "300")
			ok(t, err)
		}
		ok(t, acquire(t, l, "k").Release(t.Context()))
	})
}
