package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/redlock-go/redlock/rig/bench/contestant"
	"github.com/redlock-go/redlock/rig/cluster"
)

// world is a cluster for one scenario, with the contestants that can play in it.
type world struct {
	*run
	scenario string
	variant  string
	cluster  *cluster.Cluster
	players  []*player
}

// player is a contestant in a world.
type player struct {
	contestant.Contestant
	world  *world
	locker contestant.Locker // of this process; nil where only workers play
	urls   []string
	nodes  []*cluster.Node // those that it uses
	pids   []int           // of the servers that it uses
	out    bool            // it does not play any more
	turns  int             // so far, for keys that nobody has used
	sent   contestant.Sent // by locker
}

// newWorld starts the cluster and finds out who can play.
func (r *run) newWorld(scenario, variant string, nodes int, o cluster.Options) (*world, error) {
	o.Nodes = nodes
	c, err := cluster.Start(o)
	if err != nil {
		return nil, err
	}
	w := &world{run: r, scenario: scenario, variant: variant, cluster: c}
	for _, contestant := range r.Contestants {
		if why := r.cannot(contestant, w, o); why != "" {
			r.result.leaveEmpty(scenario, variant, nodes, contestant.Name, why)
			continue
		}
		p := &player{Contestant: contestant, world: w, urls: c.URLs(), nodes: c.Nodes}
		for _, n := range c.Nodes {
			p.pids = append(p.pids, n.Pid())
		}
		if contestant.Etcd {
			p.urls, p.nodes, p.pids = []string{r.etcd.url}, nil, []int{r.etcd.process.Pid()}
		}
		w.players = append(w.players, p)
	}
	return w, nil
}

// cannot says why a contestant does not play, "" if it does.
func (r *run) cannot(c contestant.Contestant, w *world, o cluster.Options) string {
	if why := excluded(w.scenario, o.Nodes, c); why != "" {
		return why
	}
	switch {
	case c.Etcd && r.etcd == nil:
		return r.etcdAbsent
	case c.Etcd && o.Proxied:
		return "not behind the delay"
	case c.Nodes == 1 && o.Nodes > 1:
		return "one node only: see N=1"
	}
	return ""
}

// openAll opens the lockers of all players in this process.
func (w *world) openAll(local bool) error {
	for _, p := range w.players {
		l, err := p.Open(contestant.Setup{URLs: p.urls, TTL: w.Settings.TTL, Local: local, Sent: &p.sent})
		if err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
		p.locker = l
	}
	return nil
}

// close closes the lockers and kills the servers.
func (w *world) close() error {
	var closing sync.WaitGroup
	for _, p := range w.players {
		if p.locker != nil && !p.out {
			// Of dead or frozen nodes a client may say anything, or wait for them.
			closing.Go(func() { _ = p.locker.Close() })
		}
	}
	returned(&closing, w.Settings.HungAfter)
	return w.cluster.Close()
}

// turnFunc measures one turn of a player, for about that long.
type turnFunc func(ctx context.Context, p *player, slice time.Duration) (Sample, error)

// play lets the players take turns, after each has warmed up.
func (w *world) play(ctx context.Context, slice time.Duration, turn turnFunc) error {
	for _, p := range w.players {
		if _, err := p.turn(ctx, w.Settings.Warm, turn); err != nil {
			return err
		}
	}
	for range w.Settings.Repeats {
		for _, p := range w.players {
			if err := p.measure(ctx, slice, turn); err != nil {
				return err
			}
		}
		w.step()
	}
	return nil
}

// errHung says that calls did not return: neither with the lock nor when their
// context had ended.
var errHung = errors.New("calls did not return, though their context had ended")

// leave takes a player out of the scenario, with a remark: no contestant ends or
// hangs the run.
func (p *player) leave(err error) {
	p.out = true
	w := p.world
	where := strings.TrimSpace(w.scenario + " " + w.variant)
	w.result.Remarks = append(w.result.Remarks, fmt.Sprintf("%s was taken out of %s, N=%d, in its turn %d: %v.", p.Name, where, len(w.cluster.Nodes), p.turns, err))
}

// measure is a turn whose sample goes into the result.
func (p *player) measure(ctx context.Context, slice time.Duration, turn turnFunc) error {
	sample, err := p.turn(ctx, slice, turn)
	if err == nil && !p.out {
		w := p.world
		w.result.add(w.scenario, w.variant, len(w.cluster.Nodes), p.Name, sample)
	}
	return err
}

// turn has a player take a turn, unless it is out. The error is only the run's.
func (p *player) turn(ctx context.Context, slice time.Duration, turn turnFunc) (Sample, error) {
	if p.out {
		return nil, nil
	}
	p.turns++
	runtime.GC() // all begin alike
	sample, err := turn(ctx, p, slice)
	if context.Cause(ctx) != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		p.leave(err)
	}
	return sample, nil
}

// returned waits for the goroutines, but not for ever.
func returned(working *sync.WaitGroup, within time.Duration) bool {
	done := make(chan struct{})
	go func() {
		working.Wait()
		close(done)
	}()
	enough := time.NewTimer(within)
	defer enough.Stop()
	select {
	case <-done:
		return true
	case <-enough.C:
		return false
	}
}

// cost is what a turn has used.
type cost struct {
	player    *player
	client    time.Duration
	servers   time.Duration
	mallocs   uint64
	allocated uint64
	sent      int64
}

// spent is what has been used so far.
func (p *player) spent() cost {
	c := cost{player: p, sent: p.sent.Load()}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	c.mallocs, c.allocated = memory.Mallocs, memory.TotalAlloc
	c.servers = p.servers()
	c.client = cpuOfSelf()
	return c
}

// servers is the processor time of the servers so far.
func (p *player) servers() (total time.Duration) {
	for _, pid := range p.pids {
		total += cpuOf(pid)
	}
	return total
}

// since adds to the sample what each cycle has cost since then, in this process and
// in the servers.
func (s Sample) since(before cost, cycles int) {
	p, n := before.player, float64(cycles)
	s[ClientCPU] = micro(cpuOfSelf()-before.client) / n
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	settle(p.nodes) // after that: it costs something here as well
	s[Allocs] = float64(memory.Mallocs-before.mallocs) / n
	s[AllocBytes] = float64(memory.TotalAlloc-before.allocated) / n
	s[ServerCPU] = micro(p.servers()-before.servers) / n
	if len(p.nodes) > 0 {
		s[Commands] = float64(p.sent.Load()-before.sent) / n
	}
}

func micro(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
func milli(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }
