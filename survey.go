package redlock

import (
	"context"
	"slices"

	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/resp"
)

// answer is what one node says to a question that belongs to no claim. If err is not
// nil there are no replies, and it says why.
type answer struct {
	index   int // of the node in Config.Nodes
	replies []resp.Reply
	err     error
}

// survey asks all nodes at once, and returns what each of them says, in the order of
// Config.Nodes. It is for what changes nothing, or does no harm when it is late: nobody sees to
// it that a batch which was given up has no effect later.
//
// It waits for a node no longer than the per-node deadline (Config.NodeTimeout; for one
// that was never heard of the longer one of a first contact), and not at all for
// one that is suspected while the others are a majority: that one is probed in the
// background, and is itself again when it answers. When ctx is done, or the
// Locker is closed, those that have not answered yet have that as their error.
func (l *Locker) survey(ctx context.Context, batch []resp.Command) []answer {
	asked := make([]<-chan answer, len(l.lanes))
	for i, ln := range l.lanes {
		asked[i] = ln.ask(batch)
	}
	answers := make([]answer, len(l.lanes))
	for i := range asked {
		answers[i] = l.await(ctx, i, asked[i])
	}
	return answers
}

// await is the answer that a lane was asked for.
func (l *Locker) await(ctx context.Context, index int, asked <-chan answer) answer {
	select {
	case a := <-asked:
		return a // also if ctx is done: what is known is told
	default:
	}
	select {
	case a := <-asked:
		return a
	case <-ctx.Done():
		return answer{index: index, err: contextError(ctx)}
	case <-l.closing:
		return answer{index: index, err: ErrClosed}
	}
}

// ask sends a question to the node, behind the one who it is if that is not known:
// most often both have their answer when this one's is there. The channel gets one
// answer, at the per-node deadline at the latest.
func (ln *lane) ask(batch []resp.Command) <-chan answer {
	told := make(chan answer, 1)
	tell := func(a answer) {
		a.index = ln.index
		select {
		case told <- a: // it has room for the first, which counts
		default:
		}
	}
	ln.mu.Lock()
	defer ln.mu.Unlock()
	if err := ln.admitQuestion(); err != nil {
		tell(answer{err: err})
		return told
	}
	if ln.core.Guard.Standing(ln.locker.clock.now(), ln.epoch()) == core.Unverified {
		ln.verify()
	}
	ln.own(&flight{
		batch: batch,
		then: func(replies []resp.Reply, err error) {
			tell(answer{replies: slices.Clone(replies), err: err}) // the worker uses its room again
		},
		late: func(err error) { tell(answer{err: err}) },
	})
	return told
}

// admitQuestion says why a question is not to be sent now. It is called with the
// mutex held.
func (ln *lane) admitQuestion() error {
	if ln.closed {
		return ErrClosed
	}
	enough := ln.core.Suspect() && ln.locker.trusted() >= ln.locker.terms.Need
	// As an extension, it has no use for a suspected node whose answer is not needed, and
	// does not depend on what the node's votes count for.
	switch ln.core.Admit(core.Extend, false, core.Votes, enough) {
	case core.Suspected:
		return suspectedError{ln.lastErr}
	case core.Busy:
		return errBusy
	default:
		return nil
	}
}
