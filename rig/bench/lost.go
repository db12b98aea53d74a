package bench

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/redlock-go/redlock/rig/cluster"
)

// Situation is what happens to nodes in S5.
type Situation struct {
	Name   string
	inject func(c *cluster.Cluster) error
}

// Healthy is the situation with which the others are compared.
const Healthy = "healthy"

// Situations are those of S5. A frozen node accepts connections and never
// answers; a killed one refuses them.
func Situations() []Situation {
	lose := func(n int, how func(*cluster.Node) error) func(*cluster.Cluster) error {
		return func(c *cluster.Cluster) error {
			var errs []error
			for _, node := range c.Nodes[:min(n, len(c.Nodes))] {
				errs = append(errs, how(node))
			}
			return errors.Join(errs...)
		}
	}
	freeze := func(n *cluster.Node) error { return n.Freeze() }
	kill := func(n *cluster.Node) error { n.Kill(); return nil }
	return []Situation{
		{Healthy, func(*cluster.Cluster) error { return nil }},
		{"one frozen", lose(1, freeze)},
		{"two frozen", lose(2, freeze)},
		{"one killed", lose(1, kill)},
		{"two killed", lose(2, kill)},
	}
}

// lost is S5: one goroutine with locks of its own while nodes are lost. Each
// situation has a cluster of its own, and the situations take turns as well.
func (r *run) lost(ctx context.Context, nodes int) (err error) {
	var worlds []*world
	defer func() {
		for _, w := range worlds {
			for _, n := range w.cluster.Nodes {
				if n.Alive() && !n.Running() {
					err = errors.Join(err, n.Thaw()) // or clients wait for it when they close
				}
			}
			err = errors.Join(err, w.close())
		}
	}()
	situations := Situations()
	for _, s := range situations {
		w, err := r.newWorld("S5", s.Name, nodes, cluster.Options{})
		if err != nil {
			return err
		}
		worlds = append(worlds, w)
		if err := w.openAll(false); err != nil {
			return err
		}
	}
	crew := newCyclers("S5", 1)
	// While all is well, so that every node is known and every connection is there.
	for _, w := range worlds {
		for _, p := range w.players {
			if _, err := crew.turn(ctx, p, r.Settings.Warm); err != nil {
				return err
			}
		}
	}
	slow := make(map[*player]bool)
	for i, w := range worlds {
		if err := situations[i].inject(w.cluster); err != nil {
			return err
		}
	}
	if err := r.notice(ctx, worlds, slow); err != nil {
		return err
	}
	for range r.Settings.Repeats {
		for _, w := range worlds {
			for _, p := range w.players {
				if slow[p] {
					continue
				}
				sample, err := p.turn(ctx, r.Settings.Slice, crew.turn)
				if err != nil {
					return err
				}
				r.result.add("S5", w.variant, nodes, p.Name, sample)
			}
		}
	}
	for _, w := range worlds {
		w.say()
	}
	return nil
}

// notice has all players notice what has happened, as the first to notice pays for
// all. Those who take longer than the patience for a cycle have been measured with
// that: they wait for their time-outs, in which others do not disturb them.
func (r *run) notice(ctx context.Context, worlds []*world, slow map[*player]bool) error {
	var noticing sync.WaitGroup
	var mu sync.Mutex
	for _, w := range worlds {
		for _, p := range w.players {
			noticing.Go(func() {
				crew := newCyclers("S5/notice", 1) // they notice at the same time
				crew.nameFor(p.Name)
				c := crew.each[0]
				// The first cycle is for noticing. Now and then one fails on a busy machine;
				// what cannot work at all is found in its turn.
				c.run(ctx, p.locker, time.Time{})
				begin := time.Now()
				c.run(ctx, p.locker, time.Time{})
				if len(c.cycles) == 0 || c.cycles[0] < r.Settings.Patience {
					for i := 0; i < 20 && time.Since(begin) < r.Settings.Patience; i++ {
						c.run(ctx, p.locker, time.Time{})
					}
					return
				}
				mu.Lock()
				defer mu.Unlock()
				if took := c.cycles[0]; !slow[p] {
					slow[p] = true
					r.result.add("S5", w.variant, len(w.cluster.Nodes), p.Name, Sample{
						P50: micro(took), P99: micro(took), AcquireP50: micro(c.takes[0]), Rate: 1 / took.Seconds(),
					})
				}
			})
		}
	}
	noticing.Wait()
	return context.Cause(ctx)
}
