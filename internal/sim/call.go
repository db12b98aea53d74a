package sim

import (
	"errors"
	"time"

	"github.com/redlock-go/redlock/internal/check"
	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/resp"
)

// call is one request under way, with all that its batch needs: one call of
// lane.do.
type call struct {
	core.Flight
	lane   *lane
	claim  *claim                                // whose request it is, or
	debts  []debt                                // what it pays, or
	verify bool                                  // it asks the server who it is, or
	sample bool                                  // what time it is, or
	then   func(replies []resp.Reply, err error) // it is a question, or
	force  *force                                // it is a part of an eviction; or else it is a probe
	op     core.Op
	round  uint32
	epoch  uint64    // verify, or a probe: from before asking
	asked  core.Time // sample: when

	batch   []resp.Command
	again   []resp.Command // one command of the batch, said in another way
	fixing  int            // which
	replies []resp.Reply
	packet  *packet // the last that was sent
	sends   int
	conn    *conn
	until   time.Duration // the end of the patience
	queued  bool          // it has not been sent
	group   *group        // with which others it was
	over    bool
	chance  chance
}

// leave takes a call off its connection.
func (f *call) leave() {
	c := f.conn
	for i, other := range c.calls {
		if other == f {
			c.calls = append(c.calls[:i], c.calls[i+1:]...)
			break
		}
	}
	if !f.lane.proc.w.s.Ordered && !c.closed {
		f.lane.idle = append(f.lane.idle, c)
	}
}

// answered takes the replies to what was sent last, and sees to it that scripts
// which the node does not know are sent whole, and that the script decides where a
// native release has not deleted the key.
func (f *call) answered(p *packet) {
	f.leave()
	if f.again != nil {
		f.replies[f.fixing] = p.replies[0]
	} else {
		f.replies = p.replies
	}
	for ; f.fixing < len(f.replies); f.fixing++ {
		said := f.batch[f.fixing]
		if f.again != nil {
			said, f.again = f.again[0], nil
		}
		if cmd, ok := script.Reword(said, f.replies[f.fixing]); ok {
			f.again = []resp.Command{cmd}
			f.lane.use(f)
			return
		}
	}
	f.end(nil)
}

// failed is the end of a call without replies.
func (f *call) failed(err error) {
	w := f.lane.proc.w
	f.stray()
	if f.claim != nil {
		w.tell(check.Event{Kind: check.Unanswered, Node: f.lane.node.index, Claim: f.claim.id, Asks: f.op == core.Ask || f.op == core.Resume})
	}
	for i := range f.debts {
		if c := f.debts[i].claim; c != nil {
			w.tell(check.Event{Kind: check.Unanswered, Node: f.lane.node.index, Claim: c.id})
		}
	}
	f.end(err)
}

// stray counts a packet that may be executed although nobody waits for it.
func (f *call) stray() {
	if p := f.packet; p != nil && !p.done && !p.counted {
		p.counted = true
		f.lane.proc.w.strays++
		f.lane.proc.w.weather()
	}
}

// orphan marks a stray whose process is no more: it is executed within a moment, if it
// was sent in fair weather.
func (f *call) orphan() {
	w := f.lane.proc.w
	if p := f.packet; p != nil && p.counted && !p.orphan && w.link(f.lane).trouble == 0 {
		p.orphan = true
		w.orphans++
		w.weather()
	}
}

// end is the end of a call.
func (f *call) end(err error) {
	f.over = true
	l := f.lane
	defer l.leave(f.group)
	if len(l.calls) > 0 && l.calls[0] == f {
		l.calls[0] = nil
		l.calls = l.calls[1:]
	}
	switch {
	case f.claim != nil:
		l.land(f, err)
	case f.verify:
		l.verified(f, err)
	case f.debts != nil:
		if err == nil {
			for i := range f.debts {
				delete(l.debtors, f.debts[i].value)
			}
		}
		l.core.Paid(err == nil)
		l.landed(f, err)
	case f.sample:
		l.sampled(f, err)
	case f.then != nil:
		l.landed(f, err)
		f.then(f.replies, err)
	case f.force != nil:
		l.landed(f, err)
		f.force.answered(f, err)
	default:
		l.core.Probed(l.proc.read(), f.ending(err))
		l.landed(f, err)
	}
}

// ending is how a probe ended: ending of the root package.
func (f *call) ending(err error) core.Ending {
	switch {
	case err == nil:
		return core.Answered
	case errors.Is(err, errReset) && f.epoch == f.lane.epoch:
		return core.Broken
	}
	return core.Missed
}
