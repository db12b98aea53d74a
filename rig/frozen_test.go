package rig

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/rig/cluster"
)

// TestHundredThousandBesideAFrozenNode makes 100,000 operations (Acquire, Extend
// and Release in turn) while one node of five is stopped, and some on a healthy
// cluster in between, for comparison. A hung node must not make anything grow:
//
//   - requests: at most 1,024 are under way to it, of which an adapter makes up to
//     three goroutines each. It is extensions that pile up, as these are sent to
//     a node that is suspected, too.
//   - heap: at most 8 MB more after all than after the first tenth.
//   - the median latency: at most twice that on the healthy cluster, on a machine
//     that may be busy elsewhere (S5 of package bench measures it).
//
// And when it goes on, it is free of every key long before a TTL has passed.
func TestHundredThousandBesideAFrozenNode(t *testing.T) {
	cycles := 100_000/3/len(adapters) + 1
	eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
		const ttl = time.Minute
		c, well := startCluster(t, cluster.Options{}), startCluster(t, cluster.Options{})
		l := newLocker(t, open, redlock.Config{TTL: ttl}, c.URLs()...)
		reference := newLocker(t, open, redlock.Config{TTL: ttl}, well.URLs()...)
		warm(t, l, c)
		warm(t, reference, well)

		before := churn(t, l, reference, 400)
		ok(t, c.Nodes[2].Freeze())
		first := churn(t, l, reference, cycles/10)
		rest := churn(t, l, reference, cycles-cycles/10)

		most := max(first.goroutines, rest.goroutines)
		t.Logf("%d cycles: median %v, on a healthy cluster %v; at most %d goroutines, and %d before; heap %d KB after a tenth, %d KB after all; %d times this machine stood still",
			cycles, rest.median, rest.reference, most, before.goroutines, first.heap>>10, rest.heap>>10, first.stalls+rest.stalls)
		if most > before.goroutines+3*1024+64 {
			t.Errorf("%d goroutines, and %d before", most, before.goroutines)
		}
		if rest.heap > first.heap+8<<20 {
			t.Errorf("the heap grew from %d KB to %d KB", first.heap>>10, rest.heap>>10)
		}
		if rest.median > 2*rest.reference {
			t.Errorf("the median is %v, and %v on a healthy cluster", rest.median, rest.reference)
		}

		ok(t, c.Nodes[2].Thaw())
		var left []string
		if !eventually(10*time.Second, func() bool {
			var err error
			left, err = c.Nodes[2].Keys("redlock:*", time.Second)
			return err == nil && len(left) == 0
		}) {
			t.Errorf("%d keys are still on the node that was frozen, such as %.200q", len(left), left)
		}
	})
}

// load is what some cycles took.
type load struct {
	median     time.Duration // of a cycle
	reference  time.Duration // of a cycle of the reference locker
	goroutines int           // the most that there were
	heap       uint64        // in use when they were over
	stalls     int           // cycles in which too few nodes seemed to answer
}

// churn makes n cycles from a few goroutines, and one in eight with the reference
// as well.
func churn(t *testing.T, l, reference *redlock.Locker, n int) load {
	t.Helper()
	const workers = 4
	var sum load
	var took, referenceTook []time.Duration
	var mu sync.Mutex
	var working sync.WaitGroup
	for w := range workers {
		working.Go(func() {
			for i := range n / workers {
				name := fmt.Sprintf("churn %d %d", w, i%64)
				d, err := turn(l, name)
				var referenceD time.Duration
				if i%8 == 0 && err == nil {
					referenceD, err = turn(reference, name)
				}
				mu.Lock()
				switch {
				case err == nil:
					took = append(took, d)
				case stalled(err):
					sum.stalls++
				default:
					t.Errorf("cycle %d: %v", i, err)
				}
				if referenceD != 0 {
					referenceTook = append(referenceTook, referenceD)
				}
				if i%8 == 0 {
					sum.goroutines = max(sum.goroutines, runtime.NumGoroutine())
				}
				failed := t.Failed()
				mu.Unlock()
				if failed {
					return
				}
			}
		})
	}
	working.Wait()
	if t.Failed() {
		t.FailNow()
	}
	if sum.stalls > n/20+1 {
		t.Fatalf("%d of %d cycles failed for want of answers", sum.stalls, n)
	}
	runtime.GC()
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	sum.median, sum.reference, sum.heap = median(took), median(referenceTook), mem.HeapAlloc
	return sum
}

// turn is one cycle.
func turn(l *redlock.Locker, name string) (time.Duration, error) {
	ctx := context.Background()
	begin := time.Now()
	lease, err := l.Acquire(ctx, name)
	if err != nil {
		return 0, err
	}
	err = errors.Join(lease.Extend(ctx), lease.Release(ctx))
	return time.Since(begin), err
}
