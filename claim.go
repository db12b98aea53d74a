package redlock

import (
	"context"
	"crypto/rand"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/resp"
)

// claim runs a core.Claim: it feeds it with replies and the time, and carries
// out its effects. Its mutex is never held while one of them is.
type claim struct {
	locker *Locker
	params script.Params
	value  string
	look   bool // ask for the holder's TTL as well

	flights []flight // one for each node

	mu      sync.Mutex
	core    core.Claim
	timer   *time.Timer
	alarm   core.Time // when the timer fires
	lost    *loss     // why the claim ended, once it has
	end     context.CancelCauseFunc
	extends []chan error // callers of Extend that wait
	removed error        // the outcome of the release, once freed is closed

	deadline atomic.Int64  // core.Deadline, for reading without the mutex
	decided  chan struct{} // closed when the claim is won, or ends without
	freed    chan struct{} // closed when Release need not wait any longer
	won      bool
}

// newClaim makes a claim with a value of its own.
func (l *Locker) newClaim(key string, look bool) *claim {
	var id script.ID
	_, _ = rand.Read(id[:]) // never fails: crypto/rand ends the process instead
	return &claim{
		locker:  l,
		params:  script.Params{Key: key, TTL: l.cfg.TTL.Milliseconds(), Retention: l.cfg.TokenRetention.Milliseconds()},
		value:   script.Value(id, l.cfg.Owner),
		look:    look,
		flights: make([]flight, len(l.lanes)),
		core:    core.NewClaim(&l.terms),
		alarm:   core.Never,
		decided: make(chan struct{}),
		freed:   make(chan struct{}),
	}
}

// news is what a step changed for those who wait, told after the mutex is free.
type news struct {
	extends []chan error
	err     error // for extends
	end     context.CancelCauseFunc
	cause   error
}

// step feeds the core with one event and carries out what it decides.
func (c *claim) step(ev core.Event) {
	var room [8]core.Effect
	c.mu.Lock()
	effects := c.core.Step(c.locker.clock.read(), ev, room[:0])
	told := c.note(effects)
	c.deadline.Store(int64(c.core.Deadline()))
	c.arm()
	c.mu.Unlock()

	if told.end != nil {
		told.end(told.cause) // before any release leaves
	}
	var batch []resp.Command // the same for all nodes of a round: built once
	for i, e := range effects {
		switch e.Kind {
		case core.Send:
			if last := &effects[max(0, i-1)]; batch == nil || last.Op != e.Op || last.Token != e.Token {
				batch = c.params.Batch(e.Op, c.value, e.Token, c.look)
			}
			c.locker.lanes[e.Node].request(c, e, batch)
		case core.Won:
			close(c.decided)
		case core.Freed:
			close(c.freed)
		case core.Done:
			c.locker.leave(c)
		default:
		}
	}
	for _, w := range told.extends {
		w <- told.err
	}
	if told.cause != nil && told.end == nil {
		close(c.decided) // ended without having been won
	}
}

// note records what the effects mean for the callers. It is called with the mutex
// held.
func (c *claim) note(effects []core.Effect) (told news) {
	for _, e := range effects {
		switch e.Kind {
		case core.Won:
			c.won = true
			c.locker.saw(c.core.Token())
		case core.Extended:
			told.extends, c.extends = c.extends, nil
		case core.ExtendFailed:
			told.extends, c.extends = c.extends, nil
			told.err = c.quorumError("extend")
		case core.Ended:
			c.lost = c.loss()
			told.extends, c.extends = c.extends, nil
			told.cause = c.lost.cause
			told.err = c.lost.extendError()
			if c.won {
				told.end = c.end
				if told.end == nil {
					told.end = func(error) {} // ended before the lease was made
				}
			}
		case core.Freed:
			c.removed = c.releaseError()
		default:
		}
	}
	return told
}

// arm sets the timer to the core's alarm. It is called with the mutex held.
func (c *claim) arm() {
	at := c.core.Alarm()
	if at == c.alarm {
		return
	}
	c.alarm = at
	switch {
	case at == core.Never:
		if c.timer != nil {
			c.timer.Stop()
		}
	case c.timer == nil:
		c.timer = time.AfterFunc(at-c.locker.clock.now(), c.ring)
	default:
		c.timer.Reset(at - c.locker.clock.now())
	}
}

// ring is the timer's function.
func (c *claim) ring() {
	c.mu.Lock()
	c.alarm = core.Never // it has fired: set it again if it was early
	c.mu.Unlock()
	c.step(core.Event{Kind: core.Alarm})
}
