package sim

import (
	"errors"
	"strconv"
	"time"

	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/resp"
)

// What Do says when it has no replies.
var (
	errReset    = errors.New("connection reset")
	errRefused  = errors.New("connection refused")
	errPatience = errors.New("no reply within the locker's patience")
)

// conn is one connection of a client to a node. Each direction of it keeps its
// order. It leads to one run of the server: when that has ended, so has the
// connection, as soon as the client finds out.
type conn struct {
	lane    *lane
	run     int
	up      bool // it was made
	closed  bool // by the client, or the client knows that it is broken
	silent  bool // whatever is sent is lost, both ways
	serial  uint64
	lastOut time.Duration // arrival of the last request at the node
	lastIn  time.Duration // arrival of the last reply at the client
	calls   []*call       // that wait for a reply, or for the connection
	busy    *packet       // the node has executed a part of it
	behind  []*packet     // have arrived, and wait for it
}

// packet is a batch on its way to a node, and its replies on their way back.
type packet struct {
	call    *call
	conn    *conn
	batch   []resp.Command
	replies []resp.Reply
	chance  chance
	torn    time.Duration // a pause after the first command, 0 for none
	again   bool          // it was sent by nobody a second time; see Repeat and Echo
	resend  time.Duration // executed a second time so much later, before the reply leaves; -1 for no
	counted bool          // in world.strays: its call was given up, and it has not been executed
	orphan  bool          // in world.orphans
	done    bool          // it was executed, or never will be
}

// first reports whether the request belongs to the round that asked for the key.
func (p *packet) first() bool { return p.call.op == core.Ask && p.call.round == 0 }

// about says of which claim's key, or keys, a command is.
func (p *packet) about(cmd resp.Command) *claim {
	switch c := p.call; {
	case c.claim != nil:
		switch cmd[0] {
		case "SET", "EVALSHA", "EVAL", "DELEX", "DELIFEQ":
			return c.claim
		}
	case len(c.debts) > 0 && len(cmd) > 5:
		keys, _ := strconv.Atoi(cmd[2])
		if len(cmd) <= 3+keys {
			return nil
		}
		for i := range c.debts {
			d := &c.debts[i]
			switch {
			case d.claim == nil:
			case d.claim.op.spec.Slots > 0:
				if (script.Slots{}).Frees(cmd, d.claim.params.Key, d.value) {
					return d.claim
				}
			case d.value == cmd[3+keys] && c.lane.proc.w.keys[d.claim.key] == cmd[3]:
				return d.claim
			}
		}
	}
	return nil
}

// link is what is the matter between a client and a node. Everything is counted,
// as faults may overlap.
type link struct {
	cut      [3]int // by Way
	slow     time.Duration
	lose     int // percent
	repeat   int
	tear     int
	mute     int
	singles  []*Fault // single packets that something will happen to
	trouble  int      // how many faults there are, for the weather and the book
	cutUntil time.Duration
}

// dial makes a connection: there and back again.
func (l *lane) dial() *conn {
	w := l.proc.w
	l.dials++
	c := &conn{lane: l, serial: l.dials}
	l.conns = append(l.conns, c)
	out := w.latency(l, l.chance.of(3).of(l.dials), Out)
	w.plan(w.now+out.late, evSyn, c, boolArg(out.lost))
	return c
}

func boolArg(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// happen is what happens to a connection.
func (c *conn) happen(w *world, ev event) {
	n := c.lane.node
	back := w.latency(c.lane, c.lane.chance.of(4).of(c.serial), In)
	switch ev.kind {
	case evSyn: // at the node; a hung one's kernel answers all the same
		switch {
		case ev.arg == 1 || back.lost || n.dark > 0:
			c.silent = true
		case n.down > 0:
			w.plan(w.now+back.late, evBroken, c, 1)
		default:
			c.run = n.run
			w.plan(w.now+back.late, evUp, c, 0)
		}
	case evUp: // at the client
		if c.lane.proc.away(ev) || c.closed {
			return
		}
		c.up = true
		c.lane.epoch++
		for _, call := range c.calls {
			c.send(call)
		}
	case evBroken: // at the client
		if c.lane.proc.away(ev) || c.closed {
			return
		}
		err := errReset
		if ev.arg == 1 {
			err = errRefused
		}
		c.close(err)
	}
}

// close ends the connection: the calls that wait for it fail. Requests that are on
// their way are executed or not, as it comes.
func (c *conn) close(err error) {
	c.closed = true
	l := c.lane
	for i, other := range l.conns {
		if other == c {
			l.conns = append(l.conns[:i], l.conns[i+1:]...)
			break
		}
	}
	for i, other := range l.idle {
		if other == c {
			l.idle = append(l.idle[:i], l.idle[i+1:]...)
			break
		}
	}
	calls := c.calls
	c.calls = nil
	for _, call := range calls {
		call.failed(err)
	}
}

// send sends the batch of a call that has its turn.
func (c *conn) send(call *call) {
	w := c.lane.proc.w
	call.sends++
	p := &packet{call: call, conn: c, batch: call.batch, chance: call.chance.of(uint64(call.sends)), resend: -1}
	if call.again != nil {
		p.batch = call.again
	}
	call.packet = p
	if c.silent {
		w.gone(p)
		return
	}
	out := w.latency(c.lane, p.chance, Out)
	link := w.link(c.lane)
	if link.tear > 0 && len(p.batch) > 1 && p.chance.of(11).percent(link.tear) {
		p.torn = p.chance.of(12).between(0, 2*w.s.Timeout)
	}
	if link.repeat > 0 && p.chance.of(13).percent(link.repeat) {
		p.resend = p.chance.of(14).between(0, w.s.Timeout)
	}
	if len(link.singles) > 0 {
		w.single(link, p, &out)
	}
	if out.lost {
		c.silent = true
		w.gone(p)
		return
	}
	at := max(w.now+out.late, c.lastOut+1)
	c.lastOut = at
	w.plan(at, evArrive, p, 0)
}

// happen is what happens to a packet.
func (p *packet) happen(w *world, ev event) {
	switch ev.kind {
	case evArrive:
		p.arrive(w)
	case evReply:
		c := p.call
		if c.lane.proc.away(ev) || c.packet != p || p.conn.closed {
			return
		}
		c.answered(p)
	}
}

// arrive is what happens to a request at the node.
func (p *packet) arrive(w *world) {
	n := p.conn.lane.node
	switch {
	case n.dark > 0:
		p.conn.silent = true
		w.gone(p)
		return
	case n.down > 0 || n.run != p.conn.run:
		// The server's machine answers that it knows no such connection.
		w.gone(p)
		back := w.latency(p.conn.lane, p.chance.of(2), In)
		if !back.lost && !p.again {
			w.plan(w.now+back.late, evBroken, p.conn, 0)
		}
		return
	case p.conn.busy != nil && p.conn.busy != p && !p.again:
		p.conn.behind = append(p.conn.behind, p)
		return
	case n.hung > 0:
		n.inbox = append(n.inbox, p)
		return
	}
	for len(p.replies) < len(p.batch) {
		p.replies = append(p.replies, n.exec(w, p, p.batch[len(p.replies)]))
		if p.torn > 0 && len(p.replies) < len(p.batch) {
			p.conn.busy = p
			w.plan(w.now+p.torn, evArrive, p, 0)
			p.torn = 0
			return
		}
	}
	if p.resend >= 0 {
		// The reply that counts is the second one: so it is with a library that
		// sends again when its connection breaks, before it returns from Do.
		p.conn.busy = p
		p.replies = p.replies[:0:0]
		w.plan(w.now+p.resend, evArrive, p, 0)
		p.resend = -1
		return
	}
	w.gone(p)
	if p.again {
		return
	}
	if p.conn.busy == p {
		p.conn.busy = nil
		for _, next := range p.conn.behind {
			w.plan(w.now, evArrive, next, 0)
		}
		p.conn.behind = nil
	}
	back := w.latency(p.conn.lane, p.chance.of(2), In)
	if len(w.link(p.conn.lane).singles) > 0 {
		w.single(w.link(p.conn.lane), p, &back)
	}
	if back.lost || p.conn.silent {
		p.conn.silent = true
		return
	}
	at := max(w.now+back.late, p.conn.lastIn+1)
	p.conn.lastIn = at
	w.plan(at, evReply, p, 0)
}

// trip is what becomes of a packet on its way.
type trip struct {
	late time.Duration
	lost bool
}

// latency draws what becomes of a packet.
func (w *world) latency(l *lane, c chance, way Way) trip {
	k := w.link(l)
	c = c.of(uint64(way))
	t := trip{late: c.between(w.s.Latency[0], w.s.Latency[1])}
	if w.s.Spike > 0 && c.of(1).percent(w.s.Spike) {
		t.late += c.of(2).between(0, w.s.SpikeMost)
	}
	if k.trouble == 0 {
		return t
	}
	if k.slow > 0 {
		t.late += c.of(3).between(0, k.slow)
	}
	if k.cut[Both] > 0 || k.cut[way] > 0 {
		// Lost for good, or sent again by the kernel some time after the cut.
		if c.of(4).percent(50) {
			t.lost = true
		} else {
			t.late += max(0, k.cutUntil-w.now) + c.of(5).between(0, max(0, k.cutUntil-w.now))
		}
	}
	if k.lose > 0 && c.of(6).percent(k.lose) {
		t.lost = true
	}
	return t
}

// single applies what a fault says of a single packet.
func (w *world) single(k *link, p *packet, t *trip) {
	way := Out
	if p.done {
		way = In
	}
	for i, f := range k.singles {
		if f.Op != p.call.op || f.What == Echo && way == In || f.What != Echo && f.Way != way {
			continue
		}
		switch f.What {
		case Delay:
			t.late += f.By
		case Drop:
			t.lost = true
		case Echo:
			w.echo(p, f.By)
		}
		k.singles = append(k.singles[:i:i], k.singles[i+1:]...)
		w.trouble(k, p.conn.lane, +1)
		w.trouble(k, p.conn.lane, -1)
		return
	}
}

// echo has a batch executed once more, by itself.
func (w *world) echo(p *packet, after time.Duration) {
	twin := &packet{call: p.call, conn: p.conn, batch: p.batch, chance: p.chance.of(20), again: true, resend: -1}
	w.strays++
	twin.counted = true
	w.plan(w.now+after, evArrive, twin, 0)
}

// gone is called when a packet was executed, or never will be.
func (w *world) gone(p *packet) {
	p.done = true
	if p.counted {
		p.counted = false
		w.strays--
		if p.orphan {
			p.orphan = false
			w.orphans--
		}
		w.weather()
	}
}
