package script

import (
	"strconv"

	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/resp"
)

// Several is the Kind of claims that take several keys, all of them or none. A node
// gives its one vote for all.
type Several struct {
	keys []string // and their registers, and their queues, as the scripts want them
	n    int
}

// NewSeveral returns the Kind of claims for those keys. No key may be there twice.
func NewSeveral(keys []string) *Several {
	s := &Several{n: len(keys)}
	s.keys = append(s.keys, keys...)
	for _, k := range keys {
		s.keys = append(s.keys, Register(k))
	}
	for _, k := range keys {
		s.keys = append(s.keys, Queue(k))
	}
	return s
}

// Keys are the keys.
func (s *Several) Keys() []string { return s.keys[:s.n:s.n] }

// How long what is reserved for one who waits for several keys is kept while it can't
// have the others: doubled with every keepDouble-th attempt, up to half of the TTL.
const keepDouble = 4

func (p *Params) keepMS() int64 {
	return max(ReservationMS, min(ReservationMS<<min(p.Tries/keepDouble, 20), p.TTL/2))
}

// Ask takes them.
func (s *Several) Ask(p *Params, value string, token uint64) []resp.Command {
	return []resp.Command{TakeAllScript.call(s.keys,
		value, ttls.text(p.TTL), strconv.FormatUint(token, 10), retentions.text(p.Retention),
		string(p.Waiter), reservation, queueKept, strconv.FormatInt(p.keepMS(), 10),
	)}
}

// Raise proposes a token to all their registers.
func (s *Several) Raise(p *Params, value string, token uint64) []resp.Command {
	return []resp.Command{RaiseAllScript.call(s.keys, value, strconv.FormatUint(token, 10), strconv.FormatInt(p.Retention, 10))}
}

// Extend resets the expiry of all of them, or of none.
func (s *Several) Extend(p *Params, value string, token uint64) []resp.Command {
	return []resp.Command{ExtendAllScript.call(s.keys,
		value, ttls.text(p.TTL), strconv.FormatUint(token, 10), retentions.text(p.Retention), string(p.Waiter), reservation,
	)}
}

// Release gives each of them back, whatever became of the others.
func (s *Several) Release(_, value string, w Waiter, stay bool, deputy Deputy) resp.Command {
	kept := ""
	if stay {
		kept = queueKept
	}
	return ReleaseAllScript.call(s.keys, value, string(w), reservation, kept, string(deputy))
}

// Read reads the replies.
func (s *Several) Read(_ *Params, op core.Op, _ string, replies []resp.Reply) core.Vote {
	r := replies[0]
	switch op {
	case core.Ask:
		v := readTake(r)
		if v.Answer == core.Refused {
			if len(r.Items) < 5 || r.Items[4].Kind != resp.Int || r.Items[4].Int < 1 || r.Items[4].Int > int64(s.n) {
				return garbage("%v to the taking of several keys", r)
			}
			v.Where = int(r.Items[4].Int) - 1
		}
		return v
	case core.Raise:
		v := readRaise(r)
		v.Left = v.Answer == core.Absent // some may be there
		return v
	case core.Extend:
		if r.Kind == resp.Int && r.Int == -1 {
			return core.Vote{Answer: core.Absent, Left: true}
		}
		return readExtend(r)
	default:
		return readRelease(r)
	}
}

// Mark is none: to each of the nodes' queues they are as those who want one key.
func (s *Several) Mark() string { return "" }
