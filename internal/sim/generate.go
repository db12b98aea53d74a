package sim

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/script"
)

// Generate makes a scenario from a seed. It keeps to what the invariants assume,
// so that each violation in its run is a bug:
//
//   - clocks of clients and nodes differ in rate by less than 1 %, and no node's
//     clock jumps;
//   - nodes lose data only by a restart, which the guard can see. How many of
//     them, and how often, does not matter: those that did do not vote;
//   - a server is replaced by one that says nothing of its being new only where
//     every client knew the old one;
//   - nobody executes an acquire's batch again after its reply has left;
//   - nobody evicts a lease where nodes come back with an older copy of their data;
//   - wall clocks of clients are off by any amount where nodes keep their data,
//     and differ by less than the quarantine where they do not.
func Generate(seed uint64) *Scenario { return generate(seed, false) }

func generate(seed uint64, ofSlots bool) *Scenario {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0x7265646c6f636b)), s: &Scenario{Seed: seed}, all: ofSlots}
	g.cluster()
	g.clients()
	rush := g.odds(25)
	if rush {
		g.rush()
	} else {
		g.days()
	}
	g.versions(seed)
	g.election()
	if !rush {
		g.evictions(seed)
	}
	g.readers(seed)
	g.semaphores(seed)
	g.handOvers()
	g.sort()
	return g.s
}

// days are traffic, and what befalls it.
func (g *generator) days() {
	if g.odds(12) {
		g.lurks = pick(g, ambushes...)
		g.lurks.prepare(g)
	}
	g.traffic()
	if g.lurks.lay != nil {
		g.ambush()
	} else {
		g.accidents()
	}
}

// evictions are by people who act on what they have seen, in some worlds, which are as they
// would be without.
func (g *generator) evictions(seed uint64) {
	own := &generator{Rand: rand.New(rand.NewPCG(seed, 0x6576696374)), s: g.s}
	if !own.odds(15) || slices.ContainsFunc(g.s.Faults, func(f Fault) bool { return f.Memory == Stale }) {
		return // nodes that rise with a copy from before the eviction have the key again: F2
	}
	every := own.spread(g.s.TTL/4, 8*g.s.TTL)
	for at := own.within(0, every); at < g.span && len(g.s.Faults) < 600; at += own.within(0, 2*every) {
		g.s.Faults = append(g.s.Faults, Fault{
			At: at, What: Evict, Node: Any, Client: own.IntN(len(g.s.Clients)), Key: 1 + own.IntN(g.s.Keys), By: own.spread(100*time.Microsecond, g.s.TTL),
		})
	}
}

func (g *generator) sort() {
	slices.SortStableFunc(g.s.Ops, func(a, b Op) int { return int(a.At - b.At) })
	slices.SortStableFunc(g.s.Faults, func(a, b Fault) int { return int(a.At - b.At) })
}

type generator struct {
	*rand.Rand
	s     *Scenario
	all   bool   // its keys are all semaphores'
	loses bool   // nodes may lose data
	lurks ambush // if this world has one
	sets  bool   // some take several keys at once
	span  time.Duration
	walls []time.Duration // of each client, as they are by the last fault so far
}

// odds is true in so many cases of a hundred.
func (g *generator) odds(percent int) bool { return g.IntN(100) < percent }

// within is a time from least to most.
func (g *generator) within(least, most time.Duration) time.Duration {
	if most <= least {
		return least
	}
	return least + time.Duration(g.Int64N(int64(most-least)+1)).Truncate(time.Microsecond)
}

// spread is a time of any magnitude from least to most.
func (g *generator) spread(least, most time.Duration) time.Duration {
	t := least
	for t < most && g.odds(75) {
		t *= 2
	}
	return min(most, g.within(t/2, t))
}

func pick[T any](g *generator, list ...T) T { return list[g.IntN(len(list))] }

const ms = time.Millisecond

// extremePPM keeps the rates of any two clocks within 1 %.
const extremePPM = 4800

func (g *generator) rate() int64 {
	if g.odds(30) {
		return pick[int64](g, -extremePPM, 0, extremePPM)
	}
	return g.Int64N(2*extremePPM+1) - extremePPM
}

func (g *generator) cluster() {
	s := g.s
	n := pick(g, 1, 2, 3, 3, 3, 3, 3, 3, 3, 4, 5, 5, 5, 5, 5, 5, 5, 5, 7, 7)
	for range n {
		s.Nodes = append(s.Nodes, g.rate())
	}
	s.Keys = pick(g, 1, 1, 2, 3, 4)
	g.sets = s.Keys > 1 && g.odds(30)
	s.TTL = pick(g, 100*ms, 100*ms, 200*ms, 200*ms, 500*ms, time.Second, time.Second, 2*time.Second, 10*time.Second)
	s.Timeout = min(s.TTL/10, 50*ms)
	if g.odds(20) {
		s.Timeout = g.within(2*ms, s.TTL/4)
	}
	s.Ordered = g.odds(50)
	s.Queued = g.odds(50)
	s.Push = g.odds(75)
	s.HandOvers = pick(g, 0, 1, 3, 64)
	s.Latency = [2]time.Duration{g.within(20*time.Microsecond, min(ms, s.Timeout/50)), 0}
	s.Latency[1] = s.Latency[0] + g.within(0, s.Timeout/40)
	if g.odds(15) {
		s.Latency[1] = g.within(s.Latency[0], s.Timeout)
	}
	s.Retention = 24 * time.Hour
	switch {
	case g.odds(15):
		s.Durable = true
	case g.odds(70):
		g.loses = true
	}
}

// versions says which nodes are newer than others: in half of the worlds none is. It has dice of
// its own, so that the rest of a seed's world is what it was before there were any.
func (g *generator) versions(seed uint64) {
	dice := rand.New(rand.NewPCG(seed, 0x64656c6578))
	newest := [][]script.Native{
		{script.Delex},
		{script.Delifeq},
		{script.Scripted, script.Delex},
		{script.Scripted, script.Delex, script.Delifeq},
	}
	if dice.IntN(2) == 0 {
		return
	}
	kinds := newest[dice.IntN(len(newest))]
	for range g.s.Nodes {
		g.s.Natives = append(g.s.Natives, kinds[dice.IntN(len(kinds))])
	}
}

func (g *generator) clients() {
	s := g.s
	for range pick(g, 1, 2, 2, 2, 3, 3, 4, 5) {
		s.Clients = append(s.Clients, Client{PPM: g.rate()})
	}
	if g.odds(20) {
		for i := range s.Clients {
			s.Clients[i].TTL = s.TTL * time.Duration(1+g.IntN(3))
		}
	}
	if g.loses && g.odds(25) {
		s.Retention = s.longestTTL() * time.Duration(1+g.IntN(3))
	}
	for i := range s.Clients {
		s.Clients[i].Wall = g.wall()
		g.walls = append(g.walls, s.Clients[i].Wall)
	}
}

// wall is by how much a wall clock may be off.
func (g *generator) wall() time.Duration {
	if g.loses {
		most := g.s.quarantine() * 45 / 100
		return g.within(-most, most)
	}
	return g.within(-time.Hour, time.Hour)
}

// traffic makes the operations.
func (g *generator) traffic() {
	s := g.s
	ttl := s.TTL
	short := pick(g, 2*ms, 5*ms, 10*ms, 30*ms)
	think := pick(g, 0, 2*ms, 10*ms, 40*ms)
	// Holds that are as long as a lease are rare enough to leave time for others.
	long := min(0.25, float64(pick(g, 2*ms, 8*ms, 30*ms))/float64(ttl))
	g.span = min(time.Duration(20+g.IntN(100))*ttl, 40*time.Second)
	for client := range s.Clients {
		for w := range pick(g, 1, 1, 1, 2, 3) {
			at := g.within(0, think+ms)
			for at < g.span && len(s.Ops) < 3000 {
				o := Op{At: at, Client: client, Worker: w, Key: g.IntN(s.Keys), Hold: g.within(0, short)}
				switch {
				case g.Float64() < long:
					o.Hold = g.within(ttl/2, 3*ttl)
				case g.Float64() < long:
					o.Hold = g.within(0, ttl/4)
				}
				o.Try = g.odds(20)
				if !o.Try {
					o.Wait = g.within(ttl, 4*ttl)
					if g.odds(8) {
						o.Wait = g.within(time.Microsecond, 2*s.Latency[1]+2*ms)
					}
				}
				g.habits(&o)
				s.Ops = append(s.Ops, o)
				at += o.Hold + g.within(0, 2*think) + 4*s.Latency[1]
			}
		}
	}
	s.End = g.span + 8*s.longestTTL() + 4*time.Second
}

// habits are what only some users do. Those who hold for as long as a lease have
// more of them.
func (g *generator) habits(o *Op) {
	ttl := g.s.ttl(o.Client)
	few := 4
	if o.Hold > ttl/4 {
		few = 30
	}
	if g.odds(few) {
		o.Cancel = g.within(time.Microsecond, o.Hold+4*ms)
	}
	if g.odds(few) {
		for range 1 + g.IntN(3) {
			o.Extend = append(o.Extend, g.within(0, o.Hold))
		}
	}
	if g.odds(3) {
		o.MaxHold = g.within(ms, 2*ttl)
	}
	if g.sets && g.odds(50) {
		for _, k := range g.Perm(g.s.Keys) {
			if k != o.Key && (o.Also == nil || g.odds(40)) {
				o.Also = append(o.Also, k)
			}
		}
	}
	o.NoRenew = g.odds(10 + few)
	o.Leave = g.odds(3)
}

// accidents makes the faults: in each run only of some kinds, so that each kind
// gets its turn to shape a run.
func (g *generator) accidents() {
	s := g.s
	kinds := []What{Crash, Hang, Pause, Kill, Preempt, Sever, Slow, Lose, Repeat, Tear, Reset, Wall, Delay, Drop, Echo}
	if g.loses {
		kinds = append(kinds, Crash, Promote, Replace)
	}
	if g.odds(10) {
		kinds = nil
	}
	g.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
	kinds = kinds[:min(len(kinds), 1+g.IntN(7))]
	if slices.Contains(kinds, Replace) {
		// Everyone has to have known the old server: see Generate.
		kinds = slices.DeleteFunc(kinds, func(k What) bool { return k == Kill })
	}
	if len(kinds) > 0 && !slices.Contains(kinds, Replace) && g.odds(15) {
		s.Spike = 1 + g.IntN(4)
		s.SpikeMost = g.spread(2*ms, 4*s.TTL)
	}
	victims := g.Perm(len(s.Nodes))
	if most := (len(s.Nodes) - 1) / 2; g.odds(60) {
		victims = victims[:max(1, most)]
	}
	if g.odds(20) && len(s.Nodes) > 2 {
		// A minority hangs all the time.
		at := g.within(0, g.span/4)
		for _, n := range victims[:min(len(victims), (len(s.Nodes)-1)/2)] {
			s.Faults = append(s.Faults, Fault{At: at, What: Hang, Client: Any, Node: n, For: g.span})
		}
		if g.odds(50) {
			return
		}
	}
	if len(kinds) == 0 {
		return
	}
	every := g.spread(s.TTL/2, 16*s.TTL)
	at := g.within(0, every)
	if slices.Contains(kinds, Replace) {
		at += time.Second
	}
	for at < g.span && len(s.Faults) < 400 {
		s.Faults = append(s.Faults, g.fault(at, pick(g, kinds...), victims))
		// One seldom comes alone.
		for close := at; g.odds(35); {
			close += g.spread(100*time.Microsecond, 4*s.Timeout)
			s.Faults = append(s.Faults, g.fault(close, pick(g, kinds...), victims))
		}
		at += g.within(0, 2*every)
	}
}

// fault makes one fault.
func (g *generator) fault(at time.Duration, what What, victims []int) Fault {
	s := g.s
	f := Fault{At: at, What: what, Client: Any, Node: Any, For: g.spread(ms, 3*s.TTL)}
	client := g.IntN(len(s.Clients))
	switch what {
	case Crash, Hang, Promote, Replace:
		f.Node = pick(g, victims...)
	case Wall:
		f.Client, f.For = client, 0
		to := g.wall()
		f.By = to - g.walls[client]
		g.walls[client] = to
	case Pause, Kill, Preempt:
		f.Client = client
		if g.odds(60) {
			f.After = g.IntN(40)
		}
	default: // of a link
		if g.odds(70) {
			f.Client = client
		}
		if g.odds(80) {
			f.Node = pick(g, victims...)
		}
	}
	switch what {
	case Crash:
		f.Silent = g.odds(30)
		if g.loses {
			f.Memory = pick(g, Keeps, Forgets, Forgets, Stale)
		}
		if f.Memory == Stale {
			f.By = g.spread(ms, s.TTL)
		}
	case Promote:
		f.Memory, f.By = Stale, g.spread(ms, s.TTL/4)
	case Sever:
		f.Way = pick(g, Both, Out, In)
	case Slow:
		f.By = g.spread(ms, 2*s.TTL)
	case Lose:
		f.Percent = pick(g, 2, 10, 50)
	case Repeat, Tear:
		f.Percent = pick(g, 10, 50, 100)
	case Reset:
		f.For = 0
	case Delay, Drop:
		f.For = 0
		f.Client, f.Node = client, pick(g, victims...)
		f.Op = pick(g, core.Ask, core.Raise, core.Extend, core.Release, core.Release, verify)
		f.Way = pick(g, Out, In)
		if what == Delay {
			f.By = g.spread(ms, 3*s.TTL)
		}
	case Echo:
		f.For = 0
		f.Client, f.Node = client, pick(g, victims...)
		f.Op = pick(g, core.Raise, core.Extend, core.Release)
		f.By = g.spread(ms, 3*s.TTL)
	default:
	}
	return f
}
