package sim

import (
	"fmt"
	"strings"
	"time"

	"github.com/redlock-go/redlock/internal/core"
)

// Fault is one accident. It prints as its own source. "A" is a client, "2" a
// node, "*" every client or node.
type Fault struct {
	At   time.Duration
	What What

	Client int // Any for all
	Node   int // Any for all
	Key    int // of Flush: "key 1" is the first; 0 for all. Of Evict: k1 is 1

	For     time.Duration // how long it lasts
	By      time.Duration // how much later, or how far a clock jumps
	PPM     int64
	Percent int
	After   int // so many effects later: between any two instructions of a client
	Way     Way
	Memory  Memory
	Silent  bool    // the connections go silent instead of being reset
	Op      core.Op // of a single packet
}

// Any stands for all clients or all nodes.
const Any = -1

// What happens.
type What uint8

// The faults, with the words that say them.
const (
	Crash   What = iota + 1 // crash 2 for D keeps|forgets|stale D [silently]: the server dies, and starts again
	Hang                    // hang 2 for D: it stops, as by SIGSTOP, and then goes on
	Promote                 // promote 2 stale D for D: a replica takes its place that lacks its last writes
	Replace                 // replace 2 for D: an empty server that has been up for long takes its place
	Flush                   // flush 2 [key N]: FLUSHALL, or DEL of that key. Breaks the assumptions: no guard sees it
	Jump                    // jump 2 by +D: the node's clock jumps. Breaks the assumptions
	Rate                    // rate A|2 +Nppm: a clock's rate changes. Beyond the drift allowance it breaks the assumptions
	Wall                    // wall A by +D: the client's wall clock jumps
	Pause                   // pause A for D [after N]: the process or the machine stops, N effects later
	Kill                    // kill A for D [after N]: the process dies; another is started
	Preempt                 // preempt A for D [after N]: one goroutine stops, and the others run on
	Sever                   // cut A|* 2|* both|out|in for D: packets are lost or come after it, long after
	Slow                    // slow A|* 2|* by D for D: packets are up to so much later
	Lose                    // lose A|* 2|* N% for D: so many packets are lost, and their connections go silent
	Repeat                  // repeat A|* 2|* N% for D: so many batches are executed twice, as by a library that sends again
	Tear                    // tear A|* 2|* N% for D: so many batches are executed in parts, with other requests between them
	Mute                    // mute A|* 2|* N% for D: so many pushes are lost, and nobody notices
	Deafen                  // deafen A|* 2|* [silently]: the subscriptions break; or nothing comes over them, for seconds
	Reset                   // reset A|* 2|*: the connections break

	// Not an accident, but as rude.
	Evict // evict A k1 by D: A sees who holds the key, and so much later takes it from that holder by force

	// Single packets: the next of that kind that leaves. The kinds are acquire, raise,
	// extend, release, and verify.
	Delay // delay A 2 acquire request|reply by D
	Drop  // drop A 2 acquire request|reply
	Echo  // echo A 2 acquire by D: executed again, so much later. Of an acquire it breaks the seam's contract
)

// verify stands for the request by which a client verifies a node.
const verify core.Op = 100

// Way is a direction.
type Way uint8

// The directions: Out to the node, In from it.
const (
	Both Way = iota
	Out
	In
)

// Memory is what a crashed node still knows.
type Memory uint8

// What a crash leaves: all, nothing, or what there was some time before (Fault.By).
const (
	Keeps Memory = iota
	Forgets
	Stale
)

var whatNames = map[What]string{
	Crash: "crash", Hang: "hang", Promote: "promote", Replace: "replace", Flush: "flush", Jump: "jump",
	Rate: "rate", Wall: "wall", Pause: "pause", Kill: "kill", Preempt: "preempt", Sever: "cut",
	Slow: "slow", Lose: "lose", Repeat: "repeat", Tear: "tear", Reset: "reset", Mute: "mute", Deafen: "deafen",
	Delay: "delay", Drop: "drop", Echo: "echo", Evict: "evict",
}

// String is the fault's name.
func (w What) String() string { return whatNames[w] }

var opNames = map[core.Op]string{core.Ask: "acquire", core.Raise: "raise", core.Extend: "extend", core.Release: "release", core.Resume: "resume", verify: "verify"}

// String prints the fault as its source.
func (f Fault) String() string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, " "+format, args...) }
	fmt.Fprintf(&b, "at %v %v", f.At, f.What)
	switch f.What {
	case Crash, Hang, Promote, Replace, Flush, Jump:
		say("%s", nodeName(f.Node))
	case Rate:
		if f.Client != Any {
			say("%s %+dppm", clientName(f.Client), f.PPM)
		} else {
			say("%s %+dppm", nodeName(f.Node), f.PPM)
		}
	case Wall, Pause, Kill, Preempt:
		say("%s", clientName(f.Client))
	case Evict:
		say("%s k%d", clientName(f.Client), f.Key)
	default:
		say("%s %s", starred(f.Client, clientName), starred(f.Node, nodeName))
	}
	if f.Key > 0 && f.What != Evict {
		say("key %d", f.Key)
	}
	switch f.What {
	case Promote:
		say("stale %v", f.By)
	case Jump, Wall:
		say("by %s", signed(f.By))
	case Sever:
		say("%s", [...]string{"both", "out", "in"}[f.Way])
	case Slow, Evict:
		say("by %v", f.By)
	case Lose, Repeat, Tear, Mute:
		say("%d%%", f.Percent)
	case Delay, Drop, Echo:
		say("%s", opNames[f.Op])
		if f.What != Echo {
			say("%s", [...]string{"both", "request", "reply"}[f.Way])
		}
		if f.What != Drop {
			say("by %v", f.By)
		}
	}
	if f.For != 0 {
		say("for %v", f.For)
	}
	if f.What == Crash {
		switch f.Memory {
		case Keeps:
			say("keeps")
		case Forgets:
			say("forgets")
		case Stale:
			say("stale %v", f.By)
		}
	}
	if f.Silent {
		say("silently")
	}
	if f.After != 0 {
		say("after %d", f.After)
	}
	return b.String()
}

func nodeName(i int) string { return fmt.Sprint(i + 1) }

func starred(i int, name func(int) string) string {
	if i == Any {
		return "*"
	}
	return name(i)
}
