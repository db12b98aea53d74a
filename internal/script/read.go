package script

import (
	"fmt"
	"strconv"
	"time"

	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/resp"
)

// Batch builds what a request of a claim says to a node.
func (p Params) Batch(e core.Effect, value string, look bool) []resp.Command {
	p.Retention += int64(min(e.Ahead, maxAhead)) * 1000
	p.Block, p.Slot = e.Block, e.Slot
	switch {
	case e.Op == core.Resume:
		return p.Hand(value)
	case e.Op == core.Release:
		return []resp.Command{p.Release(value, false, Both)}
	case p.Kind != nil:
		return p.kinds(e, value)
	case e.Op == core.Raise:
		return p.Raise(value, e.Token)
	case e.Op == core.Extend:
		return p.Extend(value, e.Token)
	case p.Waiter != "":
		return p.Take(value, e.Token)
	}
	return p.Acquire(value, e.Token, look)
}

// kinds is Batch where there is a Kind. It stands by itself, as what a Kind is given a pointer to goes
// to the heap.
func (p Params) kinds(e core.Effect, value string) []resp.Command {
	switch e.Op {
	case core.Ask:
		return p.Kind.Ask(&p, value, e.Token)
	case core.Raise:
		return p.Kind.Raise(&p, value, e.Token)
	default:
		return p.Kind.Extend(&p, value, e.Token)
	}
}

// maxAhead bounds for how many seconds more a register is kept: a hundred years.
const maxAhead = 100 * 365 * 24 * 3600

// Read reads the replies to the batch of a request. A reply that makes no sense
// is Unknown, with an error that shows it: after garbage, nothing is known of
// what the node did.
func (p Params) Read(op core.Op, value string, replies []resp.Reply) core.Vote {
	if len(replies) == 0 {
		return garbage("no reply at all")
	}
	if p.Kind != nil {
		its := p // as in kinds
		return its.Kind.Read(&its, op, value, replies)
	}
	return p.readAlone(op, value, replies)
}

// readAlone reads what is answered where a key is held alone, and what is answered in the same
// way elsewhere.
func (p *Params) readAlone(op core.Op, value string, replies []resp.Reply) core.Vote {
	if p.From != "" && (op == core.Resume || op == core.Release) {
		return p.readHand(op, replies)
	}
	switch op {
	case core.Ask:
		if p.Waiter != "" {
			return readTake(replies[0])
		}
		return readAcquire(value, replies)
	case core.Raise:
		return readRaise(replies[0])
	case core.Extend:
		v := readExtend(replies[0])
		if p.Waiter != "" && v.Holder == p.Waiter.Reservation() {
			return core.Vote{Answer: core.Absent} // it is there for us to take
		}
		return v
	default:
		return readRelease(replies[0])
	}
}

func garbage(format string, args ...any) core.Vote {
	return core.Vote{Err: fmt.Errorf("the reply makes no sense: "+format+": is this a Redis server?", args...)}
}

// readAcquire: SET NX GET answers nil if it took the key, and else the value
// that is there. Our own value there means that a client library sent the batch
// twice: the key is ours.
func readAcquire(value string, replies []resp.Reply) core.Vote {
	if len(replies) < 3 {
		return garbage("%d replies to a batch of 3", len(replies))
	}
	set, raise, expire := replies[0], replies[1], replies[2]
	var v core.Vote
	switch {
	case set.Kind == resp.Error:
		return failed(set)
	case set.Kind == resp.Nil, set.Kind == resp.Text && Unmarked(set.Text) == value:
		v.Answer = core.Granted
	case set.Kind == resp.Text:
		v.Answer, v.Holder = core.Refused, Unmarked(set.Text)
		if len(replies) > 3 && replies[3].Kind == resp.Int && replies[3].Int >= 0 {
			// 0 is less than a millisecond; a key without an expiry says -1.
			v.Remaining = time.Duration(max(1, replies[3].Int)) * time.Millisecond
		}
		return v
	default:
		return garbage("%v to SET", set)
	}
	v.Accepted = raise.Kind == resp.Int && raise.Int == 1 && expire.Kind == resp.Int
	voting := replies[1:3]
	if len(replies) > 4 {
		v.Accepted = v.Accepted && replies[4].Kind == resp.Int
		voting = replies[1:5]
	}
	for _, r := range voting {
		if r.Kind == resp.Error {
			v.Err = ServerError(r.Text)
		}
	}
	return v
}

// readTake reads {1, accepted}, or {1, accepted, highest} of readers, or {0, holder, PTTL, rank},
// whose rank is -1 if who asked does not stand in the queue.
func readTake(r resp.Reply) core.Vote {
	if r.Kind == resp.Error {
		return failed(r)
	}
	of := func(i int, kind resp.Kind) bool { return i < len(r.Items) && r.Items[i].Kind == kind }
	switch {
	case r.Kind != resp.Array || !of(0, resp.Int):
	case r.Items[0].Int == 1 && of(1, resp.Int):
		v := core.Vote{Answer: core.Granted, Accepted: r.Items[1].Int == 1}
		if of(2, resp.Text) {
			v.Register, _ = readScore(r.Items[2].Text)
		}
		return v
	case r.Items[0].Int == 0 && of(1, resp.Text) && of(2, resp.Int) && of(3, resp.Int):
		v := core.Vote{Answer: core.Refused, Holder: Unmarked(r.Items[1].Text)}
		if rank := r.Items[3].Int; rank >= 0 {
			v.Queued, v.Rank = true, int(min(rank, 1<<20))
		}
		v.Reserved, v.Foreign = IsReservation(v.Holder), !IsOurs(v.Holder)
		if ms := r.Items[2].Int; ms >= 0 {
			v.Remaining = time.Duration(max(1, ms)) * time.Millisecond
		}
		return v
	}
	return garbage("%v to the taking of a key", r)
}

func readRaise(r resp.Reply) core.Vote {
	switch {
	case r.Kind == resp.Error:
		return failed(r)
	case r.Kind != resp.Array || len(r.Items) == 0 || r.Items[0].Kind != resp.Int:
		return garbage("%v to the raising of a token", r)
	case r.Items[0].Int == -1:
		return core.Vote{Answer: core.Absent}
	case len(r.Items) < 2:
		return garbage("%v to the raising of a token", r)
	}
	register, ok := readScore(r.Items[1].Text)
	if !ok {
		return garbage("%v as a token", r.Items[1])
	}
	return core.Vote{Answer: core.Granted, Accepted: r.Items[0].Int == 1, Register: register}
}

// readScore reads a score of the register of tokens.
func readScore(score string) (uint64, bool) {
	token, err := strconv.ParseUint(score, 10, 64)
	if err == nil {
		return token, true
	}
	// Not an integer below 2^53 any more: Redis writes 1e+17 for it.
	float, err := strconv.ParseFloat(score, 64)
	if err != nil || float < 1<<53 {
		return 0, false
	}
	return 1 << 53, true
}

func readExtend(r resp.Reply) core.Vote {
	switch {
	case r.Kind == resp.Error:
		return failed(r)
	case r.Kind == resp.Int && r.Int == 1:
		return core.Vote{Answer: core.Retained}
	case r.Kind == resp.Int && r.Int == 0:
		return core.Vote{Answer: core.Absent}
	case r.Kind == resp.Text:
		return core.Vote{Answer: core.Refused, Holder: Unmarked(r.Text)}
	default:
		return garbage("%v to extend", r)
	}
}

func readRelease(r resp.Reply) core.Vote {
	switch {
	case r.Kind == resp.Error:
		return failed(r)
	case r.Kind == resp.Int && (r.Int == 1 || r.Int == 2):
		return core.Vote{Answer: core.Deleted, Waited: r.Int == 2}
	case r.Kind == resp.Int && r.Int == 0:
		return core.Vote{Answer: core.Absent}
	default:
		return garbage("%v to release", r)
	}
}

// failed is the vote of a node that refused to execute the request.
func failed(r resp.Reply) core.Vote {
	return core.Vote{Answer: core.Failed, Err: ServerError(r.Text)}
}
