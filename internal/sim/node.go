package sim

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redlock-go/redlock/internal/check"
	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/resp"
)

// node is a server at an address: the model of one, its clock, and its accidents.
type node struct {
	index    int
	clock    clock // of the wall, by which keys expire; it goes on while the server is down or hangs
	model    *script.Model
	saved    *script.Model // what a crash will leave, or a replica knows; see memorize
	savedFor [][]*claim    // and who held the keys then

	run        int // which start of the server this is
	id         string
	info       [2]string // what INFO says that does not change: before the uptime, and of replication
	started    time.Duration
	down       int // how many faults keep it down
	dark       int // of those, how many keep its machine down, too
	hung       int
	inbox      []*packet // came while it hung
	slots      []*claim  // who have a slot of a semaphore, and
	savedSlots []*claim  // who had one when it memorized
	holds      []holding // by key: what the world knows of it
}

// holding is whose value a key holds on a node.
type holding struct {
	claim   *claim // nil: nobody's
	readers []*claim
	began   time.Duration
}

// epoch0 is what the clocks of all nodes say at the beginning, give or take: some
// day in this century.
const epoch0 = 1_700_000_000 * time.Second

func newNode(w *world, index int, ppm int64) *node {
	n := &node{
		index: index,
		clock: clock{base: epoch0 + w.chance.of(uint64(index)).between(0, time.Second), ppm: ppm},
		model: script.NewModel(),
		holds: make([]holding, w.s.Keys),
	}
	n.model.Native = w.s.native(index)
	n.start(0, 0, false)
	n.model.Publish = func(channel, message string) int { return n.publish(w, channel, message) }
	n.model.Channels = func() []string { return n.channels(w) }
	// It never granted anything, and whoever made it says so.
	n.model.Exec(n.ms(0), script.Admit(n.id)[0])
	return n
}

// start starts the server, which claims to have been up for so long.
func (n *node) start(now, uptime time.Duration, promoted bool) {
	n.run++
	n.id = fmt.Sprintf("%020d%020d", n.index+1, n.run)
	n.started = n.clock.read(now) - uptime
	former := fmt.Sprintf("%040d", 0)
	if promoted {
		former = n.id
	}
	n.info[0] = "# Server\r\nrun_id:" + n.id + "\r\nuptime_in_seconds:"
	n.info[1] = "# Replication\r\nrole:master\r\nmaster_replid2:" + former + "\r\n"
}

// ms is the node's clock as Redis counts it.
func (n *node) ms(now time.Duration) int64 { return int64(n.clock.read(now) / time.Millisecond) }

// alive reports whether it executes what it is sent.
func (n *node) alive() bool { return n.down == 0 && n.hung == 0 }

// exec executes one command, and tells the world's book what became of the key.
func (n *node) exec(w *world, p *packet, cmd resp.Command) resp.Reply {
	if cmd[0] == "INFO" {
		if cmd[1] == "replication" {
			return resp.OfText(n.info[1])
		}
		uptime := (n.clock.read(w.now) - n.started) / time.Second
		return resp.OfText(n.info[0] + strconv.FormatInt(int64(uptime), 10) + "\r\n")
	}
	now := n.ms(w.now)
	if x := p.call.force; x != nil {
		return n.forced(w, x, cmd)
	}
	c := p.about(cmd)
	if c != nil && c.op.spec.Slots > 0 {
		return n.execSlots(w, now, c, p.call.op, p.first(), cmd)
	}
	var keys []int
	if c != nil {
		keys = c.keys()
	}
	for _, key := range keys {
		if _, held := n.model.Get(now, w.keys[key]); !held {
			n.holds[key].claim = nil // it has expired, and may be taken anew, by the same request for one
		}
		n.holds[key].readers = n.readers(w, key)
	}
	reply := n.model.Exec(now, cmd)
	for _, key := range keys {
		if len(keys) > 1 {
			n.noteSet(w, now, key, c, p.first(), p.call.op, reply)
		} else {
			n.note(w, now, key, c, p.first(), cmd[0], reply)
		}
	}
	return reply
}

// note compares what the key holds with what it held before. by is the claim that
// sent the request.
func (n *node) note(w *world, now int64, key int, by *claim, first bool, verb string, reply resp.Reply) {
	h := &n.holds[key]
	text, held := n.model.Get(now, w.keys[key])
	text = script.Unmarked(text)
	if shared := held && script.IsShared(text); shared || len(h.readers) > 0 {
		n.noteReaders(w, key, by, first, reply)
		if shared {
			return
		}
	}
	switch {
	case !held || script.IsReservation(text):
		if h.claim != nil && reply.Kind == resp.Int && reply.Int >= 1 && verb != "SET" {
			w.tell(check.Event{Kind: check.Dropped, Node: n.index, Key: key, Claim: h.claim.id, By: by.id})
		}
		h.claim = nil
	case n.passed(w, key, by, text):
	case verb == "SET" && reply.Kind == resp.Nil, h.claim == nil && text == by.value, h.claim != nil && text != h.claim.value && text == by.value:
		*h = holding{claim: by, began: w.now}
		w.tell(check.Event{Kind: check.Took, Node: n.index, Key: key, Claim: by.id, By: by.id, First: first})
	case verb == "SET":
		if h.claim != nil && h.claim != by && reply.Text == by.value {
			// It takes for its own what another has taken.
			w.tell(check.Event{Kind: check.Took, Node: n.index, Key: key, Claim: h.claim.id, By: by.id})
		}
	case h.claim != nil && reply.Kind == resp.Array && len(reply.Items) >= 2 && reply.Items[0].Int == 1 && h.claim != by && text == by.value:
		// So it does by the script.
		w.tell(check.Event{Kind: check.Took, Node: n.index, Key: key, Claim: h.claim.id, By: by.id})
	case h.claim != nil && reply.Kind == resp.Int && reply.Int == 1:
		// An extension: a release that is answered with 1 leaves no key.
		w.tell(check.Event{Kind: check.Kept, Node: n.index, Key: key, Claim: h.claim.id, By: by.id})
	}
}

// memorize keeps a copy of what the node knows now: a snapshot on its disk, or
// what a replica has got of it.
func (n *node) memorize() {
	n.saved = n.model.Clone()
	n.savedFor = n.savedFor[:0]
	n.savedSlots = append(n.savedSlots[:0], n.slots...)
	for _, h := range n.holds {
		who := slices.Clone(h.readers)
		if h.claim != nil {
			who = append(who, h.claim)
		}
		n.savedFor = append(n.savedFor, who)
	}
}

// everyHolder are those whose values the keys hold.
func (n *node) everyHolder(w *world) [][]*claim {
	list := make([][]*claim, len(n.holds))
	for key := range n.holds {
		list[key] = n.holders(w, key)
	}
	return list
}

// lose leaves only the memory that a crash does.
func (n *node) lose(w *world, memory Memory) {
	before := n.everyHolder(w)
	switch {
	case memory == Keeps:
		n.model.Reload()
		return
	case memory == Stale && n.saved != nil:
		publish, channels := n.model.Publish, n.model.Channels
		n.model = n.saved
		n.model.Publish, n.model.Channels = publish, channels
		n.model.Reload()
	default:
		n.model.Reset()
		n.savedFor, n.savedSlots = nil, nil
	}
	n.remember(w)
	n.forget(w, before, n.savedFor)
	n.saved, n.savedFor = nil, nil
}

// forget tells the book what was forgotten, and what rose from a snapshot.
func (n *node) forget(w *world, before, saved [][]*claim) {
	for key, held := range before {
		n.holds[key].claim, n.holds[key].readers = nil, nil
		if key < len(saved) {
			n.restore(w, key, saved[key])
		}
		now := n.holders(w, key)
		for _, c := range held {
			if !slices.Contains(now, c) {
				w.tell(check.Event{Kind: check.Forgot, Node: n.index, Key: key, Claim: c.id})
			}
		}
		for _, c := range now {
			if !slices.Contains(held, c) {
				n.holds[key].began = w.now
				w.tell(check.Event{Kind: check.Rose, Node: n.index, Key: key, Claim: c.id})
			}
		}
	}
}

// evict loses one key, as by hand.
func (n *node) evict(w *world, key int) {
	for _, c := range n.holders(w, key) {
		w.tell(check.Event{Kind: check.Forgot, Node: n.index, Key: key, Claim: c.id})
	}
	n.model.Exec(n.ms(w.now), resp.Command{"DEL", w.keys[key]})
	n.holds[key] = holding{}
}

// restore takes note that the key holds again what it held in a snapshot.
func (n *node) restore(w *world, key int, saved []*claim) {
	h := &n.holds[key]
	if text, held := n.model.Get(n.ms(w.now), w.keys[key]); held && script.IsShared(text) {
		h.readers = slices.Clone(saved)
		return
	}
	if len(saved) > 0 {
		h.claim = saved[0]
	}
}

// holders are those whose values the key holds: one, or readers.
func (n *node) holders(w *world, key int) []*claim {
	list := n.readers(w, key)
	if c := n.holder(w, key); c != nil {
		list = append(list, c)
	}
	return list
}

// holder is whose value the key holds, nil if nobody's, or readers'.
func (n *node) holder(w *world, key int) *claim {
	h := n.holds[key]
	if h.claim == nil {
		return nil
	}
	if _, held := n.model.Get(n.ms(w.now), w.keys[key]); !held {
		return nil
	}
	return h.claim
}
