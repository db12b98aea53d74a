package redlock

import (
	"errors"
	"fmt"

	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/resp"
)

// Epocher is a [Node] that can tell when it has made a new connection. Every
// restart of a server breaks every connection to it, so that a client always
// meets a restarted server on a new one: that is how it is kept from voting
// before every lease is over that it may have forgotten (I6). A node that is no
// Epocher is verified once, when it is met, and never again.
type Epocher interface {
	// Epoch is the number of connections made so far. It has been raised before
	// the first command leaves on a new connection.
	Epoch() uint64
}

// weigh decides what a vote counts for, and marks it; false means that the node
// must be verified first. Only what takes part in an acquisition is weighed, and in the resuming of a lease:
// extensions prove by themselves that the node retained the key (I9), and
// releases need no trust. It is called with the lane's mutex held.
func (ln *lane) weigh(a *landed) bool {
	if a.op != core.Ask && a.op != core.Raise && a.op != core.Resume || a.vote.Answer != core.Granted {
		return true
	}
	switch ln.core.Guard.Standing(a.sentAt, ln.epoch()) {
	case core.Unverified:
		return false
	case core.Abstains, core.Barred:
		a.vote.Abstain, a.vote.Err = true, ln.core.Guard.Cause(a.sentAt)
	default:
	}
	return true
}

// verify asks the server who it is. Votes that wait for the answer are weighed
// again when it is there. It is called with the lane's mutex held.
func (ln *lane) verify() {
	if ln.verification != nil || ln.closed {
		return
	}
	epoch := ln.epoch() // before asking: see core.Guard.Verified
	ln.verification = &flight{batch: script.Verify(), then: func(replies []resp.Reply, err error) {
		var facts core.Facts
		if err == nil {
			var native script.Native
			facts, native, err = script.ReadVerify(replies)
			ln.native.Store(uint32(native))
		}
		ln.mu.Lock()
		ln.verification = nil
		if err == nil {
			ln.believe(epoch, facts)
		}
		ready := ln.acquit(err)
		ln.mu.Unlock()
		for i := range ready {
			ln.deliver(&ready[i])
		}
	}}
	ln.own(ln.verification)
}

// greet is the first that is said to a node: it connects, and has it verified.
func (ln *lane) greet() {
	ln.mu.Lock()
	defer ln.mu.Unlock()
	ln.verify()
}

// believe takes what the server says of itself. It is called with the lane's
// mutex held.
func (ln *lane) believe(epoch uint64, facts core.Facts) {
	now := ln.locker.clock.now()
	ln.core.Guard.Verified(now, epoch, facts)
	switch {
	case facts.Mute:
		ln.doubt(errMute)
		return
	case !facts.Replica:
		ln.locker.claimRun(ln, facts.RunID)
	}
	ln.doubt(ln.core.Guard.Cause(now))
}

// mostVerifications bounds how long a vote waits for a connection that lasts.
const mostVerifications = 3

var errFlapping = errors.New("its connections do not last: each time that the server was verified there was a new one")

var errMute = errors.New("its INFO says nothing of its run_id, uptime and role, so it votes, but nothing keeps it from voting after a restart without its data")

// acquit weighs the votes again that waited for the verification, and returns
// those that are ready to be delivered. What could not be verified, for the
// cause unsure, does not count; but the key may be there. It is called with
// the lane's mutex held.
func (ln *lane) acquit(unsure error) (ready []landed) {
	waiting := ln.jury
	ln.jury = nil
	for _, a := range waiting {
		a.tries++
		switch {
		case unsure != nil:
			a.vote.Abstain, a.vote.Err = true, unsure
			ready = append(ready, a)
		case ln.weigh(&a):
			ready = append(ready, a)
		case a.tries < mostVerifications:
			ln.jury = append(ln.jury, a) // one more connection was made meanwhile
		default:
			a.vote.Abstain, a.vote.Err = true, errFlapping
			ready = append(ready, a)
		}
	}
	if len(ln.jury) > 0 {
		ln.verify()
	}
	return ready
}

// doubt logs why a node is not trusted, once. It is called with the lane's mutex
// held.
func (ln *lane) doubt(err error) {
	if err != nil && !ln.doubted && !ln.closed {
		ln.locker.cfg.Logger.Warn("redlock: a node's votes", "node", ln.node.Name(), "cause", err)
	}
	ln.doubted = err != nil
}

// claimRun sees to it that one server does not vote twice: of two nodes that turn
// out to be the same run of a server, the one that was verified later is barred.
func (l *Locker) claimRun(ln *lane, runID string) {
	l.runsMu.Lock()
	defer l.runsMu.Unlock()
	l.runs[ln.index] = ""
	for i, run := range l.runs {
		if run == runID {
			ln.core.Guard.Bar(fmt.Errorf("it is the same server as %s (run_id %.8s…): a server has one vote, so list each server once", l.lanes[i].node.Name(), runID))
			return
		}
	}
	l.runs[ln.index] = runID
}
