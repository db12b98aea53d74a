package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
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
	hung   bool            // it is out
	turns  int             // so far, for keys that nobody has used
	inner  float64         // commands that a script of its calls, on average
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

// openAll opens the lockers of all players in this process. Who cannot be opened
// is left out, with the reason.
func (w *world) openAll(local bool) error {
	for _, p := range w.players {
		l, err := p.Open(contestant.Setup{URLs: p.urls, TTL: w.Settings.TTL, Local: local})
		if err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
		p.locker = l
	}
	return nil
}

// close closes the lockers and kills the servers.
func (w *world) close() error {
	var errs []error
	for _, p := range w.players {
		if p.locker != nil && !p.hung {
			// Of dead or frozen nodes a client may say anything.
			_ = p.locker.Close()
		}
	}
	return errors.Join(append(errs, w.cluster.Close())...)
}

// turnFunc measures one turn of a player, for about that long.
type turnFunc func(ctx context.Context, p *player, slice time.Duration) (Sample, error)

// play lets the players take turns, after each has warmed up.
func (w *world) play(ctx context.Context, slice time.Duration, turn turnFunc) error {
	for _, p := range w.players {
		_, err := p.turn(ctx, w.Settings.Warm, turn)
		if err == nil {
			err = p.count(ctx, turn)
		}
		if err := p.orHung(err); err != nil {
			return err
		}
	}
	for range w.Settings.Repeats {
		for _, p := range w.players {
			sample, err := p.turn(ctx, slice, turn)
			if err := p.orHung(err); err != nil {
				return err
			}
			if !p.hung {
				w.result.add(w.scenario, w.variant, len(w.cluster.Nodes), p.Name, sample)
			}
		}
	}
	w.say()
	return nil
}

// errHung says that calls did not return: neither with the lock nor when their
// context had ended.
var errHung = errors.New("calls did not return, though their context had ended")

// hungAfter is how long after the end of a turn.
const hungAfter = 20 * time.Second

// orHung takes a player out of the world whose calls do not return, with a remark;
// other errors are the run's.
func (p *player) orHung(err error) error {
	if !errors.Is(err, errHung) {
		return err
	}
	p.hung = true
	w := p.world
	w.result.Remarks = append(w.result.Remarks, fmt.Sprintf("%s was taken out of %s, N=%d, in its turn %d: %v.", p.Name, w.scenario, len(w.cluster.Nodes), p.turns, err))
	return nil
}

func (p *player) turn(ctx context.Context, slice time.Duration, turn turnFunc) (Sample, error) {
	if p.hung {
		return nil, nil
	}
	p.turns++
	runtime.GC() // all begin alike
	sample, err := turn(ctx, p, slice)
	if err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("%s, %s: %w", p.world.scenario, p.Name, err)
	}
	return sample, nil
}

// count finds out how many commands the player's scripts call, in a turn that is
// not measured.
func (p *player) count(ctx context.Context, turn turnFunc) error {
	if len(p.nodes) == 0 || p.hung {
		return nil
	}
	m, err := watch(p.nodes)
	if err != nil {
		return err
	}
	_, err = p.turn(ctx, p.world.Settings.Warm, turn)
	if err := errors.Join(err, m.stop()); err != nil {
		return err
	}
	p.inner = m.perScript()
	return nil
}

// cost is what a turn has used.
type cost struct {
	player    *player
	client    time.Duration
	servers   time.Duration
	mallocs   uint64
	allocated uint64
	calls     calls
}

// spent is what has been used so far.
func (p *player) spent() cost {
	c := cost{player: p, calls: callsOf(p.nodes)}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	c.mallocs, c.allocated = memory.Mallocs, memory.TotalAlloc
	for _, pid := range p.pids {
		c.servers += cpuOf(pid)
	}
	c.client = cpuOfSelf()
	return c
}

// since adds to the sample what each cycle has cost since then.
func (s Sample) since(before cost, cycles int) {
	p := before.player
	after := p.settled()
	client := cpuOfSelf() - before.client
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	var servers time.Duration
	for _, pid := range p.pids {
		servers += cpuOf(pid)
	}
	n := float64(cycles)
	s[ClientCPU] = micro(client) / n
	s[Allocs] = float64(memory.Mallocs-before.mallocs) / n
	s[AllocBytes] = float64(memory.TotalAlloc-before.allocated) / n
	s[ServerCPU] = micro(servers-before.servers) / n
	s.commands(before, after, n)
}

// commands adds how many there were for each cycle.
func (s Sample) commands(before cost, after calls, cycles float64) {
	p := before.player
	if len(p.nodes) == 0 {
		return
	}
	all, scripts := after.since(before.calls)
	s[Calls] = all / cycles
	s[Commands] = (all - scripts*p.inner) / cycles
}

// settled waits until the servers have executed what is still on its way to them,
// as what returns at a majority leaves something, and returns their calls.
func (p *player) settled() calls {
	last := callsOf(p.nodes)
	for range 20 {
		time.Sleep(time.Millisecond)
		now := callsOf(p.nodes)
		if more, _ := now.since(last); more == 0 {
			break
		}
		last = now
	}
	return last
}

func micro(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
func milli(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }
