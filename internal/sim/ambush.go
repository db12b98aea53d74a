package sim

import (
	"slices"
	"time"

	"github.com/redlock-go/redlock/internal/core"
)

// ambush is a row of accidents that have to meet within milliseconds, which chance
// alone hardly ever brings about. Each is here because a mutant survived without it.
type ambush struct {
	// prepare changes the world to one in which it can happen.
	prepare func(g *generator)
	// lay lays one, and returns when the next can be laid.
	lay func(g *generator, at time.Duration) time.Duration
}

var ambushes = []ambush{
	{(*generator).forgetful, (*generator).whileVerified},
	{(*generator).pooled, (*generator).relapse},
	{(*generator).farApart, (*generator).newborn},
	{(*generator).rivals, (*generator).slowExtension},
}

// ambusher is the worker whose operations belong to an ambush.
const ambusher = 9

// ambush lays one after the other.
func (g *generator) ambush() {
	g.s.Keys++ // one that nobody else wants
	for at := g.within(0, 2*g.s.TTL); at < g.span && len(g.s.Faults) < 400; {
		at = g.lurks.lay(g, at)
	}
}

// acquires has a client take the ambush's own key.
func (g *generator) acquires(at time.Duration, client int, hold time.Duration) {
	g.s.Ops = append(g.s.Ops, Op{At: at, Client: client, Worker: ambusher, Key: g.s.Keys - 1, Hold: hold, Wait: g.s.ttl(client)})
}

// strikes adds a fault.
func (g *generator) strikes(f Fault) { g.s.Faults = append(g.s.Faults, f) }

func (g *generator) forgetful() {
	g.s.Durable, g.s.Ordered = false, false
	g.loses = true
	g.calmWalls()
}

// calmWalls sets wall clocks to what they may be where nodes lose data.
func (g *generator) calmWalls() {
	for i := range g.s.Clients {
		g.s.Clients[i].Wall = g.wall()
	}
}

// whileVerified: a node crashes while it is being verified, and is back without
// its data before the answer is there. The answer, over the old connection, is
// still that of the old run; the votes come over a new one, from the new run.
func (g *generator) whileVerified(at time.Duration) time.Duration {
	node, client := g.IntN(len(g.s.Nodes)), g.IntN(len(g.s.Clients))
	down := g.within(0, g.s.Timeout/4) + time.Microsecond
	before := max(0, at-g.within(0, 30*ms))
	g.strikes(Fault{At: before, What: Reset, Client: client, Node: node})
	g.strikes(Fault{At: before, What: Delay, Client: client, Node: node, Op: verify, Way: In, By: down + g.within(5*ms, 3*g.s.Timeout)})
	g.strikes(Fault{At: at, What: Crash, Client: Any, Node: node, For: down, Silent: true, Memory: Forgets})
	return at + g.within(g.s.TTL/2, 4*g.s.TTL)
}

func (g *generator) pooled() {
	g.s.Ordered = false
	for len(g.s.Nodes) < 3 {
		g.s.Nodes = append(g.s.Nodes, g.rate())
	}
}

// relapse: a request for the key is caught in the network. Its node is repaired,
// and votes; then it is out of reach until the key has lapsed there, and the old
// request arrives and takes it anew. Just then the node's vote is needed.
func (g *generator) relapse(at time.Duration) time.Duration {
	s := g.s
	client, nodes := g.IntN(len(s.Clients)), g.Perm(len(s.Nodes))
	ttl := s.ttl(client)
	from := func(least, most int) time.Duration {
		return g.within(ttl*time.Duration(least)/100, ttl*time.Duration(most)/100)
	}
	g.strikes(Fault{At: at, What: Delay, Client: client, Node: nodes[0], Op: core.Ask, Way: Out, By: from(150, 270)})
	g.acquires(at, client, 4*ttl)
	g.strikes(Fault{At: at + from(60, 100), What: Sever, Client: client, Node: nodes[0], Way: Out, For: from(100, 160)})
	for _, n := range nodes[1 : 1+(len(nodes)-1)/2] {
		g.strikes(Fault{At: at + from(170, 280), What: Hang, Client: Any, Node: n, For: from(30, 100)})
	}
	return at + 6*ttl
}

func (g *generator) rivals() {
	for len(g.s.Clients) < 2 {
		g.s.Clients = append(g.s.Clients, Client{PPM: g.rate()})
	}
}

// slowExtension: a lease is extended once, and the replies are long on their way. It
// lasts from when they were asked for, and somebody waits for its end.
func (g *generator) slowExtension(at time.Duration) time.Duration {
	s := g.s
	clients := g.Perm(len(s.Clients))
	holder, rival := clients[0], clients[1]
	ttl := s.ttl(holder)
	s.Ops = append(s.Ops,
		Op{At: at, Client: holder, Worker: ambusher, Key: s.Keys - 1, Hold: 3 * ttl, Wait: ttl, Extend: []time.Duration{ttl / 3}, NoRenew: true},
		Op{At: at + ttl/2, Client: rival, Worker: ambusher, Key: s.Keys - 1, Hold: 10 * ms, Wait: 3 * ttl})
	for n := range s.Nodes {
		g.strikes(Fault{At: at + ttl/4, What: Delay, Client: holder, Node: n, Op: core.Extend, Way: In, By: g.within(ttl/10, ttl/2)})
	}
	return at + g.within(5*ttl, 8*ttl)
}

// farApart makes the per-node deadline so long that a vote can be under way while
// a quarantine ends, and wall clocks differ by almost as much as I3 allows: the
// quarantine, as the fastest clock counts it.
func (g *generator) farApart() {
	s := g.s
	s.TTL, s.Timeout = 10*time.Second, g.within(2100*ms, 2500*ms)
	s.Durable, s.Retention = false, 24*time.Hour
	g.loses = true
	for len(s.Nodes) < 3 {
		s.Nodes = append(s.Nodes, g.rate())
	}
	for len(s.Clients) < 2 {
		s.Clients = append(s.Clients, Client{PPM: g.rate()})
	}
	for i := range s.Clients {
		s.Clients[i].TTL = 0
	}
	g.calmWalls()
	most := s.quarantine() * 495 / 1000
	s.Clients[0].Wall, s.Clients[1].Wall = most, -most
}

// newborn: the nodes that two majorities share forget the first one's token. A
// client that was started just now, and whose wall clock is behind, asks them
// before their quarantine is over, and has the reply after it.
func (g *generator) newborn(at time.Duration) time.Duration {
	s := g.s
	const ahead, behind = 0, 1
	s.Ops = slices.DeleteFunc(s.Ops, func(o Op) bool { return o.Client == behind && o.Worker != ambusher })
	nodes := g.Perm(len(s.Nodes))
	need := len(nodes)/2 + 1
	for _, n := range nodes[need:] {
		g.strikes(Fault{At: at, What: Sever, Client: ahead, Node: n, For: 500 * ms})
	}
	g.acquires(at, ahead, 10*ms)
	crash := at + g.within(20*ms, 100*ms)
	down := g.within(ms, 20*ms)
	birth := crash + down + g.within(9*time.Second, 10*time.Second)
	killed := birth - g.within(100*ms, 5*time.Second)
	g.strikes(Fault{At: killed, What: Kill, Client: behind, Node: Any, For: birth - killed})
	for _, n := range nodes[:len(nodes)-need] {
		g.strikes(Fault{At: birth, What: Sever, Client: behind, Node: n, For: 3 * time.Second})
	}
	asks := birth + g.within(0, 30*ms)
	g.acquires(asks, behind, 10*ms)
	for _, n := range nodes[len(nodes)-need : need] {
		g.strikes(Fault{At: crash, What: Crash, Client: Any, Node: n, For: down, Memory: Forgets})
		g.strikes(Fault{At: asks, What: Delay, Client: behind, Node: n, Op: core.Ask, Way: In, By: g.within(2*time.Second, 2500*ms)})
	}
	return at + 24*time.Second
}
