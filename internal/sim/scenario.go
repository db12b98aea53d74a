package sim

import (
	"fmt"
	"strings"
	"time"

	"github.com/redlock-go/redlock/internal/check"
	"github.com/redlock-go/redlock/internal/script"
)

// Scenario is all that a run follows from. It prints as the text from which
// [Parse] reads it: see testdata for examples, and the lists of words at [Op]
// and [Fault].
type Scenario struct {
	Prose []string // what the story is about, a line each

	Seed      uint64 // of the accidents: latencies, jitter
	Keys      int
	TTL       time.Duration // of clients that have none of their own
	Timeout   time.Duration // the per-node deadline
	Retention time.Duration // of the registers of tokens
	Durable   bool          // nodes lose nothing when they restart, and the clients know
	Ordered   bool          // one connection per client and node, which keeps the order; else a pool
	Push      bool          // nodes can push, and waiters stand in their queues
	HandOvers int           // how often a lease may pass within a process
	Queued    bool          // a client has one batch under way to a node, and the rest waits; else any number
	Latency   [2]time.Duration
	Spike     int           // percent of the packets are later than that
	SpikeMost time.Duration // by up to so much
	End       time.Duration // when the last of it is over

	Clients []Client
	Nodes   []int64         // the rate of each node's clock, in ppm
	Natives []script.Native // what each node knows to release a key with; those beyond its end know nothing
	Ops     []Op
	Faults  []Fault

	Expect []Expectation
}

// Client is one client machine, on which one process runs at a time.
type Client struct {
	PPM  int64         // the rate of its clock
	Wall time.Duration // by how much its wall clock is off
	TTL  time.Duration // 0 for the scenario's
}

// Expectation is what is expected to be violated, in the real code or in a
// mutant.
type Expectation struct {
	Mutant     string // "" for the real code
	Invariants []check.Invariant
}

// Op is something that a user does: it takes a key, holds it, and gives it back.
// Those of one worker are done one after the other.
//
//	at 5ms A/2 acquire k1 hold 20ms wait 1s
//	at 5ms A/0..9 acquire k1 hold 20ms          ten workers do
type Op struct {
	At       time.Duration
	Client   int
	Worker   int
	Try      bool            // "try": TryAcquire; else "acquire"
	Elect    bool            // "elect": Elect, that is Acquire, and the nodes are told who leads
	Watch    bool            // "watch": Watch, for as long as it would hold
	Key      int             // "k1" is 0
	Hold     time.Duration   // "hold D": from the grant to the release
	Wait     time.Duration   // "wait D": gives up waiting then; 0: never
	Cancel   time.Duration   // "cancel D": the caller's context ends then, be it waiting or holding; 0: never
	Extend   []time.Duration // "extend D": calls Extend so long after the grant; any number of them
	MaxHold  time.Duration   // "max-hold D"
	NoRenew  bool            // "no-renewal"
	Leave    bool            // "leave": does not release at the end of the hold, and lets the lease run out
	Also     []int           // "also k2": takes that key, too, all of them or none; any number of them
	Slots    int             // "slots 3": takes one of so many slots; 0: the lock
	Read     bool            // "read": shares the key with others that do
	Yield    time.Duration   // "yield D": shares the key from so long after the grant on
	HandOver bool            // "hand-over": at the end of the hold the lease is not given back, but handed over to the heirs
	Heirs    []Heir          // "heir B D", "prolong B D": who gets its text, so long after; any number of them
	Back     bool            // "back": who has taken it over hands it back in the same way
	Foreign  bool            // "foreign": by another library, which sets the key and deletes it, knows of no queue, and polls
	Write    bool            // "write": at the end of the hold, without looking, writes to a resource that is fenced by the token
}

// ttl is the TTL of a client.
func (s *Scenario) ttl(client int) time.Duration {
	if t := s.Clients[client].TTL; t != 0 {
		return t
	}
	return s.TTL
}

// nativeWords are what a scenario calls a node that is newer than the others: "node 1 delex".
var nativeWords = map[script.Native]string{script.Delex: "delex", script.Delifeq: "delifeq"}

// native is what a node knows to release a key with.
func (s *Scenario) native(node int) script.Native {
	if node < len(s.Natives) {
		return s.Natives[node]
	}
	return script.Scripted
}

// longestTTL is what Config.LongestTTL says to each client.
func (s *Scenario) longestTTL() time.Duration {
	longest := time.Duration(0)
	for i := range s.Clients {
		longest = max(longest, s.ttl(i))
	}
	return longest
}

// clone returns a copy whose lists can be cut down.
func (s *Scenario) clone() *Scenario {
	c := *s
	c.Clients = append([]Client(nil), s.Clients...)
	c.Nodes = append([]int64(nil), s.Nodes...)
	c.Natives = append([]script.Native(nil), s.Natives...)
	c.Ops = append([]Op(nil), s.Ops...)
	c.Faults = append([]Fault(nil), s.Faults...)
	return &c
}

// Expected is what the real code, or a mutant, is expected to violate; ok is false
// if the scenario does not say.
func (s *Scenario) Expected(mutant string) (list []check.Invariant, ok bool) {
	for _, e := range s.Expect {
		if e.Mutant == mutant {
			return e.Invariants, true
		}
	}
	return nil, false
}

// String prints the scenario as its source.
func (s *Scenario) String() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	for _, p := range s.Prose {
		line("%s", strings.TrimRight("# "+p, " "))
	}
	if len(s.Prose) > 0 {
		line("")
	}
	line("seed %d", s.Seed)
	line("keys %d", s.Keys)
	line("ttl %v", s.TTL)
	line("timeout %v", s.Timeout)
	if s.Retention != 0 {
		line("retention %v", s.Retention)
	}
	if s.Durable {
		line("durable")
	}
	if s.Ordered {
		line("connections ordered")
	} else {
		line("connections pooled")
	}
	if s.Queued {
		line("requests queued")
	}
	if s.Push {
		line("pushes")
	}
	if s.HandOvers != 0 {
		line("hand-overs %d", s.HandOvers)
	}
	line("latency %v..%v", s.Latency[0], s.Latency[1])
	if s.Spike != 0 {
		line("spikes %d%% up to %v", s.Spike, s.SpikeMost)
	}
	for i, c := range s.Clients {
		text := "client " + clientName(i)
		if c.PPM != 0 {
			text += fmt.Sprintf(" rate %+dppm", c.PPM)
		}
		if c.Wall != 0 {
			text += " wall " + signed(c.Wall)
		}
		if c.TTL != 0 {
			text += fmt.Sprintf(" ttl %v", c.TTL)
		}
		line("%s", text)
	}
	for i, ppm := range s.Nodes {
		text := fmt.Sprintf("node %d", i+1)
		if ppm != 0 {
			text += fmt.Sprintf(" rate %+dppm", ppm)
		}
		if word := nativeWords[s.native(i)]; word != "" {
			text += " " + word
		}
		line("%s", text)
	}
	line("")
	for i, j := 0, 0; i < len(s.Ops) || j < len(s.Faults); {
		if j == len(s.Faults) || i < len(s.Ops) && s.Ops[i].At < s.Faults[j].At {
			line("%v", s.Ops[i])
			i++
		} else {
			line("%v", s.Faults[j])
			j++
		}
	}
	line("end %v", s.End)
	if len(s.Expect) > 0 {
		line("")
	}
	for _, e := range s.Expect {
		line("%v", e)
	}
	return b.String()
}

// String prints the operation as its source.
func (o Op) String() string {
	var b strings.Builder
	verb := "acquire"
	switch {
	case o.Try:
		verb = "try"
	case o.Elect:
		verb = "elect"
	case o.Watch:
		verb = "watch"
	}
	fmt.Fprintf(&b, "at %v %s", o.At, clientName(o.Client))
	if o.Worker != 0 {
		fmt.Fprintf(&b, "/%d", o.Worker)
	}
	fmt.Fprintf(&b, " %s k%d hold %v", verb, o.Key+1, o.Hold)
	with := func(word string, d time.Duration) {
		if d != 0 {
			fmt.Fprintf(&b, " %s %v", word, d)
		}
	}
	with("wait", o.Wait)
	with("cancel", o.Cancel)
	for _, d := range o.Extend {
		fmt.Fprintf(&b, " extend %v", d) // also at once
	}
	with("max-hold", o.MaxHold)
	if o.NoRenew {
		b.WriteString(" no-renewal")
	}
	if o.Leave {
		b.WriteString(" leave")
	}
	for _, k := range o.Also {
		fmt.Fprintf(&b, " also k%d", k+1)
	}
	if o.Slots != 0 {
		fmt.Fprintf(&b, " slots %d", o.Slots)
	}
	if o.Read {
		b.WriteString(" read")
	}
	with("yield", o.Yield)
	if o.HandOver {
		b.WriteString(" hand-over")
	}
	for _, h := range o.Heirs {
		fmt.Fprintf(&b, " %v", h)
	}
	if o.Back {
		b.WriteString(" back")
	}
	if o.Foreign {
		b.WriteString(" foreign")
	}
	if o.Write {
		b.WriteString(" write")
	}
	return b.String()
}

// String prints the expectation as its source.
func (e Expectation) String() string {
	text := "expect"
	if e.Mutant != "" {
		text = "mutant " + e.Mutant + " expect"
	}
	if len(e.Invariants) == 0 {
		return text + " none"
	}
	for _, i := range e.Invariants {
		text += " " + string(i)
	}
	return text
}

func clientName(i int) string {
	if i < 26 {
		return string(rune('A' + i))
	}
	return fmt.Sprintf("C%d", i)
}

func signed(d time.Duration) string {
	if d >= 0 {
		return "+" + d.String()
	}
	return d.String()
}
