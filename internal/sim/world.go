package sim

import (
	"fmt"
	"time"

	"github.com/redlock-go/redlock/internal/check"
	"github.com/redlock-go/redlock/internal/quorum"
	"github.com/redlock-go/redlock/internal/script"
)

// kind is what an event is.
type kind uint8

// The events, and to whom they happen.
const (
	evSyn      kind = iota + 1 // conn: the wish for a connection arrives at the node
	evUp                       // conn: it is made
	evBroken                   // conn: the client learns that it is broken
	evArrive                   // packet: a request arrives at the node
	evReply                    // packet: the replies arrive at the client
	evPatience                 // lane: a call is given up
	evTick                     // lane: its timer
	evHand                     // handing: an answer is delivered
	evEffects                  // unfinished: a step is finished
	evAlarm                    // claim: its timer
	evBegin                    // worker: begins an operation
	evAttempt                  // operation: makes an attempt
	evGiveUp                   // operation: stops waiting
	evCancel                   // operation: its context ends
	evExtend                   // operation: wants an extension
	evYield                    // operation: shares from here on
	evHeld                     // operation: has done its work
	evStrike                   // accident: begins
	evMend                     // accident: ends
	evSave                     // accident: what a crash will leave is written down
	evInspect                  // world: looks into the nodes
	evEar                      // ear: the life of a subscription
	evPush                     // message: arrives at the client
	evCampaign                 // operation: has the turn in its process
	evPassed                   // operation: has the lease that was passed on
	evStand                    // operation: has waited long enough for the nodes to push
	evAnnounce                 // operation: says once more that it was elected
	evLook                     // watcher: looks who leads
	evListen                   // claim: it lasts, and its process begins to listen
	evForce                    // force: the eviction begins, of a holder that was seen before
)

// Stats is what a run, or many, came to.
type Stats struct {
	Runs         int
	Time         time.Duration // simulated
	Events       uint64
	Operations   int
	Attempts     int
	Acquisitions int
	Extensions   int
	HandOvers    int // within a process
	TakeOvers    int // by another one
	Terms        int // of leaders
	Readings     int // of those who watch
	Reports      int // of who leads, or that nobody does
	Faults       map[What]int
}

// Result is what came of a run.
type Result struct {
	Violations []check.Violation
	Stats      Stats
	Hash       uint64 // of every event: two runs of one scenario have the same
	Rows       []Row
}

// world is one run.
type world struct {
	s          *Scenario
	now        time.Duration
	queue      queue
	chance     chance
	serial     uint64
	keys       []string
	need       int
	quarantine time.Duration
	retention  time.Duration
	nodes      []*node
	machines   []*machine
	procs      []*process
	links      []link // by client, then by node
	claims     uint64
	standers   uint64
	viewers    uint64 // who have watched
	strays     int    // packets that may be executed although nobody waits for them
	fenced     []uint64

	evicts bool // somebody does, in this world

	rush  int  // events of this instant
	spins bool // too many of them

	checker     *check.Checker
	stats       Stats
	hash        uint64
	trace       *trace // nil: nobody looks
	calm        bool
	wellNodes   uint64 // which nodes answer and vote, in fair weather
	silentNodes uint64 // and which do not answer
	flaky       bool   // or only now and then
	restless    int    // faults that leave no calm
	uneasy      int    // those of them that are not steady either
	orphans     int    // strays of dead processes, which come soon
	steady      bool
	steadyNodes uint64
	stretched   bool // the latencies leave no calm at all
}

// mostAtOnce is how many events of one instant there can be for good reasons.
const mostAtOnce = 100_000

// Run runs a scenario. With look, the result has a trace.
func Run(s *Scenario, look bool) *Result {
	w := newWorld(s)
	if look {
		w.trace = newTrace(w)
	}
	for w.step() {
	}
	w.checker.Finish(w.now)
	w.stats.Runs, w.stats.Time = 1, w.now
	r := &Result{Violations: w.checker.Violations(), Stats: w.stats, Hash: w.hash}
	if w.spins {
		r.Violations = append(r.Violations, check.Violation{
			Invariant: check.I8, At: w.now, Node: -1, Text: "somebody does the same again and again, and time does not go on",
		})
	}
	if w.trace != nil {
		r.Rows = w.trace.rows
	}
	return r
}

func newWorld(s *Scenario) *world {
	w := &world{
		s: s, chance: chance(s.Seed).of(1),
		need:       quorum.Need(len(s.Nodes)),
		quarantine: s.quarantine(),
		retention:  s.Retention,
		links:      make([]link, len(s.Clients)*len(s.Nodes)),
		fenced:     make([]uint64, s.Keys),
		stretched:  s.Spike > 0 || 20*s.Latency[1] > s.Timeout,
	}
	w.stats.Faults = make(map[What]int)
	w.hash = 14695981039346656037
	if w.retention == 0 {
		w.retention = 24 * time.Hour
	}
	for k := range s.Keys {
		w.keys = append(w.keys, fmt.Sprintf("redlock:k%d", k+1))
	}
	w.checker = check.New(w.bounds())
	for i, ppm := range s.Nodes {
		w.nodes = append(w.nodes, newNode(w, i, ppm))
	}
	for i, c := range s.Clients {
		m := &machine{index: i, clock: clock{base: time.Hour, ppm: c.PPM}, wall: c.Wall}
		w.machines = append(w.machines, m)
		w.boot(m)
	}
	for i := range s.Faults {
		w.evicts = w.evicts || s.Faults[i].What == Evict
		w.prepare(&s.Faults[i])
	}
	w.hire()
	w.plan(w.every(), evInspect, w, 0)
	w.weather()
	return w
}

// hire has the workers begin.
func (w *world) hire() {
	workers := make(map[[2]int]*worker)
	for i := range w.s.Ops {
		o := &w.s.Ops[i]
		id := [2]int{o.Client, o.Worker}
		k := workers[id]
		if k == nil {
			k = new(worker)
			workers[id] = k
			w.plan(o.At, evBegin, k, 0)
		}
		k.ops = append(k.ops, o)
	}
}

// plan has something happen to somebody at an instant.
func (w *world) plan(at time.Duration, k kind, who actor, arg uint64) {
	w.queue.push(event{at: max(at, w.now), kind: k, who: who, arg: arg})
}

// step lets the next event happen; false if the run is over.
func (w *world) step() bool {
	ev, ok := w.queue.pop()
	if !ok || ev.at > w.s.End {
		w.now = w.s.End
		return false
	}
	if ev.at > w.now {
		w.rush = 0
	}
	w.now = ev.at
	w.stats.Events++
	if w.rush++; w.rush > mostAtOnce {
		w.spins = true
		return false
	}
	w.mix(uint64(ev.at)<<8 | uint64(ev.kind))
	ev.who.happen(w, ev)
	return true
}

// mix adds to the hash of the run.
func (w *world) mix(x uint64) { w.hash = (w.hash ^ x) * 1099511628211 }

// tell tells the book what happened.
func (w *world) tell(ev check.Event) {
	ev.At = w.now
	w.mix(uint64(ev.Kind)<<56 | ev.Claim<<16 | uint64(ev.Node)<<8 | ev.Token)
	w.checker.Observe(ev)
	if w.trace != nil {
		w.trace.told(ev)
	}
}

// link is what is the matter between the client of a lane and its node.
func (w *world) link(l *lane) *link { return w.linkOf(l.proc.index, l.node.index) }

func (w *world) linkOf(client, node int) *link { return &w.links[client*len(w.nodes)+node] }

// write is what a user writes to the resource that a key stands for, with the
// token of its lease: the resource refuses one that is older than it has seen.
func (w *world) write(o *operation) {
	token := o.claim.core.Token()
	refused := token < w.fenced[o.spec.Key]
	w.fenced[o.spec.Key] = max(token, w.fenced[o.spec.Key])
	if w.trace != nil {
		w.trace.wrote(o, token, refused)
	}
}

// bounds are what the run is measured against. They are worked out here once more
// from the design, so that a bug in the core's own arithmetic does not hide
// itself.
func (w *world) bounds() check.Config {
	s := w.s
	longest, first := s.longestTTL(), time.Duration(0)
	for i := range s.Clients {
		first = max(first, s.Timeout, min(s.ttl(i)/4, time.Second))
	}
	patience := max(4*s.Timeout, first)
	stretch := func(d time.Duration) time.Duration { return d + d/50 + 2*time.Millisecond }
	trip := s.Latency[1] + s.SpikeMost
	scripts := time.Duration(0)
	for i := range s.Ops {
		if o := &s.Ops[i]; !o.isPlain() {
			scripts = 4 * trip // a node that does not know a script says so first: to the asking, and to the release
			break
		}
	}
	b := check.Config{
		Need: len(s.Nodes)/2 + 1,
		// By the slowest clock within the allowance.
		TTL:   stretch(longest),
		Slack: 100 * time.Microsecond,
		// What is under way is answered or given up; then the release.
		Quick: stretch(patience) + 4*trip + scripts,
		// A probe may have to be given up, and then another is sent; then the debts.
		Reach:    stretch(2*patience + 12*trip + 4*probeLeast),
		Pause:    stretch(probeMost),
		Attempts: 12,
		Waits:    5 * time.Second,
		HandOver: handOver(longest, trip),
		// A reading waits for nodes that are silent, and one that comes to no decision is repeated.
		Tell: handOver(longest, trip) + 2*first + time.Second,

		Reservation: script.ReservationMS * time.Millisecond,
		Slow:        s.Timeout - s.Timeout/50,
		Client:      func(id int) string { return w.procName(id) },
		Node:        func(i int) string { return "node " + nodeName(i) },
		Key:         func(i int) string { return fmt.Sprintf("k%d", i+1) },
	}
	b.Settle = b.TTL + b.Reach + b.Pause + b.Quick
	return b
}

// handOver is the time within which a key that is free is taken by a waiter when
// nothing is in its way: a quarter of a second, and some round trips. When the key
// expires the clocks do not agree on the moment.
func handOver(ttl, trip time.Duration) time.Duration {
	return script.ReservationMS*time.Millisecond/2 + 20*trip + 3*quorum.Drift(ttl)
}

// procName is how a process is called: by its machine.
func (w *world) procName(id int) string {
	if id >= len(w.procs) {
		return "?"
	}
	return clientName(w.procs[id].index)
}

// every is how often the world looks into the nodes.
func (w *world) every() time.Duration { return w.now + max(20*time.Millisecond, w.s.TTL/8) }

// happen is what happens to the world: it looks into the nodes, and at the weather.
func (w *world) happen(_ *world, _ event) {
	for _, n := range w.nodes {
		for key := range n.holds {
			for _, c := range n.holders(w, key) {
				if c.lost != nil || c.proc.dead {
					w.tell(check.Event{Kind: check.Seen, Node: n.index, Key: key, Claim: c.id})
				}
			}
		}
		n.expire(n.ms(w.now))
		for _, c := range n.slots {
			if c.lost != nil || c.proc.dead {
				w.tell(check.Event{Kind: check.Seen, Node: n.index, Key: c.key, Claim: c.id})
			}
		}
	}
	w.weather()
	w.plan(w.every(), evInspect, w, 0)
}

// Add adds up what runs came to.
func (s *Stats) Add(o Stats) {
	s.Runs += o.Runs
	s.Time += o.Time
	s.Events += o.Events
	s.Operations += o.Operations
	s.Attempts += o.Attempts
	s.Acquisitions += o.Acquisitions
	s.Extensions += o.Extensions
	s.HandOvers += o.HandOvers
	s.TakeOvers += o.TakeOvers
	s.Terms += o.Terms
	s.Readings += o.Readings
	s.Reports += o.Reports
	for what, n := range o.Faults {
		s.Faults[what] += n
	}
}
