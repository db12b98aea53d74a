package redlock_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/redlocktest"
	"github.com/redlock-go/redlock/resp"
)

func acquireRead(t *testing.T, l *redlock.Locker, name string, opts ...redlock.Option) *redlock.Lease {
	t.Helper()
	lease, err := l.AcquireRead(t.Context(), name, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return lease
}

func release(t *testing.T, lease *redlock.Lease) {
	t.Helper()
	if err := lease.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// giveBack is release where nodes fail.
func giveBack(t *testing.T, lease *redlock.Lease) {
	t.Helper()
	if err := lease.Release(t.Context()); err != nil && !errors.Is(err, redlock.ErrNoQuorum) {
		t.Error(err)
	}
}

// waits starts an acquisition, and sees that it waits.
func waits(t *testing.T, take func(context.Context, string, ...redlock.Option) (*redlock.Lease, error), name string) (got chan *redlock.Lease) {
	t.Helper()
	got = make(chan *redlock.Lease, 1)
	var waiting atomic.Bool
	go func() {
		lease, err := take(t.Context(), name, redlock.WithOnWait(func(error) { waiting.Store(true) }))
		if err != nil {
			t.Error(err)
		}
		got <- lease
	}()
	time.Sleep(50 * time.Millisecond)
	if !waiting.Load() {
		t.Fatal("it does not wait")
	}
	return got
}

// nowGot is the lease of one who waited, and has it by now.
func nowGot(t *testing.T, got chan *redlock.Lease) *redlock.Lease {
	t.Helper()
	time.Sleep(50 * time.Millisecond)
	select {
	case lease := <-got:
		return lease
	default:
		t.Fatal("it still waits")
		return nil
	}
}

func TestReadersShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(5)
		a, b := open(t, nodes), open(t, nodes)
		first, second, third := acquireRead(t, a, "k"), acquireRead(t, a, "k"), acquireRead(t, b, "k")
		if !first.Shared() {
			t.Error("a reader's lease is not shared")
		}
		for _, l := range []*redlock.Locker{a, b} {
			_, err := l.TryAcquireWrite(t.Context(), "k")
			var held *redlock.HeldError
			if !errors.As(err, &held) || held.Holder != "readers" || held.Remaining < 9*time.Second {
				t.Errorf("a writer is told %v", err)
			}
		}
		time.Sleep(time.Minute) // all three are renewed
		for _, lease := range []*redlock.Lease{first, second, third} {
			if err := lease.Context().Err(); err != nil {
				t.Fatal(context.Cause(lease.Context()))
			}
			if _, err := b.TryAcquire(t.Context(), "k"); !errors.Is(err, redlock.ErrHeld) {
				t.Fatalf("a writer beside readers: %v", err)
			}
			release(t, lease)
		}
		w, err := b.TryAcquireWrite(t.Context(), "k")
		if err != nil {
			t.Fatal(err)
		}
		if w.Shared() {
			t.Error("a writer's lease is shared")
		}
		for _, lease := range []*redlock.Lease{first, second, third} {
			if w.Token() <= lease.Token() {
				t.Errorf("the writer's token %d is not above the reader's %d before", w.Token(), lease.Token())
			}
		}
		_, err = a.TryAcquireRead(t.Context(), "k")
		if !errors.Is(err, redlock.ErrHeld) {
			t.Errorf("a reader beside a writer: %v", err)
		}
		release(t, w)
		r := acquireRead(t, a, "k")
		if r.Token() <= w.Token() {
			t.Errorf("the reader's token %d is not above the writer's %d before", r.Token(), w.Token())
		}
		release(t, r)
		synctest.Wait()
		for _, n := range nodes {
			for _, key := range n.Keys() {
				if key != "{redlock:k}:t" {
					t.Errorf("%s is left behind", key)
				}
			}
		}
	})
}

// A reader that crashes is gone at its own expiry: for others that read, and for the
// writer that waits.
func TestAReaderThatCrashesIsGoneAtItsOwnExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(5)
		a, b := open(t, nodes), open(t, nodes)
		began := time.Now()
		acquireRead(t, a, "k", redlock.WithoutRenewal()) // as of one that has crashed
		time.Sleep(5 * time.Second)
		other := acquireRead(t, b, "k")
		got := waits(t, open(t, nodes).AcquireWrite, "k")
		time.Sleep(2 * time.Second)
		release(t, other)
		w := <-got
		if took := time.Since(began); took < 9*time.Second || took > 11*time.Second {
			t.Errorf("the writer had it after %v, want 10 s", took)
		}
		release(t, w)
	})
}

// New readers wait behind a writer that waits, and come together when it is done.
func TestAWriterThatWaitsIsNotStarved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(5)
		a, b, c := open(t, nodes), open(t, nodes), open(t, nodes)
		reader := acquireRead(t, a, "k")
		writer := waits(t, b.Acquire, "k")
		_, err := c.TryAcquireRead(t.Context(), "k")
		var held *redlock.HeldError
		if !errors.As(err, &held) || held.Holder != "readers, and by one that waits to write" {
			t.Errorf("a reader is told %v", err)
		}
		var later []chan *redlock.Lease
		for range 3 {
			later = append(later, waits(t, c.AcquireRead, "k"))
		}
		last := waits(t, a.AcquireWrite, "k")
		release(t, reader)
		release(t, nowGot(t, writer))
		time.Sleep(50 * time.Millisecond)
		var together []*redlock.Lease
		for _, got := range later {
			together = append(together, nowGot(t, got))
		}
		select {
		case <-last:
			t.Error("the second writer did not wait for the readers before it")
		default:
		}
		for _, lease := range together {
			release(t, lease)
		}
		release(t, nowGot(t, last))
	})
}

// With readers that come and go all the time, a writer waits for those before it.
func TestAStreamOfReadersAndAWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(5)
		for _, n := range nodes {
			n.Delay(time.Millisecond)
		}
		var reading sync.WaitGroup
		ctx, stop := context.WithCancel(t.Context())
		var reads, alone atomic.Int32
		for range 4 {
			l := open(t, nodes)
			for range 3 {
				reading.Go(func() {
					for ctx.Err() == nil {
						lease, err := l.AcquireRead(ctx, "k")
						if err != nil {
							continue
						}
						reads.Add(1)
						time.Sleep(30 * time.Millisecond)
						if alone.Load() > 0 {
							t.Error("a reader beside a writer")
						}
						_ = lease.Release(ctx)
					}
				})
			}
		}
		l := open(t, nodes)
		for range 20 {
			asked := time.Now()
			w := acquire(t, l, "k")
			if took := time.Since(asked); took > 200*time.Millisecond {
				t.Errorf("the writer waited for %v", took)
			}
			alone.Add(1)
			time.Sleep(10 * time.Millisecond)
			alone.Add(-1)
			release(t, w)
			time.Sleep(20 * time.Millisecond)
		}
		stop()
		reading.Wait()
		if n := reads.Load(); n < 100 {
			t.Errorf("%d reads beside 20 writes", n)
		}
	})
}

// A writer that waits and does not move does not keep new readers out for as long as others read.
func TestAFrozenWriterDoesNotKeepReadersOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		a, b := open(t, nodes), open(t, nodes)
		defer release(t, acquireRead(t, a, "k"))
		frozen := script.ProcessID{7}
		ctx, hangUp := context.WithCancel(t.Context())
		defer hangUp()
		p := script.Params{Key: "redlock:k", TTL: 10_000, Retention: 60_000, Waiter: frozen.Waiter(1, 1)}
		for _, n := range nodes.Connect() {
			go func() { _ = n.(redlock.Subscriber).Subscribe(ctx, frozen.Channel(), func() {}, func(string) {}) }()
			synctest.Wait()
			batch := p.Take("rl1.frozen", 1)
			eval, _ := script.Eval(batch[0])
			if _, err := n.Do(ctx, []resp.Command{eval}); err != nil {
				t.Fatal(err)
			}
		}
		asked := time.Now()
		release(t, acquireRead(t, b, "k"))
		if took := time.Since(asked); took < time.Second || took > 2*time.Second {
			t.Errorf("a reader waited for %v behind a writer that does not move", took)
		}
		asked = time.Now()
		release(t, acquireRead(t, b, "k"))
		if took := time.Since(asked); took > 0 {
			t.Errorf("the next one waited for %v", took)
		}
	})
}

func TestDowngrade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(5)
		a, b := open(t, nodes), open(t, nodes)
		w := acquire(t, a, "k")
		token := w.Token()
		reader := waits(t, b.AcquireRead, "k")
		second := waits(t, b.AcquireWrite, "k")
		third := waits(t, a.AcquireWrite, "k") // stands by in the process
		time.Sleep(time.Second)
		if err := w.Downgrade(t.Context()); err != nil {
			t.Fatal(err)
		}
		r := nowGot(t, reader)
		if !w.Shared() || w.Token() != token || w.Context().Err() != nil {
			t.Errorf("after Downgrade: shared %v, token %d, was %d, context %v", w.Shared(), w.Token(), token, w.Context().Err())
		}
		if r.Token() <= token {
			t.Errorf("the reader's token %d is not above the writer's %d", r.Token(), token)
		}
		time.Sleep(30 * time.Second)
		if w.Context().Err() != nil || r.Context().Err() != nil {
			t.Fatal("a reader was lost")
		}
		if err := w.Downgrade(t.Context()); err != nil { // it is one
			t.Error(err)
		}
		release(t, r)
		select {
		case <-second:
			t.Fatal("a writer has it beside a reader that was a writer")
		case <-third:
			t.Fatal("a writer of the same process has it beside a reader that was a writer")
		default:
		}
		release(t, w)
		s := nowGot(t, second)
		if s.Token() <= r.Token() || s.Token() <= token {
			t.Error("the next writer's token is not above those of the readers")
		}
		release(t, s)
		release(t, nowGot(t, third))
		if err := w.Downgrade(t.Context()); !errors.Is(err, redlock.ErrNotHeld) {
			t.Errorf("Downgrade of what was released: %v", err)
		}
	})
}

// Nodes that are missed hear of it with a renewal.
func TestDowngradeWithoutAQuorum(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(5)
		w := acquire(t, open(t, nodes), "k")
		for _, n := range nodes[:3] {
			n.FailNext(1, errors.New("connection reset by peer"))
		}
		if err := w.Downgrade(t.Context()); !errors.Is(err, redlock.ErrNoQuorum) {
			t.Fatalf("Downgrade on two nodes: %v", err)
		}
		if !w.Shared() {
			t.Error("it is not a reader's")
		}
		r := acquireRead(t, open(t, nodes), "k") // as soon as it is renewed
		if w.Context().Err() != nil {
			t.Error("it is lost")
		}
		time.Sleep(5 * time.Second) // the nodes are trusted again
		release(t, w)
		release(t, r)
	})
}

// A round that is under way, said by a writer, does not count as the reader's.
func TestDowngradeWhileItIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(5)
		w := acquire(t, open(t, nodes), "k")
		for _, n := range nodes {
			n.Delay(5 * time.Millisecond)
		}
		var both sync.WaitGroup
		both.Go(func() {
			if err := w.Extend(t.Context()); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(time.Millisecond)
		for range 3 {
			both.Go(func() {
				if err := w.Downgrade(t.Context()); err != nil {
					t.Error(err)
				}
				shared := 0
				for _, n := range nodes {
					if value, _ := n.Get("redlock:k"); value == "rl1=" {
						shared++
					}
				}
				if shared < 3 {
					t.Errorf("after Downgrade %d nodes let others read", shared)
				}
			})
		}
		both.Wait()
		release(t, w)
	})
}

// A lease that was downgraded is not passed on within the process, nor is it kept from
// those who stand by for it.
func TestNobodyInheritsAReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		l := open(t, nodes)
		first := acquire(t, l, "k")
		var rest []chan *redlock.Lease
		for range 3 {
			rest = append(rest, waits(t, l.Acquire, "k"))
		}
		release(t, first)
		w := nowGot(t, rest[0])
		reader := waits(t, open(t, nodes).AcquireRead, "k")
		if err := w.Downgrade(t.Context()); err != nil {
			t.Fatal(err)
		}
		r := nowGot(t, reader)
		release(t, w)
		time.Sleep(time.Second)
		select {
		case <-rest[1]:
			t.Fatal("a writer beside a reader")
		default:
		}
		release(t, r)
		release(t, nowGot(t, rest[1]))
		release(t, nowGot(t, rest[2]))
	})
}

// Many read and write at once, over nodes that fail now and then.
func TestReadersAndWritersInACrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(5)
		for i, n := range nodes {
			n.Delay(time.Duration(i) * time.Millisecond)
		}
		var book struct {
			sync.Mutex
			readers, writers int
			most             int
			written, seen    uint64 // the highest tokens
		}
		enter := func(lease *redlock.Lease, readers, writers int) {
			book.Lock()
			defer book.Unlock()
			book.readers += readers
			book.writers += writers
			book.most = max(book.most, book.readers)
			if book.writers > 1 || book.writers > 0 && book.readers > 0 {
				t.Errorf("%d writers and %d readers at once", book.writers, book.readers)
			}
			if readers+writers < 0 {
				return
			}
			if lease.Token() <= book.written || writers > 0 && lease.Token() <= book.seen {
				t.Errorf("token %d after a writer's %d, and %d of anybody", lease.Token(), book.written, book.seen)
			}
			book.seen = max(book.seen, lease.Token())
			if writers > 0 {
				book.written = lease.Token()
			}
		}
		var all sync.WaitGroup
		for p := range 4 {
			l := open(t, nodes)
			for g := range 4 {
				all.Go(func() {
					for i := range 15 {
						if (p+g+i)%4 > 0 {
							lease := acquireRead(t, l, "k")
							enter(lease, 1, 0)
							time.Sleep(5 * time.Millisecond)
							enter(lease, -1, 0)
							giveBack(t, lease)
							continue
						}
						lease := acquire(t, l, "k")
						enter(lease, 0, 1)
						time.Sleep(2 * time.Millisecond)
						if i%2 == 0 {
							enter(lease, 0, -1)
							book.Lock()
							book.readers++ // from the call on
							book.Unlock()
							if err := lease.Downgrade(t.Context()); err != nil && !errors.Is(err, redlock.ErrNoQuorum) {
								t.Error(err)
							}
							time.Sleep(5 * time.Millisecond)
							enter(lease, -1, 0)
						} else {
							enter(lease, 0, -1)
						}
						giveBack(t, lease)
					}
				})
			}
		}
		go func() {
			for i := range 20 {
				time.Sleep(20 * time.Millisecond)
				nodes[i%5].FailNext(3, fmt.Errorf("connection reset by peer"))
			}
		}()
		all.Wait()
		if book.most < 3 {
			t.Errorf("at most %d read at once", book.most)
		}
	})
}

// Readers are seen as such, and not taken from by force: who they are was not seen.
func TestReadersAreNotForced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		l := open(t, nodes)
		lease := acquireRead(t, l, "k")
		seen, err := l.Inspect(t.Context(), "k")
		if err != nil || seen.Holder == nil || seen.Holder.Label != "readers" || seen.Holder.Foreign {
			t.Fatalf("seen: %+v, %v", seen.Holder, err)
		}
		if _, err := l.ForceRelease(t.Context(), *seen.Holder); err == nil {
			t.Error("readers were forced")
		}
		if err := lease.Extend(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
