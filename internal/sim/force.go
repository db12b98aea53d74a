package sim

import (
	"slices"
	"strings"
	"time"

	"github.com/redlock-go/redlock/internal/check"
	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/resp"
)

// force is what ForceRelease is in the root package: two rounds, and one that tells the
// holder. What it decides is core.Eviction's, as there. Its user has seen who holds the
// lock at one moment, with the eye of God, and acts on that at a later one.
type force struct {
	proc     *process
	seen     *claim
	kind     script.Kind // of what it was seen to have
	slot     int
	round    int
	tries    int // rounds of looking, and then of evicting
	eviction core.Eviction
	token    uint64
	wants    []bool // by node: its answer is waited for
	unsure   bool   // of some that answered it is not known who they are
	did      []bool // it has answered
}

// The rounds of an eviction.
const (
	forceLook = iota
	forceEvict
	forceTell
)

const mostEvictions = 3

// lasts is after how long a lease's process listens: up to two of the root package's
// vigilances.
const lasts = 200 * time.Millisecond

// lookAndEvict sees who holds a key, or is the first of those who share it or have slots that a majority
// has, and plans the eviction. It leaves sets of keys alone: what they
// have of the others would have to be followed here, too.
func (w *world) lookAndEvict(f *Fault) {
	votes := make(map[*claim]int)
	for _, n := range w.nodes {
		for _, c := range n.have(w, f.Key-1) {
			if votes[c]++; votes[c] < w.need || len(c.keys()) > 1 {
				continue
			}
			x := &force{seen: c, proc: w.machines[f.Client].proc}
			switch {
			case c.op.spec.Slots > 0:
				x.kind, x.slot = script.Slots{}, script.Slots{}.Held(n.model, n.ms(w.now), c.params.Key, c.value)
			case c != n.holder(w, f.Key-1):
				x.kind = script.Reader
			}
			w.plan(w.now+f.By, evForce, x, 0)
			return
		}
	}
}

// params are what it is about.
func (x *force) params() script.Params {
	return script.Params{Key: x.seen.params.Key, Kind: x.kind, Slot: x.slot}
}

// happen is what happens to an eviction: it begins.
func (x *force) happen(_ *world, ev event) {
	if x.proc == nil || x.proc.away(ev) {
		return
	}
	x.eviction = core.Eviction{Need: x.proc.terms.Need}
	x.ask(forceLook, x.params().Above())
}

// ask begins a round: survey of the root package.
func (x *force) ask(round int, batch []resp.Command) {
	p := x.proc
	x.round, x.unsure = round, false
	x.wants, x.did = make([]bool, len(p.lanes)), make([]bool, len(p.lanes))
	for i := range p.lanes {
		l := &p.lanes[i]
		enough := l.core.Suspect() && p.trusted() >= p.terms.Need
		if l.core.Admit(core.Extend, false, core.Votes, enough) != core.Go {
			continue
		}
		if l.core.Guard.Standing(p.read(), l.epoch) == core.Unverified {
			l.verify()
		}
		f := l.ownCall()
		f.force, f.round, f.batch = x, uint32(round), batch
		x.wants[i] = true
		l.launch(f)
	}
	x.next()
}

// forsake has the key go from the nodes that the eviction did not reach.
func (x *force) forsake() {
	for i := range x.proc.lanes {
		if l := &x.proc.lanes[i]; !x.did[i] && !x.seen.op.spec.Foreign {
			l.core.Owe(core.Debt{Key: x.seen.params.Key, Value: x.seen.value, Kind: x.kind})
			if l.debtors == nil {
				l.debtors = make(map[string]*claim)
			}
			l.debtors[x.seen.value] = x.seen // so that the book follows what is released
			l.pay()
		}
	}
}

// answered takes a node's answer to the round under way.
func (x *force) answered(f *call, err error) {
	i := f.lane.index
	if int(f.round) != x.round || !x.wants[i] {
		return // late
	}
	x.wants[i] = false
	if err == nil {
		x.take(f.lane, f.replies)
		x.did[i] = true
	}
	x.next()
}

func (x *force) take(l *lane, replies []resp.Reply) {
	switch x.round {
	case forceLook:
		register, err := script.ReadAbove(replies)
		standing := l.core.Guard.Standing(x.proc.read(), l.epoch)
		x.unsure = x.unsure || standing == core.Unverified
		x.eviction.Looked(register, err == nil && standing == core.Votes)
	case forceEvict:
		if done, err := script.ReadEvict(replies); err == nil {
			x.eviction.Answered(done.Deleted, done.Holder, done.Register)
		}
	}
}

// next goes on when nobody is waited for any more.
func (x *force) next() {
	for _, waits := range x.wants {
		if waits {
			return
		}
	}
	p := x.proc
	switch x.round {
	case forceLook:
		_, enough := x.eviction.Enough()
		switch x.tries++; {
		case !enough && x.unsure && x.tries < mostVerifications:
			x.eviction = core.Eviction{Need: p.terms.Need}
			x.ask(forceLook, x.params().Above())
			return
		case !enough:
			return
		}
		x.tries = 0
		x.propose()
	case forceEvict:
		what, _ := x.eviction.Outcome()
		if x.tries++; what == core.TryAgain && x.tries < mostEvictions {
			x.propose()
			return
		}
		if what == core.EvictedNow {
			p.highest = max(p.highest, x.token)
			x.forsake()
			p.w.tell(check.Event{Kind: check.Forced, Key: x.seen.key, Claim: x.seen.id, Token: x.token, Of: x.seen.op.spec.Slots, Slot: x.slot})
		}
		if x.eviction.Begun() {
			x.ask(forceTell, script.TellEvicted(x.seen.params.Key, x.seen.value, clientName(p.index)))
		}
	}
}

// propose begins a round of evicting.
func (x *force) propose() {
	p := x.proc
	now, ok := p.now(), false
	if x.token, ok = x.eviction.Token(now.Wall, uint64(p.w.s.Timeout.Microseconds())<<x.tries); !ok {
		return
	}
	params := x.params()
	params.Retention = p.w.retention.Milliseconds()
	if x.token > now.Wall {
		params.Retention += int64(x.token-now.Wall) / 1000
	}
	x.ask(forceEvict, params.Evict(x.seen.value, x.token))
}

// forced executes a command of an eviction, and tells the book whom it hit.
func (n *node) forced(w *world, x *force, cmd resp.Command) resp.Reply {
	key, h := x.seen.key, &n.holds[x.seen.key]
	before := n.have(w, key)
	reply := n.model.Exec(n.ms(w.now), cmd)
	after := n.have(w, key)
	for _, c := range before {
		if slices.Contains(after, c) {
			continue
		}
		if h.claim == c {
			h.claim = nil
		}
		w.tell(check.Event{Kind: check.Evicts, Node: n.index, Key: key, Claim: c.id, By: x.seen.id})
	}
	h.readers = n.readers(w, key)
	n.expire(n.ms(w.now))
	return reply
}

// have are all who have a key on a node, or a slot of the semaphore of that name.
func (n *node) have(w *world, key int) []*claim {
	now := n.ms(w.now)
	list := n.readers(w, key)
	text, _ := n.model.Get(now, w.keys[key])
	if c := n.holder(w, key); c != nil && script.Unmarked(text) == c.value { // else it is kept for somebody
		list = append(list, c)
	}
	for _, c := range n.slots {
		if c.key == key && n.hasSlot(now, c) {
			list = append(list, c)
		}
	}
	return list
}

// channels are those that somebody is subscribed to.
func (n *node) channels(w *world) (list []string) {
	for _, p := range w.procs {
		if p.lanes[n.index].ear.run == n.run && (!p.dead || w.now <= p.died+w.s.Latency[1]) {
			list = append(list, p.waiting.process.Channel())
		}
	}
	return list
}

// evicted ends a lease, if it is one of this process.
func (p *process) evicted(id script.ID) {
	for _, c := range p.live {
		if mine, _ := script.IDOf(c.value); mine != "" && strings.Contains(script.Value(id, ""), mine) && c.won && c.lost == nil {
			c.step(core.Event{Kind: core.End, Reason: core.Evicted})
			return
		}
	}
}
