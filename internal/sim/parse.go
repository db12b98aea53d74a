package sim

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redlock-go/redlock/internal/check"
	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/script"
)

// Parse reads a scenario. Lines that begin with # are prose; each other line says
// one thing, in the words that [Scenario.String] prints. What is not said is as
// in a quiet world: three nodes, one key, a TTL of a second, ordered connections,
// latencies of a millisecond, clocks that agree.
func Parse(text string) (*Scenario, error) {
	s := &Scenario{
		Keys: 1, TTL: time.Second, Timeout: 50 * time.Millisecond, Ordered: true,
		Latency: [2]time.Duration{time.Millisecond, time.Millisecond},
	}
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if prose, ok := strings.CutPrefix(line, "#"); ok {
			s.Prose = append(s.Prose, strings.TrimPrefix(prose, " "))
			continue
		}
		if line == "" {
			continue
		}
		p := &words{list: strings.Fields(line)}
		s.line(p)
		if p.err == nil && len(p.list) > 0 {
			p.fail("what is %q here?", p.list[0])
		}
		if p.err != nil {
			return nil, fmt.Errorf("line %d: %q: %w", n+1, line, p.err)
		}
	}
	return s, s.complete()
}

// complete fills in what was not said and finds what cannot be.
func (s *Scenario) complete() error {
	if len(s.Nodes) == 0 {
		s.Nodes = make([]int64, 3)
	}
	end := time.Duration(0)
	for i := range s.Ops {
		o := &s.Ops[i]
		for len(s.Clients) <= o.Client {
			s.Clients = append(s.Clients, Client{})
		}
		for _, h := range o.Heirs {
			for len(s.Clients) <= h.Client {
				s.Clients = append(s.Clients, Client{})
			}
		}
		for _, k := range append(o.Also, o.Key) {
			s.Keys = max(s.Keys, k+1)
		}
		end = max(end, o.At+o.Hold+o.Wait+s.TTL)
	}
	if len(s.Clients) == 0 {
		return errors.New("nobody does anything")
	}
	for _, f := range s.Faults {
		if f.Node >= len(s.Nodes) || f.Client >= len(s.Clients) || f.Key > s.Keys {
			return fmt.Errorf("%q: there is no such node, client or key", f.String())
		}
		if f.What == Evict && f.Client == Any {
			return fmt.Errorf("%q: nobody evicts", f.String())
		}
		end = max(end, f.At+f.For+f.By+s.TTL)
	}
	if s.End == 0 {
		s.End = end
	}
	slices.SortStableFunc(s.Ops, func(a, b Op) int { return int(a.At - b.At) })
	slices.SortStableFunc(s.Faults, func(a, b Fault) int { return int(a.At - b.At) })
	return nil
}

func (s *Scenario) line(p *words) {
	switch w := p.next(); w {
	case "seed":
		n, err := strconv.ParseUint(p.next(), 10, 64)
		if err != nil {
			p.fail("a seed is a number from 0 to 2^64-1")
		}
		s.Seed = n
	case "keys":
		s.Keys = int(p.number(p.next()))
	case "ttl":
		s.TTL = p.duration()
	case "timeout":
		s.Timeout = p.duration()
	case "retention":
		s.Retention = p.duration()
	case "durable":
		s.Durable = true
	case "connections":
		s.Ordered = p.is("ordered")
		if !s.Ordered {
			p.must("pooled")
		}
	case "pushes":
		s.Push = true
	case "hand-overs":
		s.HandOvers = int(p.number(p.next()))
	case "requests":
		p.must("queued")
		s.Queued = true
	case "latency":
		least, most, ok := strings.Cut(p.next(), "..")
		if !ok {
			most = least
		}
		l := words{list: []string{least, most}}
		s.Latency = [2]time.Duration{l.duration(), l.duration()}
		p.err = errors.Join(p.err, l.err)
	case "spikes":
		s.Spike = int(p.suffixed("%"))
		p.must("up")
		p.must("to")
		s.SpikeMost = p.duration()
	case "client":
		s.client(p)
	case "node":
		s.node(p)
	case "nodes":
		s.Nodes = make([]int64, p.number(p.next()))
	case "end":
		s.End = p.duration()
	case "at":
		s.at(p)
	case "mutant":
		name := p.next()
		p.must("expect")
		s.expect(name, p)
	case "expect":
		s.expect("", p)
	default:
		p.fail("%q is nothing that a scenario says", w)
	}
}

func (s *Scenario) client(p *words) {
	i := p.client()
	if p.err != nil || i < 0 {
		return
	}
	for len(s.Clients) <= i {
		s.Clients = append(s.Clients, Client{})
	}
	c := &s.Clients[i]
	for len(p.list) > 0 && p.err == nil {
		switch w := p.next(); w {
		case "rate":
			c.PPM = p.suffixed("ppm")
		case "wall":
			c.Wall = p.duration()
		case "ttl":
			c.TTL = p.duration()
		default:
			p.fail("%q is nothing of a client", w)
		}
	}
}

func (s *Scenario) node(p *words) {
	i := p.node()
	if p.err != nil || i < 0 {
		return
	}
	for len(s.Nodes) <= i {
		s.Nodes = append(s.Nodes, 0)
	}
	if p.is("rate") {
		s.Nodes[i] = p.suffixed("ppm")
	}
	for native, word := range nativeWords {
		if p.is(word) {
			s.Natives = append(s.Natives, make([]script.Native, max(0, i+1-len(s.Natives)))...)
			s.Natives[i] = native
		}
	}
}

func (s *Scenario) expect(mutant string, p *words) {
	e := Expectation{Mutant: mutant}
	if !p.is("none") {
		for len(p.list) > 0 {
			e.Invariants = append(e.Invariants, check.Invariant(p.next()))
		}
		if len(e.Invariants) == 0 {
			p.fail("expect what? none, or I1, I2 and so on")
		}
	}
	s.Expect = append(s.Expect, e)
}

// at reads an operation or a fault.
func (s *Scenario) at(p *words) {
	at := p.duration()
	if p.err != nil || len(p.list) == 0 {
		p.fail("at what time who does what?")
		return
	}
	for what, name := range whatNames {
		if name == p.list[0] {
			p.next()
			s.Faults = append(s.Faults, p.fault(at, what))
			return
		}
	}
	o, last := p.op(at)
	for ; o.Worker <= last && len(s.Ops) < 10_000; o.Worker++ {
		s.Ops = append(s.Ops, o)
	}
}

// op reads an operation, of one worker or of each up to the last: "A/0..9".
func (p *words) op(at time.Duration) (o Op, last int) {
	o = Op{At: at}
	who, worker, ok := strings.Cut(p.next(), "/")
	if ok {
		from, to, many := strings.Cut(worker, "..")
		o.Worker = int(p.number(from))
		if last = o.Worker; many {
			last = int(p.number(to))
		}
	}
	w := words{list: []string{who}}
	if o.Client = w.client(); w.err != nil || o.Client == Any {
		p.fail("%q is neither a client nor a fault", who)
	}
	switch w := p.next(); w {
	case "acquire":
	case "try":
		o.Try = true
	case "elect":
		o.Elect = true
	case "watch":
		o.Watch = true
	default:
		p.fail("%q is nothing that a client does: acquire, try, elect or watch", w)
	}
	o.Key = p.key()
	for len(p.list) > 0 && p.err == nil {
		switch w := p.next(); w {
		case "hold":
			o.Hold = p.duration()
		case "wait":
			o.Wait = p.duration()
		case "cancel":
			o.Cancel = p.duration()
		case "extend":
			o.Extend = append(o.Extend, p.duration())
		case "max-hold":
			o.MaxHold = p.duration()
		case "no-renewal":
			o.NoRenew = true
		case "leave":
			o.Leave = true
		case "also":
			o.Also = append(o.Also, p.key())
		case "slots":
			o.Slots = int(p.number(p.next()))
		case "read":
			o.Read = true
		case "yield":
			o.Yield = p.duration()
		case "hand-over":
			o.HandOver = true
		case "heir", "prolong":
			o.Heirs = append(o.Heirs, p.heir(w == "prolong"))
		case "back":
			o.Back = true
		case "foreign":
			o.Foreign = true
		case "write":
			o.Write = true
		default:
			p.fail("%q is nothing of an operation", w)
		}
	}
	return o, last
}

func (p *words) fault(at time.Duration, what What) Fault {
	f := Fault{At: at, What: what, Client: Any, Node: Any}
	switch what {
	case Crash, Hang, Promote, Replace, Flush, Jump:
		f.Node = p.node()
	case Rate:
		if len(p.list) > 0 && p.list[0][0] >= 'A' {
			f.Client = p.client()
		} else {
			f.Node = p.node()
		}
		f.PPM = p.suffixed("ppm")
	case Wall, Pause, Kill, Preempt:
		f.Client = p.client()
	case Evict:
		f.Client, f.Key = p.client(), 1+p.key()
	default:
		f.Client, f.Node = p.client(), p.node()
	}
	switch what {
	case Lose, Repeat, Tear, Mute:
		f.Percent = int(p.suffixed("%"))
	case Delay, Drop, Echo:
		f.Op = p.request()
	default:
	}
	for len(p.list) > 0 && p.err == nil {
		switch w := p.next(); w {
		case "for":
			f.For = p.duration()
		case "by":
			f.By = p.duration()
		case "key":
			f.Key = int(p.number(p.next()))
		case "stale":
			f.Memory, f.By = Stale, p.duration()
		case "keeps":
			f.Memory = Keeps
		case "forgets":
			f.Memory = Forgets
		case "silently":
			f.Silent = true
		case "after":
			f.After = int(p.number(p.next()))
		case "both":
			f.Way = Both
		case "out", "request":
			f.Way = Out
		case "in", "reply":
			f.Way = In
		default:
			p.fail("%q is nothing of a fault", w)
		}
	}
	return f
}

func (p *words) request() core.Op {
	w := p.next()
	for op, name := range opNames {
		if name == w {
			return op
		}
	}
	p.fail("%q is no request: acquire, raise, extend, release, resume or verify", w)
	return 0
}
