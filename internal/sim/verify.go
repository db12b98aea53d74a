// This file is the root package's verify.go, without its goroutine: weigh, verify,
// acquit and claimRun decide the same on the same arguments (Guard.Standing is asked
// for the time of sending and the epoch in hand, a vote waits for at most
// mostVerifications answers), and verified here is what follows the reply there.
// What no node here is, a replica or mute, has no mirror.

package sim

import (
	"errors"

	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/script"
)

// weigh decides what a vote counts for, and marks it; false means that the node
// must be verified first.
func (l *lane) weigh(f *call, v *core.Vote) bool {
	if f.op != core.Ask && f.op != core.Raise && f.op != core.Resume || v.Answer != core.Granted {
		return true
	}
	switch l.core.Guard.Standing(f.SentAt(), l.epoch) {
	case core.Unverified:
		return false
	case core.Abstains, core.Barred:
		v.Abstain, v.Err = true, errAbstains
	default:
	}
	return true
}

const mostVerifications = 3

var errAbstains = errors.New("it abstains")

// verify asks the server who it is.
func (l *lane) verify() {
	if l.verification != nil {
		return
	}
	f := l.ownCall()
	l.verification = f
	f.verify, f.op = true, verify
	f.epoch = l.epoch // before asking: see core.Guard.Verified
	f.batch = verifyBatch
	l.launch(f)
}

var verifyBatch = script.Verify()

// verified takes the answer, and weighs the votes again that waited for it.
func (l *lane) verified(f *call, err error) {
	var facts core.Facts
	unsure := err
	if err == nil {
		facts, l.native, unsure = script.ReadVerify(f.replies)
	}
	l.verification = nil
	l.landed(f, err)
	if unsure == nil {
		l.core.Guard.Verified(l.proc.read(), f.epoch, facts)
		l.proc.claimRun(l, facts.RunID)
		if run := f.packet.conn.run; run != l.seenRun {
			l.seenRun, l.seenAt = run, l.proc.w.now
		}
	}
	for _, a := range l.acquit(unsure) {
		l.hand(a)
	}
}

// acquit weighs the votes again that waited for the verification, and returns
// those that are ready to be delivered.
func (l *lane) acquit(unsure error) (ready []landed) {
	waiting := l.jury
	l.jury = nil
	for _, a := range waiting {
		a.tries++
		switch {
		case unsure != nil:
			a.vote.Abstain, a.vote.Err = true, unsure
			ready = append(ready, a)
		case l.weigh(a.call, &a.vote):
			ready = append(ready, a)
		case a.tries < mostVerifications:
			l.jury = append(l.jury, a)
		default:
			a.vote.Abstain, a.vote.Err = true, errAbstains
			ready = append(ready, a)
		}
	}
	if len(l.jury) > 0 {
		l.verify()
	}
	return ready
}

// claimRun sees to it that one server does not vote twice.
func (p *process) claimRun(l *lane, runID string) {
	p.runs[l.index] = ""
	for _, run := range p.runs {
		if run == runID {
			l.core.Guard.Bar(errors.New("it is the same server as another"))
			return
		}
	}
	p.runs[l.index] = runID
}
