package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redlock-go/redlock/rig/bench/contestant"
	"github.com/redlock-go/redlock/rig/bench/stat"
	"github.com/redlock-go/redlock/rig/cluster"
)

// cycles is S1 and S2: goroutines that take and release locks of their own, each
// 128 of them in turn, so that a release that is still on its way to a minority
// is not in the way of the next cycle.
func (r *run) cycles(ctx context.Context, scenario string, nodes, goroutines int) (err error) {
	w, err := r.newWorld(scenario, "", nodes, cluster.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if err := w.openAll(false); err != nil {
		return err
	}
	crew := newCyclers(scenario, goroutines)
	return w.play(ctx, r.Settings.Slice, func(ctx context.Context, p *player, slice time.Duration) (Sample, error) {
		return crew.turn(ctx, p, slice)
	})
}

// cyclers are goroutines that go through cycles; what they need is made once, so
// that the allocations that are counted are the contestants'.
type cyclers struct {
	prefix string
	each   []*cycler
	names  map[string][][]string // by contestant, of each cycler
}

type cycler struct {
	names  []string
	cycles []time.Duration
	takes  []time.Duration
	errors int
	err    error // the first
}

func newCyclers(prefix string, n int) *cyclers {
	c := &cyclers{prefix: prefix, names: make(map[string][][]string)}
	for range n {
		c.each = append(c.each, &cycler{
			cycles: make([]time.Duration, 0, 1<<20/n),
			takes:  make([]time.Duration, 0, 1<<20/n),
		})
	}
	return c
}

// nameFor gives the cyclers the names of a contestant: nobody is held up by what
// another has left behind.
func (c *cyclers) nameFor(contestant string) {
	if c.names[contestant] == nil {
		for g := range c.each {
			var own []string
			for i := range names {
				own = append(own, fmt.Sprintf("%s/%s/%d/%d", c.prefix, contestant, g, i))
			}
			c.names[contestant] = append(c.names[contestant], own)
		}
	}
	for g, one := range c.each {
		one.names = c.names[contestant][g]
	}
}

func (c *cyclers) turn(ctx context.Context, p *player, slice time.Duration) (Sample, error) {
	c.nameFor(p.Name)
	before := p.spent()
	begin := time.Now()
	var working sync.WaitGroup
	for _, one := range c.each {
		working.Go(func() { one.run(ctx, p.locker, begin.Add(slice)) })
	}
	if !returned(&working, slice+p.world.Settings.HungAfter) {
		*c = *newCyclers(c.prefix, len(c.each)) // those are lost
		return nil, errHung
	}
	took := time.Since(begin)
	var all, takes []time.Duration
	failed := 0
	var firstErr error
	for _, one := range c.each {
		failed += one.errors
		if firstErr == nil {
			firstErr = one.err
		}
	}
	sample := Sample{Errors: float64(failed)}
	done := 0
	for _, one := range c.each {
		done += len(one.cycles)
	}
	if done == 0 {
		return nil, fmt.Errorf("no cycle in %v: %w", took, firstErr)
	}
	sample.since(before, done)
	for _, one := range c.each {
		all, takes = append(all, one.cycles...), append(takes, one.takes...)
	}
	sample[P50], sample[P99] = stat.Median(all)/1e3, stat.Percentile(all, 0.99)/1e3
	sample[AcquireP50] = stat.Median(takes) / 1e3
	sample[Rate] = float64(done) / took.Seconds()
	return sample, nil
}

// run goes through at least one cycle.
func (c *cycler) run(ctx context.Context, l contestant.Locker, end time.Time) {
	c.cycles, c.takes, c.errors, c.err = c.cycles[:0], c.takes[:0], 0, nil
	for i := 0; ; i++ {
		begin := time.Now()
		lease, err := l.Acquire(ctx, c.names[i%len(c.names)])
		taken := time.Now()
		if err == nil {
			err = lease.Release(ctx)
		}
		now := time.Now()
		if err == nil {
			c.takes = append(c.takes, taken.Sub(begin))
			c.cycles = append(c.cycles, now.Sub(begin))
		} else {
			c.errors++
			if c.err == nil {
				c.err = err
			}
		}
		if now.After(end) || ctx.Err() != nil {
			return
		}
	}
}
