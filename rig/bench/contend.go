package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redlock-go/redlock/rig/clock"
	"github.com/redlock-go/redlock/rig/cluster"
)

// crowd is S3: 64 goroutines of this process, one lock.
func (r *run) crowd(ctx context.Context, nodes int) (err error) {
	w, err := r.newWorld("S3", "", nodes, cluster.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if err := w.openAll(true); err != nil {
		return err
	}
	actors := make([]actor, goroutines)
	for i := range actors {
		actors[i].turns = make([]Turn, 0, 1<<14)
	}
	return w.play(ctx, r.Settings.ContendSlice, func(_ context.Context, p *player, slice time.Duration) (Sample, error) {
		// A key that nobody has used, as some leave theirs behind when they are stopped.
		lock := fmt.Sprintf("S3/%s/%d", p.Name, p.turns)
		before := p.spent()
		begin := clock.Now()
		end := begin.Add(slice)
		var working sync.WaitGroup
		for i := range actors {
			a := &actors[i]
			a.turns, a.errors, a.err = a.turns[:0], 0, nil
			working.Go(func() { a.run(p.locker, lock, end, 0) })
		}
		working.Wait()
		turns := make([][]Turn, len(actors))
		got, failed := 0, 0
		var first error
		for i, a := range actors {
			turns[i] = a.turns
			failed += a.errors
			if first == nil {
				first = a.err
			}
			for _, t := range a.turns {
				if t.Got > 0 {
					got++
				}
			}
		}
		if got == 0 {
			return nil, fmt.Errorf("nobody got the lock in %v: %w", slice, first)
		}
		cost := Sample{}
		cost.since(before, got)
		sample := contention(turns, begin, end)
		for m, value := range cost {
			sample[m] = value
		}
		sample[Errors] = float64(failed)
		sample.perHandOver()
		return sample, nil
	})
}

// perHandOver adds the commands for each hand-over.
func (s Sample) perHandOver() {
	if commands, counted := s[Commands]; counted && s[HandOvers] > 0 {
		s[CommandsPerHandOver] = commands * s[Rate] / s[HandOvers]
	}
}

// contenders is S4 and S4b: eight processes, one lock.
func (r *run) contenders(ctx context.Context, scenario, variant string, nodes int, section, delay time.Duration) (err error) {
	w, err := r.newWorld(scenario, variant, nodes, cluster.Options{Proxied: delay > 0})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if delay > 0 {
		for _, n := range w.cluster.Nodes {
			// Half of it each way.
			err := errors.Join(n.Proxy.Latency(cluster.Requests, delay/2, 0), n.Proxy.Latency(cluster.Replies, delay/2, 0))
			if err != nil {
				return err
			}
		}
	}
	if err := r.startCrew(); err != nil {
		return err
	}
	for _, p := range w.players {
		if _, err := r.crew.all(Job{Kind: Open, Contestant: p.Name, URLs: p.urls, TTL: r.Settings.TTL}); err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	defer func() {
		_, closeErr := r.crew.all(Job{Kind: Close})
		err = errors.Join(err, closeErr)
	}()
	return w.play(ctx, r.Settings.ContendSlice, func(_ context.Context, p *player, slice time.Duration) (Sample, error) {
		lock := fmt.Sprintf("%s/%s/%d", scenario, p.Name, p.turns)
		before := p.spent()
		begin := clock.Now().Add(20 * time.Millisecond) // by then all have read their job
		end := begin.Add(slice)
		done, err := r.crew.all(Job{Kind: Contend, Contestant: p.Name, Lock: lock, Begin: begin, End: end, Section: section})
		if err != nil {
			return nil, err
		}
		turns := make([][]Turn, len(done))
		got, failed := 0, 0
		var client time.Duration
		var mallocs, allocated uint64
		var first string
		for i, d := range done {
			turns[i] = d.Turns
			failed += d.Errors
			client += d.CPU
			mallocs, allocated = mallocs+d.Mallocs, allocated+d.Allocated
			if first == "" {
				first = d.Failure
			}
			for _, t := range d.Turns {
				if t.Got > 0 {
					got++
				}
			}
		}
		if got == 0 {
			return nil, fmt.Errorf("nobody got the lock in %v: %s", slice, first)
		}
		cost := Sample{}
		cost.since(before, got)
		n := float64(got)
		cost[ClientCPU], cost[Allocs], cost[AllocBytes] = micro(client)/n, float64(mallocs)/n, float64(allocated)/n
		sample := contention(turns, begin, end)
		for m, value := range cost {
			sample[m] = value
		}
		sample[Errors] = float64(failed)
		sample.perHandOver()
		return sample, nil
	})
}
