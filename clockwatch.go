package redlock

import (
	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/resp"
)

// sample has the node's clock read now and then, while there is something to say
// to the node anyway: twice in the time of a lease. It is called with the lane's
// mutex held.
func (ln *lane) sample(now core.Time) {
	if ln.sampling || ln.closed || now < ln.sampleAt {
		return
	}
	ln.sampling = true
	ln.sampleAt = now + ln.locker.cfg.TTL/2
	ln.own(&flight{batch: script.Clock(), then: func(replies []resp.Reply, err error) {
		got := ln.locker.clock.now()
		ln.mu.Lock()
		defer ln.mu.Unlock()
		ln.sampling = false
		if err != nil {
			return
		}
		at, ok := script.ReadClock(replies[0])
		if !ok {
			return // it does not tell, and votes all the same
		}
		moved, bad := ln.watch.Sample(now, got, at)
		if !bad {
			return
		}
		ln.locker.cfg.Logger.Warn("redlock: a node's clock", "node", ln.node.Name(), "cause", moved)
		if moved.By > 0 {
			// Keys ended sooner than their leases: that is a loss of memory.
			ln.core.Guard.Forgot(got, moved)
		}
	}})
}
