package sim

import (
	"math/rand/v2"
	"time"
)

// watching is the worker whose operations watch.
const watching = 8

// election makes some of the operations of a world elections, and has clients watch them. It has
// dice of its own, so that worlds without one are as they would be without it.
func (g *generator) election() {
	s := g.s
	dice := g.Rand
	g.Rand = rand.New(rand.NewPCG(s.Seed, 0x656c656374))
	defer func() { g.Rand = dice }()
	if !g.odds(25) {
		return
	}
	if g.loses && g.odds(40) {
		s.Retention = s.longestTTL() * time.Duration(1+g.IntN(3)) // of notes, too
	}
	if g.odds(15) {
		g.rareLeaders()
		return
	}
	key := g.IntN(s.Keys)
	long := pick(g, 2, 10, 40)
	for i := range s.Ops {
		o := &s.Ops[i]
		if o.Key != key || o.Try || o.Leave || o.Foreign || o.HandOver || o.Read || o.Slots != 0 || len(o.Also) > 0 || g.odds(10) {
			continue
		}
		o.Elect = true
		if g.odds(long) && o.MaxHold == 0 {
			o.Hold = g.within(s.TTL/2, 6*s.TTL)
		}
	}
	if g.loses && g.odds(40) {
		g.risenLeaders()
	}
	if g.odds(50) {
		g.join(1) // who only watches
	}
	for client := range s.Clients {
		if client < len(s.Clients)-1 && g.odds(60) {
			continue
		}
		for at := g.within(0, time.Second); at < g.span; {
			o := Op{At: at, Client: client, Worker: watching, Key: key, Watch: true, Hold: g.spread(s.TTL, g.span)}
			s.Ops = append(s.Ops, o)
			at += o.Hold + g.within(0, s.TTL)
		}
	}
}

// risenLeaders has a majority of the nodes crash at once, again and again, and come back with
// what they knew some time ago: an old leader's key among it, at times.
func (g *generator) risenLeaders() {
	s := g.s
	for at := g.within(0, 4*s.TTL); at < g.span && len(s.Faults) < 400; at += g.within(2*s.TTL, 8*s.TTL) {
		past, down := g.spread(2*ms, s.TTL/2), g.within(ms/2, 20*ms)
		for _, n := range g.Perm(len(s.Nodes))[:len(s.Nodes)/2+1] {
			g.strikes(Fault{At: at, What: Crash, Client: Any, Node: n, For: down, Memory: Stale, By: past})
		}
	}
}

// rareLeaders makes a world in which little happens: now and then somebody leads for a moment, or
// until it dies, and who watches has a long way to a minority of the nodes. So it is told of the end while
// it still reads who leads, or not at all. TTLs are long, or else it would look again soon.
func (g *generator) rareLeaders() {
	s := g.s
	die := g.odds(50)
	s.TTL, s.Timeout, s.Retention = 10*time.Second, 50*ms, 24*time.Hour
	s.Push, s.Spike, s.SpikeMost = true, 0, 0
	s.Latency = [2]time.Duration{g.within(20*time.Microsecond, 200*time.Microsecond), 300 * time.Microsecond}
	for i := range s.Clients {
		s.Clients[i].TTL = 0
	}
	g.join(1)
	watcher := len(s.Clients) - 1
	s.Ops, s.Faults = nil, nil
	g.span = 120 * time.Second
	s.Ops = append(s.Ops, Op{At: g.within(0, time.Second), Client: watcher, Worker: watching, Watch: true, Hold: g.span})
	for at := g.within(15*time.Second, 20*time.Second); at < g.span; at += g.within(11*time.Second, 13*time.Second) {
		o := Op{At: at, Client: g.IntN(len(s.Clients)), Elect: true, Hold: g.within(0, 10*ms)}
		if die && o.Client != watcher {
			o.Hold = g.within(100*ms, 4*time.Second)
			g.strikes(Fault{At: at + o.Hold/2, What: Kill, Client: o.Client, Node: Any, For: g.within(100*ms, time.Second)})
			at += 2 * s.TTL // its key is there for one of them
		}
		s.Ops = append(s.Ops, o)
	}
	for _, n := range g.Perm(len(s.Nodes))[:(len(s.Nodes)-1)/2] {
		g.strikes(Fault{What: Slow, Client: watcher, Node: n, By: 24 * ms, For: 2 * g.span})
	}
	s.End = g.span + 2*s.TTL + 4*time.Second
}
