package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redlock-go/redlock/rig/bench/contestant"
	"github.com/redlock-go/redlock/rig/cluster"
)

// hold is S7: a process that holds very many leases at once, for longer than they
// last if nobody renews them.
func (r *run) hold(ctx context.Context, nodes int) (err error) {
	w, err := r.newWorld("S7", "", nodes, cluster.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	for _, p := range w.players {
		sample, err := r.holdMany(p)
		if err = errors.Join(err, context.Cause(ctx)); err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
		r.result.add("S7", "", nodes, p.Name, sample)
	}
	w.say()
	return nil
}

func (r *run) holdMany(p *player) (Sample, error) {
	process, err := startWorker(r.Worker)
	if err != nil {
		return nil, err
	}
	defer process.close() // and the leases end by themselves
	_, err = process.do(Job{Kind: Open, Contestant: p.Name, URLs: p.urls, TTL: r.Settings.TTL})
	if err != nil {
		return nil, err
	}
	queued, err := process.do(Job{Kind: Queue, Contestant: p.Name, Lock: "S7/queue/" + p.Name, Count: r.Settings.Waiters})
	if err != nil {
		return nil, err
	}
	taken, err := process.do(Job{Kind: Take, Contestant: p.Name, Lock: "S7/" + p.Name, Count: r.Settings.Held})
	if err != nil {
		return nil, err
	}
	// What scripts call is counted in the first tenth, and the rest is measured.
	m, err := watch(p.nodes)
	if err != nil {
		return nil, err
	}
	_, err = process.do(Job{Kind: Keep, TTL: r.Settings.TTL, For: r.Settings.HeldFor / 10})
	if err := errors.Join(err, m.stop()); err != nil {
		return nil, err
	}
	p.inner = m.perScript()
	before := p.spent()
	kept, err := process.do(Job{Kind: Keep, TTL: r.Settings.TTL, For: r.Settings.HeldFor})
	if err != nil {
		return nil, err
	}
	seconds := r.Settings.HeldFor.Seconds()
	cost := Sample{}
	cost.since(before, 1)
	sample := Sample{
		WaiterBytes: queued.Sample[WaiterBytes],
		Leases:      float64(r.Settings.Held), TakePerSecond: taken.Sample[TakePerSecond], LeaseBytes: taken.Sample[LeaseBytes],
		ClientCores: kept.CPU.Seconds() / seconds, ServerCores: cost[ServerCPU] / 1e6 / seconds,
		Renewals: kept.Sample[Renewals] / seconds,
		Late:     kept.Sample[Late], Lost: kept.Sample[Lost], Errors: float64(taken.Errors),
	}
	if n := kept.Sample[Renewals]; n > 0 {
		sample[CommandsPer100] = cost[Commands] / float64(len(p.nodes)) / n * 100
	}
	return sample, nil
}

// timed is a lease that tells when it ends.
type timed interface {
	Deadline() time.Time
	Context() context.Context
}

// take takes very many leases and keeps them.
func (w *worker) take(l contestant.Locker, job Job) (Done, error) {
	leases := make([]timed, job.Count)
	heapBefore, stacksBefore := live()
	begin := time.Now()
	var next, failed atomic.Int64
	var first atomic.Pointer[error]
	var taking sync.WaitGroup
	for range goroutines {
		taking.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(leases) {
					return
				}
				name := fmt.Sprintf("%s/%d", job.Lock, i)
				for tries := 0; leases[i] == nil && tries < 100; tries++ {
					lease, err := l.Acquire(context.Background(), name)
					if err != nil {
						failed.Add(1)
						first.CompareAndSwap(nil, &err)
						continue
					}
					leases[i], _ = lease.(timed)
				}
			}
		})
	}
	taking.Wait()
	took := time.Since(begin)
	for i, lease := range leases {
		if lease == nil {
			err := errors.New("its leases do not tell when they end")
			if e := first.Load(); e != nil {
				err = *e
			}
			return Done{}, fmt.Errorf("lease %d: %w", i, err)
		}
	}
	w.many = leases
	heap, stacks := live()
	return Done{Errors: int(failed.Load()), Sample: Sample{
		TakePerSecond: float64(job.Count) / took.Seconds(),
		LeaseBytes:    float64(heap-heapBefore+stacks-stacksBefore) / float64(job.Count),
	}}, nil
}

// live is how much memory lives, on the heap and in stacks.
func live() (heap, stacks int64) {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc), int64(m.StackInuse)
}

// queueFor is how long the goroutines have to come to rest.
const queueFor = 2 * time.Second

// queue has very many goroutines wait for a lock that is held.
func queue(l contestant.Locker, job Job) (Done, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	held, err := l.Acquire(ctx, job.Lock)
	if err != nil {
		return Done{}, err
	}
	before, _ := live()
	var waiting sync.WaitGroup
	for range job.Count {
		waiting.Go(func() {
			if lease, err := l.Acquire(ctx, job.Lock); err == nil {
				_ = lease.Release(context.Background()) // the wait was over before the end
			}
		})
	}
	time.Sleep(queueFor)
	after, _ := live()
	cancel()
	waiting.Wait()
	return Done{Sample: Sample{WaiterBytes: float64(after-before) / float64(job.Count)}}, held.Release(context.Background())
}

// keep looks at the leases each second. Late is a lease that had less than a third
// of its TTL left, as renewals are due when two thirds are; lost is one whose
// context is done.
func (w *worker) keep(job Job) Done {
	seen := make([]time.Time, len(w.many))
	late, lost := make([]bool, len(w.many)), make([]bool, len(w.many))
	renewals := 0
	look := func() {
		for i, lease := range w.many {
			now, deadline := time.Now(), lease.Deadline()
			if !seen[i].IsZero() && deadline.After(seen[i]) {
				renewals++
			}
			seen[i] = deadline
			late[i] = late[i] || deadline.Sub(now) < job.TTL/3
			lost[i] = lost[i] || lease.Context().Err() != nil
		}
	}
	cpu := cpuOfSelf()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	look()
	for end := time.Now().Add(job.For); time.Now().Before(end); <-tick.C {
		look()
	}
	count := func(flags []bool) (n float64) {
		for _, flag := range flags {
			if flag {
				n++
			}
		}
		return n
	}
	return Done{CPU: cpuOfSelf() - cpu, Sample: Sample{
		Renewals: float64(renewals), Late: count(late), Lost: count(lost),
	}}
}
