package sim

import "time"

// rush is a world of many who want the same: waiters stand in the queues for long, and
// what happens to them and to the nodes' pushes is what I7 names. There is little else
// the matter, so that it is steady mostly, and every wait is judged.
func (g *generator) rush() {
	s := g.s
	s.Push, s.Spike, s.SpikeMost = true, 0, 0
	s.Keys = pick(g, 1, 1, 1, 2)
	s.TTL = pick(g, 200*ms, 500*ms, time.Second, 2*time.Second, 5*time.Second, 10*time.Second)
	s.Timeout = min(s.TTL/10, 50*ms)
	s.Latency = [2]time.Duration{g.within(20*time.Microsecond, 200*time.Microsecond), 0}
	s.Latency[1] = s.Latency[0] + g.within(0, s.Timeout/25)
	g.join(g.IntN(4))
	for i := range s.Clients {
		s.Clients[i].TTL = 0
	}
	g.setWalls()
	if g.odds(20) {
		g.frozenHeads()
		return
	}
	if g.odds(25) {
		g.shorthanded()
		return
	}
	g.crowd()
	g.disturb()
}

// shorthanded makes a crowd of processes, while a minority of the nodes is down again and
// again and does not vote: there is no vote to spare, so that the rest split often, and
// who gives a minority back has nothing but its place in the queues to bring it its turn.
func (g *generator) shorthanded() {
	s := g.s
	s.TTL = pick(g, 200*ms, 200*ms, 500*ms, time.Second)
	s.Timeout = min(s.TTL/10, 50*ms)
	g.setWalls()
	for len(s.Nodes) < 3 {
		s.Nodes = append(s.Nodes, g.rate())
	}
	g.join(max(0, 5+g.IntN(10)-len(s.Clients)))
	g.busy(1, pick(g, time.Duration(0), 2*ms, 20*ms), pick(g, 0, ms, 30*ms))
	minority := g.Perm(len(s.Nodes))[:(len(s.Nodes)-1)/2]
	for at := g.within(0, 2*time.Second); at < g.span; at += g.within(s.TTL, 3*s.TTL+2*time.Second) {
		for _, n := range minority {
			f := Fault{At: at, What: Crash, Client: Any, Node: n, For: g.spread(ms/2, time.Second)}
			if g.loses {
				f.Memory = pick(g, Keeps, Forgets)
			}
			g.strikes(f)
		}
	}
}

// frozenHeads makes a few wait for one that holds the key, and the first of them stand
// still or die before its turn. Nobody comes later who would happen to ask.
func (g *generator) frozenHeads() {
	s := g.s
	s.TTL = pick(g, 2*time.Second, 5*time.Second, 10*time.Second)
	for len(s.Clients) < 3+g.IntN(3) {
		s.Clients = append(s.Clients, Client{PPM: g.rate()})
	}
	for i := range s.Clients {
		s.Clients[i].Wall = 0 // so that they stand in the order in which they come
	}
	g.span = 60 * time.Second
	for at := 4 * time.Second; at < g.span; at += s.TTL + 8*time.Second {
		order := g.Perm(len(s.Clients))
		came := at
		hold := g.within(200*ms, s.TTL)
		for i, client := range order {
			o := Op{At: came, Client: client, Hold: g.within(0, 20*ms)}
			if i == 0 {
				o.Hold = hold
			}
			s.Ops = append(s.Ops, o)
			came += g.within(5*ms, hold/10)
		}
		for _, client := range order[1:pick(g, 2, 2, 3)] {
			f := Fault{At: g.within(at+hold/2, at+hold-5*ms), What: pick(g, Pause, Pause, Kill), Client: client, Node: Any}
			f.For = g.within(hold, hold+4*time.Second)
			s.Faults = append(s.Faults, f)
		}
	}
	s.End = g.span + 2*s.TTL + 4*time.Second
}

// setWalls sets the clients' wall clocks anew, where the TTL is another now: by how much they
// may be off depends on it.
func (g *generator) setWalls() {
	for i := range g.s.Clients {
		g.walls[i] = g.wall()
		g.s.Clients[i].Wall = g.walls[i]
	}
}

// join makes so many clients more.
func (g *generator) join(n int) {
	for range n {
		wall := g.wall()
		g.s.Clients = append(g.s.Clients, Client{PPM: g.rate(), Wall: wall})
		g.walls = append(g.walls, wall)
	}
}

// crowd makes the operations: those of some clients wait only, for all that is known of
// them, so that they have nothing but their place in the queue when something happens to
// them.
func (g *generator) crowd() {
	s := g.s
	workers := pick(g, 1, 2, 3, 5, 8, 100/len(s.Clients))
	if g.odds(60) { // processes, each of which stands in the queues, and not callers in one
		g.join(len(s.Clients) * (workers - 1))
		workers = 1
	}
	g.busy(workers, pick(g, time.Duration(0), 2*ms, 20*ms, 200*ms, s.TTL/2), pick(g, 0, ms, 30*ms, 300*ms, 3*time.Second))
}

// busy makes the operations of so many workers a client, who hold the key and think for
// about so long.
func (g *generator) busy(workers int, hold, think time.Duration) {
	s := g.s
	g.span = g.within(20*time.Second, 30*time.Second)
	wait := g.within(s.TTL, 20*s.TTL+time.Second)
	strangers := g.odds(20)
	for client := range s.Clients {
		for w := range workers {
			at := g.within(0, 2*think+5*ms)
			rude := strangers && g.odds(30)
			for at < g.span && len(s.Ops) < 3000 {
				o := Op{At: at, Client: client, Worker: w, Key: g.IntN(s.Keys), Hold: g.within(0, 2*hold), Foreign: rude}
				switch {
				case g.odds(5):
					o.Try = true
				case g.odds(15):
					o.Wait = g.within(0, wait/8) // gives up when others may already have given it the key
				default:
					o.Wait = wait
				}
				switch {
				case rude:
					o.NoRenew = true
				case g.odds(5):
					g.habits(&o)
				}
				s.Ops = append(s.Ops, o)
				at += o.Hold + g.within(0, 2*think) + ms
			}
		}
	}
	s.End = g.span + 2*s.TTL + 4*time.Second
}

// disturb makes the faults.
func (g *generator) disturb() {
	s := g.s
	if g.odds(15) {
		return
	}
	kinds := []What{Pause, Pause, Kill, Mute, Deafen, Reset, Crash, Hang, Wall}
	g.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
	kinds = kinds[:1+g.IntN(3)]
	victims := g.Perm(len(s.Nodes))
	victims = victims[:max(1, (len(s.Nodes)-1)/2)]
	every := g.spread(300*ms, 8*time.Second)
	for at := g.within(2*time.Second, 6*time.Second); at < g.span && len(s.Faults) < 200; at += g.within(0, 2*every) {
		f := g.fault(at, pick(g, kinds...), victims)
		switch f.What {
		case Pause, Kill:
			f.For, f.After = pick(g, g.spread(ms, time.Second), g.within(time.Second, 4*time.Second)), 0
			if g.odds(20) {
				f.After = g.IntN(40)
			}
		case Mute:
			f.Client, f.Node, f.Percent = Any, Any, pick(g, 5, 30, 100)
			f.For = g.spread(50*ms, 4*time.Second)
		case Deafen:
			f.Silent, f.For = g.odds(50), 0
		default:
		}
		s.Faults = append(s.Faults, f)
	}
}
