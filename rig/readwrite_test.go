package rig

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/rig/cluster"
)

// TestReaderKilled: kill -9 of one of two processes that read. The other goes on, and the
// writer that waits has the lock when the dead one's own time is over, although the other
// was renewed for longer before it gave the lock back.
func TestReaderKilled(t *testing.T) {
	eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
		const ttl = 3 * time.Second
		c := startCluster(t, cluster.Options{})
		cfg := redlock.Config{TTL: ttl, NodeTimeout: ttl / 6}
		reads := warmed(t, newLocker(t, open, cfg, c.URLs()...), c)
		writes := warmed(t, newLocker(t, open, cfg, c.URLs()...), c)
		doomed := startStranger(t, errand{URLs: c.URLs(), Name: "k", TTL: ttl, Read: true})
		select {
		case <-doomed.gotten:
		case <-time.After(20 * time.Second):
			t.Fatal("the other process does not read")
		}
		lease := read(t, reads, "k")
		p := queueUp(t, c.Nodes, writes, "k", 1)
		doomed.Kill()
		killed := time.Now()
		ok(t, lease.Extend(t.Context()))
		if _, err := writes.TryAcquireRead(t.Context(), "k"); !errors.Is(err, redlock.ErrHeld) {
			t.Errorf("a reader that comes later than a writer that waits: %v", err)
		}
		ok(t, lease.Release(t.Context()))
		next := p.has(t, ttl+soon)
		took := time.Since(killed)
		t.Logf("the writer has it %v after the reader was killed", took)
		if took > ttl+time.Second {
			t.Errorf("it took %v, with a TTL of %v", took, ttl)
		}
		if next.Token() <= lease.Token() {
			t.Errorf("the writer's token %d is not above the reader's %d", next.Token(), lease.Token())
		}
		ok(t, next.Release(t.Context()))
		free(t, c, "redlock:k", soon)
		nobodyStands(t, c)
	})
}

// TestFrozenWriterInFront: SIGSTOP of a writer that waits. Readers that come pass it by after a
// moment, as others would read for ever; and it gets the lock when it goes on.
func TestFrozenWriterInFront(t *testing.T) {
	eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
		c := startCluster(t, cluster.Options{})
		cfg := redlock.Config{TTL: 20 * time.Second, NodeTimeout: time.Second}
		first := warmed(t, newLocker(t, open, cfg, c.URLs()...), c)
		second := warmed(t, newLocker(t, open, cfg, c.URLs()...), c)
		lease := read(t, first, "k")
		frozen := startStranger(t, errand{URLs: c.URLs(), Name: "k", TTL: cfg.TTL})
		stands(t, c.Nodes, "redlock:k", 1)
		ok(t, frozen.Freeze())
		begin := time.Now()
		other := read(t, second, "k")
		took := time.Since(begin)
		t.Logf("the next reader came after %v", took)
		if took < time.Second || took > soon {
			t.Errorf("the next reader came after %v", took)
		}
		ok(t, lease.Release(t.Context()))
		ok(t, frozen.Thaw())
		ok(t, other.Release(t.Context()))
		select {
		case <-frozen.gotten:
		case <-time.After(cfg.TTL + soon):
			t.Error("the writer goes on, and does not get the lock")
		}
	})
}

// TestReadersAndWritersOnServersThatFail: many read and write, and some of those who write read on,
// through both adapters, while one after the other of two servers is killed, frozen, and
// comes back without its data. Nobody is beside a writer, and a writer's token tells before from after.
func TestReadersAndWritersOnServersThatFail(t *testing.T) {
	c := startCluster(t, cluster.Options{})
	cfg := redlock.Config{TTL: 2 * time.Second, NodeTimeout: 200 * time.Millisecond}
	var b book
	ctx, stop := context.WithTimeout(t.Context(), 4*time.Second)
	defer stop()
	var all sync.WaitGroup
	for i, a := range []int{0, 1, 0, 1} {
		l := warmed(t, newLocker(t, adapters[a].open, cfg, c.URLs()...), c)
		for j := range 3 {
			all.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					b.visit(t, ctx, l, (i+j+n)%4 > 0, n%2 == 0)
				}
			})
		}
	}
	for n := 0; ctx.Err() == nil; n++ {
		hurt := c.Nodes[1+2*(n%2)]
		if n%3 == 0 {
			ok(t, hurt.Freeze())
		} else {
			hurt.Kill()
		}
		eventually(300*time.Millisecond, func() bool { return ctx.Err() != nil })
		if n%3 == 0 {
			ok(t, hurt.Thaw())
		} else {
			ok(t, hurt.RestartEmpty())
		}
		eventually(700*time.Millisecond, func() bool { return ctx.Err() != nil })
	}
	all.Wait()
	t.Logf("%d read, %d at once at the most; %d wrote, %d of them read on; %d found no quorum", b.reads.Load(), b.most, b.writes.Load(), b.yields.Load(), b.outages.Load())
	if b.reads.Load() < 50 || b.writes.Load() < 20 || b.yields.Load() < 5 || b.most < 2 {
		t.Error("too little came of it to say anything")
	}
}

// book is who holds the lock, as those say who do.
type book struct {
	mu               sync.Mutex
	readers, writers int
	most             int
	written, seen    uint64

	reads, writes, yields, outages atomic.Int64
}

// visit takes the lock, once.
func (b *book) visit(t *testing.T, ctx context.Context, l *redlock.Locker, reads, yields bool) {
	take := l.AcquireWrite
	if reads {
		take = l.AcquireRead
	}
	lease, err := take(ctx, "k")
	if err != nil {
		b.outages.Add(1)
		return
	}
	defer lease.Release(ctx)
	b.enter(t, lease, reads)
	defer func() { b.leave(lease.Shared()) }()
	work(lease)
	if reads {
		b.reads.Add(1)
		return
	}
	b.writes.Add(1)
	if !yields {
		return
	}
	b.mu.Lock()
	b.writers--
	b.readers++
	b.mu.Unlock()
	if lease.Downgrade(ctx) == nil {
		b.yields.Add(1)
	}
	if lease.Shared() {
		work(lease)
		return
	}
	b.mu.Lock() // it was over before
	b.writers++
	b.readers--
	b.mu.Unlock()
}

// work takes a moment, under the lease.
func work(lease *redlock.Lease) {
	select {
	case <-lease.Context().Done():
	case <-time.After(3 * time.Millisecond):
	}
}

func (b *book) enter(t *testing.T, lease *redlock.Lease, reads bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if reads {
		b.readers++
	} else {
		b.writers++
	}
	b.most = max(b.most, b.readers)
	if b.writers > 1 || b.writers > 0 && b.readers > 0 {
		t.Errorf("%d write and %d read at once", b.writers, b.readers)
	}
	if token := lease.Token(); token <= b.written || !reads && token <= b.seen {
		t.Errorf("token %d, after a writer's %d and anybody's %d", token, b.written, b.seen)
	}
	b.seen = max(b.seen, lease.Token())
	if !reads {
		b.written = lease.Token()
	}
}

func (b *book) leave(reads bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if reads {
		b.readers--
	} else {
		b.writers--
	}
}

// read takes the lock to read, as acquire does to write.
func read(t testing.TB, l *redlock.Locker, name string) *redlock.Lease {
	t.Helper()
	for {
		lease, err := l.AcquireRead(context.Background(), name)
		if err == nil {
			return lease
		}
		if !stalled(err) {
			t.Fatal(err)
		}
		t.Logf("a node was slow, once more: %v", err)
	}
}
