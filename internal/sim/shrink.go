package sim

import (
	"slices"
	"time"

	"github.com/redlock-go/redlock/internal/check"
)

// Shrink makes a scenario small that violates an invariant: it leaves out faults
// and operations (delta debugging), then makes what is left simpler, as long as
// the same invariant is violated, and begins again until nothing can go any more,
// or the runs have come to so many events. The result violates the invariant.
func Shrink(s *Scenario, i check.Invariant, most int) *Scenario {
	k := &shrinker{invariant: i, left: most, best: s.clone()}
	k.best.Expect = nil
	k.best.Prose = nil
	if !k.accept(k.best) {
		return s
	}
	for {
		before := k.best.String()
		k.thin()
		k.simplify()
		if k.left <= 0 || k.best.String() == before {
			return k.best
		}
	}
}

type shrinker struct {
	invariant check.Invariant
	left      int
	best      *Scenario
}

// accept takes a scenario if it violates the invariant, by itself or with other
// accidents, and ends it right after that.
func (k *shrinker) accept(s *Scenario) bool {
	others := 1
	if len(s.Ops)+len(s.Faults) < 12 {
		others = 4
	}
	seed := s.Seed
	for n := range others {
		s.Seed = seed + uint64(n)
		for _, v := range k.run(s) {
			if v.Invariant != k.invariant {
				continue
			}
			if end := v.At + time.Millisecond; end < s.End {
				// What is only judged at the end is not seen if the end comes sooner.
				cut := s.clone()
				cut.End = end
				if slices.ContainsFunc(k.run(cut), func(v check.Violation) bool { return v.Invariant == k.invariant }) {
					s = cut
				}
			}
			k.best = s
			return true
		}
	}
	return false
}

// run runs a scenario, as long as there is something left to spend.
func (k *shrinker) run(s *Scenario) []check.Violation {
	if k.left <= 0 {
		return nil
	}
	r := Run(s, false)
	k.left -= int(r.Stats.Events) + len(s.Ops) + 100
	return r.Violations
}

// thin leaves out operations and faults: large parts first, then ever smaller ones.
func (k *shrinker) thin() {
	k.late()
	for size := (len(k.best.Ops) + len(k.best.Faults) + 1) / 2; size > 0; size /= 2 {
		for at := 0; at < len(k.best.Ops)+len(k.best.Faults); {
			s := k.best.clone()
			s.without(at, at+size)
			if k.left <= 0 {
				return
			}
			if !k.accept(s) {
				at += size
			}
		}
	}
}

// late leaves out what would begin after the end.
func (k *shrinker) late() {
	s := k.best.clone()
	s.Ops = slices.DeleteFunc(s.Ops, func(o Op) bool { return o.At > s.End })
	s.Faults = slices.DeleteFunc(s.Faults, func(f Fault) bool { return f.At > s.End })
	k.accept(s)
}

// without leaves out a part: the operations are counted first, then the faults.
func (s *Scenario) without(from, to int) {
	ops := len(s.Ops)
	if a, b := min(from, ops), min(to, ops); a < b {
		s.Ops = slices.Delete(s.Ops, a, b)
	}
	if a, b := max(from-ops, 0), min(to-ops, len(s.Faults)); a < b {
		s.Faults = slices.Delete(s.Faults, a, b)
	}
}

// simplify tries one simplification after the other.
func (k *shrinker) simplify() {
	try := func(change func(*Scenario)) {
		if k.left <= 0 {
			return
		}
		s := k.best.clone()
		change(s)
		if s.String() != k.best.String() {
			k.accept(s)
		}
	}
	for range len(k.best.Nodes) {
		try((*Scenario).dropNode)
	}
	for c := len(k.best.Clients) - 1; c >= 0; c-- {
		try(func(s *Scenario) { s.dropClient(c) })
	}
	try(func(s *Scenario) { s.Spike, s.SpikeMost = 0, 0 })
	try(func(s *Scenario) { s.Latency[0], s.Latency[1] = time.Millisecond, time.Millisecond })
	try(func(s *Scenario) { s.Latency[1] = s.Latency[0] })
	try(func(s *Scenario) { s.Retention = 24 * time.Hour })
	try(func(s *Scenario) { s.Durable = false })
	try(func(s *Scenario) { s.Ordered = true })
	try(func(s *Scenario) { s.Queued = false })
	try(func(s *Scenario) { s.Push = false })
	try(func(s *Scenario) { s.HandOvers = 0 })
	try(func(s *Scenario) { s.Natives = nil })
	try((*Scenario).oneKey)
	for i := range k.best.Clients {
		try(func(s *Scenario) { s.Clients[i].PPM = 0 })
		try(func(s *Scenario) { s.Clients[i].Wall = 0 })
		try(func(s *Scenario) { s.Clients[i].Wall = s.Clients[i].Wall.Round(10 * time.Millisecond) })
		try(func(s *Scenario) { s.Clients[i].TTL = 0 })
	}
	for i := range k.best.Nodes {
		try(func(s *Scenario) { s.Nodes[i] = 0 })
	}
	for i := range k.best.Ops {
		for _, change := range opChanges {
			try(func(s *Scenario) { change(&s.Ops[i]) })
		}
	}
	for i := range k.best.Faults {
		for _, change := range faultChanges {
			try(func(s *Scenario) { change(&s.Faults[i]) })
		}
	}
}

var opChanges = []func(*Op){
	func(o *Op) { o.Extend = nil },
	func(o *Op) { o.Also = nil },
	func(o *Op) { o.MaxHold = 0 },
	func(o *Op) { o.Cancel = 0 },
	func(o *Op) { o.Wait = 0 },
	func(o *Op) { o.NoRenew = false },
	func(o *Op) { o.Leave = false },
	func(o *Op) { o.HandOver, o.Heirs, o.Back = false, nil, false },
	func(o *Op) { o.Heirs = o.Heirs[:max(0, len(o.Heirs)-1)] },
	func(o *Op) { o.Heirs = o.Heirs[min(1, len(o.Heirs)):] },
	func(o *Op) { o.Back = false },
	func(o *Op) { o.Try = false },
	func(o *Op) { o.Elect = false },
	func(o *Op) { o.Worker = 0 },
	func(o *Op) { o.Hold = o.Hold.Round(10 * time.Millisecond) },
	func(o *Op) { o.Hold = o.Hold.Round(time.Millisecond) },
	func(o *Op) { o.At = o.At.Round(10 * time.Millisecond) },
	func(o *Op) { o.At = o.At.Round(time.Millisecond) },
	func(o *Op) { o.Wait = o.Wait.Round(time.Millisecond) },
}

var faultChanges = []func(*Fault){
	func(f *Fault) { f.After = 0 },
	func(f *Fault) { f.Silent = false },
	func(f *Fault) { f.For /= 2 },
	func(f *Fault) { f.For = f.For.Round(10 * time.Millisecond) },
	func(f *Fault) { f.For = f.For.Round(time.Millisecond) },
	func(f *Fault) { f.By = f.By.Round(10 * time.Millisecond) },
	func(f *Fault) { f.By = f.By.Round(time.Millisecond) },
	func(f *Fault) { f.At = f.At.Round(10 * time.Millisecond) },
	func(f *Fault) { f.At = f.At.Round(time.Millisecond) },
}

// dropNode leaves out the last node.
func (s *Scenario) dropNode() {
	n := len(s.Nodes) - 1
	if n < 1 {
		return
	}
	s.Nodes = s.Nodes[:n]
	s.Faults = slices.DeleteFunc(s.Faults, func(f Fault) bool { return f.Node == n })
}

// dropClient leaves out a client, and calls the others by new names.
func (s *Scenario) dropClient(c int) {
	if len(s.Clients) == 1 {
		return
	}
	s.Clients = slices.Delete(s.Clients, c, c+1)
	s.Ops = slices.DeleteFunc(s.Ops, func(o Op) bool { return o.Client == c })
	s.Faults = slices.DeleteFunc(s.Faults, func(f Fault) bool { return f.Client == c })
	for i := range s.Ops {
		if s.Ops[i].Client > c {
			s.Ops[i].Client--
		}
		s.Ops[i].Heirs = without(s.Ops[i].Heirs, c)
	}
	for i := range s.Faults {
		if s.Faults[i].Client > c {
			s.Faults[i].Client--
		}
	}
}

// oneKey leaves only the key that is used first.
func (s *Scenario) oneKey() {
	if len(s.Ops) == 0 {
		return
	}
	key := s.Ops[0].Key
	s.Ops = slices.DeleteFunc(s.Ops, func(o Op) bool { return o.Key != key })
	for i := range s.Ops {
		s.Ops[i].Key, s.Ops[i].Also = 0, nil
	}
	for i := range s.Faults {
		s.Faults[i].Key = min(s.Faults[i].Key, 1)
	}
	s.Faults = slices.DeleteFunc(s.Faults, func(f Fault) bool { return f.What == Evict && f.Key != key+1 })
	for i := range s.Faults {
		if s.Faults[i].What == Evict {
			s.Faults[i].Key = 1
		}
	}
	s.Keys = 1
}
