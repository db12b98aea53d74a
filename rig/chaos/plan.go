package chaos

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/redlock-go/redlock/rig/cluster"
	"github.com/redlock-go/redlock/rig/fault"
)

// Section is a part of a run, with clients of its own.
type Section struct {
	Title string
	// Within: all its faults are within the assumptions of I1, and so nothing may go
	// wrong that the guarantees name.
	Within bool
	// Durable: the clients are told that nodes lose nothing at a restart, which turns
	// the restart guard off.
	Durable bool
	For     time.Duration
	Nodes   fault.Plan
	Clients []ClientStep
}

// String prints the plan of the section, a line for each step.
func (s Section) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%v)\n", s.Title, s.For)
	for _, step := range s.Nodes {
		fmt.Fprintf(&b, "  %v\n", step)
	}
	for _, step := range s.Clients {
		fmt.Fprintf(&b, "  %v\n", step)
	}
	return b.String()
}

// ClientStep is a fault of one client of every contestant.
type ClientStep struct {
	At     time.Duration
	Client int           // the same of each contestant
	Freeze time.Duration // SIGSTOP for that long; 0: kill -9, and another takes its place
}

// String prints the step as a line of the plan.
func (s ClientStep) String() string {
	what := "kill -9, another in its place"
	if s.Freeze > 0 {
		what = fmt.Sprintf("SIGSTOP for %v", s.Freeze)
	}
	return fmt.Sprintf("%7.3fs client %d of each: %s", s.At.Seconds(), s.Client, what)
}

// Terms are what a plan is made up from: the same terms, the same plan.
type Terms struct {
	Seed    uint64
	For     time.Duration // all sections
	TTL     time.Duration
	Clients int // of each contestant
	Clocks  bool
	Disks   bool
}

const (
	nodes = 5
	most  = 2 // nodes in trouble at once, in section A

	lookFor = 20 // draws, for a fault that fits into the rest of a section
)

// fsync says which nodes keep their data, and how.
var fsync = []string{"", "", "everysec", "everysec", "always"}

// Plan makes up the sections of a run.
func Plan(t Terms, spared *fault.Spared) []Section {
	p := planner{Terms: t, r: rand.New(rand.NewPCG(t.Seed, 0)), spared: spared}
	share := func(part float64) time.Duration { return time.Duration(part * float64(t.For)).Round(time.Millisecond) }
	return []Section{
		p.section(Section{Title: "A. Within the assumptions", Within: true, For: share(0.7)}, p.minorities),
		p.section(Section{Title: "B. A majority loses its memory, and nothing tells", For: share(0.18)}, p.silentMajorities),
		p.section(Section{Title: "C. Three nodes without memory, the guard off", Durable: true, For: share(0.12)}, p.amnesia),
	}
}

type planner struct {
	Terms
	r      *rand.Rand
	spared *fault.Spared
}

func (p *planner) section(s Section, plan func(length time.Duration) fault.Plan) Section {
	s.Nodes = plan(s.For)
	s.Clients = p.clients(s.For)
	return s
}

// ttls draws a time between two multiples of the TTL.
func (p *planner) ttls(least, most float64) time.Duration {
	return p.times(p.TTL, least, most)
}

func (p *planner) times(unit time.Duration, least, most float64) time.Duration {
	return time.Duration((least + (most-least)*p.r.Float64()) * float64(unit)).Round(time.Millisecond)
}

// settle is how long a node counts as in trouble when its trouble is over: until
// no lease is left that was granted without it, or its holder has repaired it;
// and after a restart until it is trusted again.
func (p *planner) settle() time.Duration { return p.TTL + p.TTL/4 + 50*time.Millisecond }

// draw makes up one fault that a minority may have, and how long it is expected to
// take until all is well again.
type draw func() (f fault.Fault, span time.Duration)

// minorities is the plan of section A: faults of at most two nodes at once; and now
// and then most nodes or all of them restarted without memory within the time of a
// lease, which the restart guard is for.
func (p *planner) minorities(length time.Duration) fault.Plan {
	var plan fault.Plan
	busy := make([]time.Duration, nodes) // until when
	deck, at := p.deck(), p.ttls(0.2, 0.5)
	storms := max(1, int(length/(15*p.TTL)))
	tooLong := 0 // faults in a row that would not be over by the end
	for storm := 1; ; {
		if at >= length*time.Duration(storm)/time.Duration(storms+1) && storm <= storms {
			at = max(at, slices.Max(busy))
			step, span := p.storm(at)
			plan = append(plan, step)
			storm++
			for i := range busy {
				busy[i] = at + span
			}
			continue
		}
		make, persistent := deck()
		f, span := make()
		node, start := p.room(at, busy, persistent)
		if start+span > length {
			if tooLong++; tooLong > lookFor {
				if storm > storms {
					return plan
				}
				at = max(at, length*time.Duration(storm)/time.Duration(storms+1))
			}
			continue
		}
		tooLong = 0
		plan = append(plan, fault.Step{At: start, Nodes: []int{node}, Fault: f})
		busy[node] = start + span + p.TTL/10 // what things take
		at = start + p.ttls(0.1, 0.9)
	}
}

// room finds a node that is well, at the earliest time from at on at which not as
// many as may be are in trouble.
func (p *planner) room(at time.Duration, busy []time.Duration, persistent bool) (node int, start time.Duration) {
	for {
		var free []int
		next := time.Duration(1<<63 - 1)
		unwell := 0
		for i, until := range busy {
			switch {
			case until > at:
				unwell++
				next = min(next, until)
			case !persistent || fsync[i] != "":
				free = append(free, i)
			}
		}
		if unwell < most && len(free) > 0 {
			return free[p.r.IntN(len(free))], at
		}
		at = next
	}
}

// deck deals the kinds of fault in a random order, each once before any comes
// again, so that a short run has them all.
func (p *planner) deck() func() (make draw, persistent bool) {
	anyNode, keepers := p.kinds()
	all := len(anyNode) + len(keepers)
	var order []int
	return func() (draw, bool) {
		if len(order) == 0 {
			order = p.r.Perm(all)
		}
		i := order[0]
		order = order[1:]
		if i < len(anyNode) {
			return anyNode[i], false
		}
		return keepers[i-len(anyNode)], true
	}
}

// kinds are all kinds of fault: those of any node, and those of nodes that keep
// their data.
func (p *planner) kinds() (anyNode, keepers []draw) {
	settle := p.settle()
	network := func(name string, least, most float64, do func(n *cluster.Proxy) error) draw {
		return func() (fault.Fault, time.Duration) {
			d := p.ttls(least, most)
			return fault.Net{Name: name, Do: do, For: d, Settle: settle}, d + settle
		}
	}
	slow := func(name string, way cluster.Direction) draw {
		return func() (fault.Fault, time.Duration) {
			by := p.ttls(0.02, 0.4)
			return network(name, 0.5, 3, func(n *cluster.Proxy) error { return n.Latency(way, by, by/4) })()
		}
	}
	anyNode = []draw{
		func() (fault.Fault, time.Duration) {
			d := p.ttls(0, 1.5)
			return fault.Kill{Away: d, Quarantine: settle}, d + settle
		},
		func() (fault.Fault, time.Duration) {
			return fault.Kill{Quarantine: settle}, settle
		},
		func() (fault.Fault, time.Duration) {
			d := p.ttls(0.2, 3)
			return fault.Freeze{For: d, Settle: settle}, d + settle
		},
		network("partitioned", 0.3, 3, (*cluster.Proxy).Silence),
		network("requests held back", 0.3, 2, func(n *cluster.Proxy) error { return n.Hold(cluster.Requests) }),
		network("replies held back", 0.3, 2, func(n *cluster.Proxy) error { return n.Hold(cluster.Replies) }),
		network("requests dropped", 0.3, 2, func(n *cluster.Proxy) error { return n.Drop(cluster.Requests) }),
		network("replies dropped", 0.3, 2, func(n *cluster.Proxy) error { return n.Drop(cluster.Replies) }),
		slow("slow requests", cluster.Requests),
		slow("slow replies", cluster.Replies),
		network("connections reset", 0.2, 2, (*cluster.Proxy).Reset),
		network("byte by byte", 0.5, 2, func(n *cluster.Proxy) error { return n.SlowBytes(cluster.Replies, 500*time.Microsecond) }),
		func() (fault.Fault, time.Duration) {
			return fault.Flush{Spared: p.spared, Settle: settle}, settle
		},
	}
	if p.Clocks {
		for _, sign := range []time.Duration{1, -1} {
			anyNode = append(anyNode, func() (fault.Fault, time.Duration) {
				by, d := p.ttls(1.2, 3), p.ttls(0.3, 2)
				// A key that was set while the clock was ahead lives longer by as much.
				return fault.Clock{By: sign * by, For: d, Spared: p.spared, Settle: by + settle}, by + d + settle
			})
		}
	}
	keepers = []draw{func() (fault.Fault, time.Duration) {
		d := p.ttls(0, 1)
		return fault.Restart{Away: d, Quarantine: settle}, d + settle
	}}
	if p.Disks {
		keepers = append(keepers, func() (fault.Fault, time.Duration) {
			d := p.ttls(0.5, 2)
			return fault.Disk{For: d, Quarantine: settle}, d + settle
		})
	}
	return anyNode, keepers
}

// storm restarts three to five nodes without their data, one shortly after the
// other.
func (p *planner) storm(at time.Duration) (fault.Step, time.Duration) {
	some := p.r.Perm(nodes)[:3+p.r.IntN(3)]
	away, apart := p.ttls(0.02, 0.1), p.ttls(0, 0.25)
	return fault.Step{
		At: at, Nodes: some, Apart: apart, Alone: true,
		Fault: fault.Kill{Away: away, Quarantine: p.settle()},
	}, away + time.Duration(len(some))*apart + p.settle()
}

// silentMajorities is the plan of section B: three nodes at once forget what they
// granted, without a restart: by FLUSHALL, or as their clocks are set ahead.
func (p *planner) silentMajorities(length time.Duration) fault.Plan {
	return p.pieces(length, func(i int) (fault.Fault, time.Duration) {
		if i%2 == 0 && p.Clocks {
			by, d := p.ttls(1.2, 2), p.ttls(0.2, 0.5)
			return fault.Clock{By: by, For: d, Settle: by + p.settle()}, by + d + p.settle()
		}
		return fault.Flush{Settle: p.settle()}, p.settle()
	})
}

// amnesia is the plan of section C: three nodes at once restart without their data.
func (p *planner) amnesia(length time.Duration) fault.Plan {
	return p.pieces(length, func(int) (fault.Fault, time.Duration) {
		d := p.ttls(0, 0.05)
		return fault.Kill{Away: d, Quarantine: p.settle()}, d + p.settle()
	})
}

// pieces has one fault of three nodes after another, the first node among them every
// other time, as some contestants have only that; and at least one.
func (p *planner) pieces(length time.Duration, make func(i int) (fault.Fault, time.Duration)) fault.Plan {
	var plan fault.Plan
	for i, at := 0, p.ttls(0.4, 0.8); ; i++ {
		f, span := make(i)
		if i > 0 && at+span > length {
			return plan
		}
		some := p.r.Perm(nodes)
		if i%4 < 2 {
			first := slices.Index(some, 0)
			some[0], some[first] = some[first], some[0]
		}
		plan = append(plan, fault.Step{At: at, Nodes: some[:3], Fault: f, Alone: true})
		at += span + p.ttls(0.2, 0.6)
	}
}

// clients has one client after another frozen, for less and for more than a TTL, or
// killed.
func (p *planner) clients(length time.Duration) []ClientStep {
	var steps []ClientStep
	for at := p.ttls(0.5, 1); at < length-p.TTL/2; at += p.ttls(0.6, 2.2) {
		step := ClientStep{At: at, Client: p.r.IntN(p.Clients)}
		if p.r.IntN(5) < 3 {
			step.Freeze = p.ttls(0.1, 2.5)
		}
		steps = append(steps, step)
	}
	return steps
}
