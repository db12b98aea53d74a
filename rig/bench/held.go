package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

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
		if context.Cause(ctx) != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			p.leave(err)
			continue
		}
		r.result.add("S7", "", nodes, p.Name, sample)
		r.step()
	}
	return nil
}

func (r *run) holdMany(p *player) (Sample, error) {
	// Each in a process of its own: neither is in the way of the other.
	queued, err := r.alone(p, Job{Kind: Queue, Lock: "S7/queue/" + p.Name, Count: r.Settings.Waiters})
	if err != nil {
		return nil, err
	}
	process, err := startWorker(r.Worker)
	if err != nil {
		return nil, err
	}
	defer process.close() // and the leases end by themselves
	if _, err := process.do(r.opening(p, r.Settings.TTL)); err != nil {
		return nil, err
	}
	taken, err := process.do(Job{Kind: Take, Contestant: p.Name, Lock: "S7/" + p.Name, Count: r.Settings.Held})
	if err != nil {
		return nil, err
	}
	before := p.spent()
	kept, err := process.do(Job{Kind: Keep, Contestant: p.Name, TTL: r.Settings.TTL, For: r.Settings.HeldFor})
	if err != nil {
		return nil, err
	}
	servers := p.servers() - before.servers
	seconds := r.Settings.HeldFor.Seconds()
	sample := Sample{
		WaiterBytes: queued.Sample[WaiterBytes],
		Leases:      float64(r.Settings.Held), TakePerSecond: taken.Sample[TakePerSecond], LeaseBytes: taken.Sample[LeaseBytes],
		ClientCores: kept.CPU.Seconds() / seconds, ServerCores: servers.Seconds() / seconds,
		Renewals: kept.Sample[Renewals] / seconds, LeastLeft: kept.Sample[LeastLeft], Stall: kept.Sample[Stall],
		Late: kept.Sample[Late], Lost: kept.Sample[Lost], Errors: float64(taken.Errors),
	}
	if n := kept.Sample[Renewals]; n > 0 {
		sample[CommandsPer100] = float64(kept.Sent) / float64(len(p.nodes)) / n * 100
	}
	return sample, nil
}

// alone has a process of its own do a job.
func (r *run) alone(p *player, job Job) (Done, error) {
	process, err := startWorker(r.Worker)
	if err != nil {
		return Done{}, err
	}
	defer process.close()
	if _, err := process.do(r.opening(p, r.Settings.TTL)); err != nil {
		return Done{}, err
	}
	job.Contestant = p.Name
	return process.do(job)
}

// timed is a lease that tells when it ends.
type timed interface {
	Deadline() time.Time
	Context() context.Context
}

// take takes very many leases and keeps them.
func (w *worker) take(l *locker, job Job) (Done, error) {
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
func queue(l *locker, job Job) (Done, error) {
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

// keep looks at the leases at times, less often than each is renewed more than once.
// A renewal moves the deadline by the time since the one before, so nothing is
// missed in between. Late is a lease of whose TTL less than half was left, as its
// renewal is due when two thirds are; lost is one whose context is done.
func (w *worker) keep(l *locker, job Job) Done {
	seen := make([]time.Time, len(w.many))
	late := make([]bool, len(w.many))
	renewals, least := 0, job.TTL
	look := func() {
		for i, lease := range w.many {
			now := time.Now()
			deadline := lease.Deadline()
			left := deadline.Sub(now)
			if moved := deadline.Sub(seen[i]); !seen[i].IsZero() && moved > job.TTL/100 {
				renewals++
				left = min(left, job.TTL*99/100-moved) // the drift allowance is a hundredth
			}
			seen[i] = deadline
			least = max(0, min(least, left)) // a lease that was lost has nothing left
			late[i] = late[i] || left < job.TTL/2
		}
	}
	stalled := stalls()
	cpu, sent := cpuOfSelf(), l.sent.Load()
	look()
	tick := time.NewTicker(job.TTL / 5)
	defer tick.Stop()
	for end := time.Now().Add(job.For); time.Now().Before(end); {
		<-tick.C
		look()
	}
	done := Done{CPU: cpuOfSelf() - cpu, Sent: l.sent.Load() - sent, Sample: Sample{
		Renewals: float64(renewals), LeastLeft: least.Seconds(), Stall: milli(stalled()),
	}}
	for i, lease := range w.many {
		if late[i] {
			done.Sample[Late]++
		}
		if lease.Context().Err() != nil {
			done.Sample[Lost]++
		}
	}
	return done
}

// stallEvery is how often somebody looks whether the process stands still.
const stallEvery = 10 * time.Millisecond

// stalls looks how long the process, or the machine below it, does not get to run what
// is due: in that time no library could have renewed anything. The function that it
// returns ends it and tells the longest.
func stalls() func() time.Duration {
	end := make(chan struct{})
	longest := make(chan time.Duration)
	go func() {
		var most time.Duration
		tick := time.NewTicker(stallEvery)
		defer tick.Stop()
		for last := time.Now(); ; {
			select {
			case <-tick.C:
				now := time.Now()
				most = max(most, now.Sub(last)-stallEvery)
				last = now
			case <-end:
				longest <- most
				return
			}
		}
	}()
	return func() time.Duration {
		close(end)
		return <-longest
	}
}
