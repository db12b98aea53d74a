package script

import (
	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/resp"
)

// Hand has the node pass on the key of a lease that was handed over, from the value p.From to
// the claim's own.
func (p *Params) Hand(value string) []resp.Command {
	return []resp.Command{hand(p.Key, p.From, value)}
}

func hand(key, from, to string) resp.Command {
	return HandScript.call([]string{key}, from, to)
}

// Return builds what ends a claim on a lease that was handed over. One that was never held gives the key
// the value back that the text says, so that the lease can be resumed by another. Else
// it releases it, under either value: a node that could not be reached has the old one yet.
func (p *Params) Return(value string, reason core.Reason) []resp.Command {
	if reason == core.Outvoted || reason == core.Abandoned {
		return []resp.Command{hand(p.Key, value, p.From)}
	}
	return []resp.Command{Release(p.Key, value, "", false, Both), Release(p.Key, p.From, "", false, Both)}
}

// readHand reads what Hand and Return got as a reply.
func (p *Params) readHand(op core.Op, replies []resp.Reply) core.Vote {
	switch first := replies[0]; {
	case op == core.Release && len(replies) > 1:
		v, old := readRelease(first), readRelease(replies[1])
		if v.Answer == core.Absent {
			return old
		}
		return v
	case first.Kind == resp.Error:
		return failed(first)
	case first.Kind == resp.Int && first.Int == 1 && op == core.Release:
		return core.Vote{Answer: core.Deleted}
	case first.Kind == resp.Int && first.Int == 1:
		return core.Vote{Answer: core.Granted, Accepted: true}
	case first.Kind == resp.Int && first.Int == 0, first.Kind == resp.Text && op == core.Release:
		return core.Vote{Answer: core.Absent}
	case first.Kind == resp.Text:
		return core.Vote{Answer: core.Refused, Holder: Unmarked(first.Text)}
	default:
		return garbage("%v to the handing over of a key", first)
	}
}
