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
			if _, err := p.turn(ctx, r.Settings.Warm, crew.turn); err != nil {
				return err
			}
		}
	}
	for i, w := range worlds {
		if err := situations[i].inject(w.cluster); err != nil {
			return err
		}
	}
	slow := r.notice(worlds)
	for range r.Settings.Repeats {
		for _, w := range worlds {
			for _, p := range w.players {
				if slow[p] {
					continue
				}
				if err := p.measure(ctx, r.Settings.Slice, crew.turn); err != nil {
					return err
				}
			}
		}
		r.step()
	}
	return nil
}

// noticeWithin is how long contestants may take to notice: the slowest wait for
// time-outs of ten seconds a cycle.
const noticeWithin = 90 * time.Second

// notice has all players notice what has happened, as the first to notice pays for
// all. Those who take longer than the patience for a cycle have been measured with
// that, and are returned: they wait for their time-outs, in which others do not
// disturb them.
func (r *run) notice(worlds []*world) map[*player]bool {
	var noticing sync.WaitGroup
	var mu sync.Mutex
	took := make(map[*player]Sample) // what was measured; there, but empty, if it was quick
	for _, w := range worlds {
		for _, p := range w.players {
			if !p.out {
				noticing.Go(func() {
					sample := p.notice(r.Settings.Patience)
					mu.Lock()
					defer mu.Unlock()
					took[p] = sample
				})
			}
		}
	}
	returned(&noticing, noticeWithin)
	mu.Lock()
	defer mu.Unlock()
	slow := make(map[*player]bool)
	for _, w := range worlds {
		for _, p := range w.players {
			switch sample, noticed := took[p]; {
			case p.out:
			case !noticed:
				p.leave(errHung)
			case sample != nil:
				slow[p] = true
				r.result.add("S5", w.variant, len(w.cluster.Nodes), p.Name, sample)
			}
		}
	}
	return slow
}

// notice goes through cycles for about as long as the patience lasts. It returns
// a sample if one takes longer.
func (p *player) notice(patience time.Duration) Sample {
	crew := newCyclers("S5/notice", 1) // others notice at the same time
	crew.nameFor(p.Name)
	c := crew.each[0]
	ctx := context.Background()
	// The first cycle is for noticing. Now and then one fails on a busy machine;
	// what cannot work at all is found in its turn.
	c.run(ctx, p.locker, time.Time{})
	begin := time.Now()
	c.run(ctx, p.locker, time.Time{})
	if len(c.cycles) > 0 && c.cycles[0] >= patience {
		took := c.cycles[0]
		return Sample{P50: micro(took), P99: micro(took), AcquireP50: micro(c.takes[0]), Rate: 1 / took.Seconds()}
	}
	for i := 0; i < 20 && time.Since(begin) < patience; i++ {
		c.run(ctx, p.locker, time.Time{})
	}
	return nil
}
