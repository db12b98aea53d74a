package redlock

import (
	"context"
	"crypto/rand"
	"sync"
	"sync/atomic"

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
	queue  string // script.Queue of the key

	before, after *claim // in locker.live
	nextDue       *claim // in locker.renewals

	mu      sync.Mutex
	core    core.Claim
	alarm   core.Time // when the claim is stepped if nothing else happens
	lost    *loss     // why the claim ended, once it has
	turn    *turn     // of the lease, in this process; nil if it has none, and after the end
	tenant  *Lease    // what the user has of it who has it now; nil before
	end     context.CancelCauseFunc
	evictor *string       // who took the lock away, if somebody did
	extends []chan error  // callers of Extend that wait
	settled chan struct{} // callers of Handoff that wait; nil if nobody does
	removed error         // the outcome of the release, once the claim is free
	release script.ReleaseBatch

	waiter *waiter // who stands in the queues, nil if nobody does

	parent   atomic.Pointer[context.Context] // of the lease, if it can end
	deadline atomic.Int64                    // core.Deadline, for reading without the mutex
	shared   atomic.Bool                     // it was of the plain lock, and is a reader's now: set once, with the mutex held
	place    int32                           // in locker.alarms
	look     bool                            // ask for the holder's TTL as well
	won      bool
	leads    bool // its holder was elected: it passes to nobody within the process
	due      bool // it is in locker.renewals
	renewing bool // its round counts there as under way
	toOthers bool // its release leaves the key free for other libraries' clients
	free     bool // decided is closed, or about to be

	// decided says two things to those who wait: it holds a value when the claim is
	// won or has ended without, and is closed when Release need not wait any longer.
	decided chan struct{}

	id   script.ID
	held Lease // the first user's
}

// newClaim makes a claim with a value of its own.
func (l *Locker) newClaim(key string, kind script.Kind, look bool, w *waiter) *claim {
	c := &claim{
		locker:  l,
		params:  script.Params{Key: key, TTL: l.cfg.TTL.Milliseconds(), Retention: l.cfg.TokenRetention.Milliseconds(), Kind: kind},
		look:    look,
		place:   none,
		alarm:   core.Never,
		decided: make(chan struct{}, 1),
	}
	c.core.Init(&l.terms)
	// It never fails: crypto/rand ends the process instead. And it is not read ahead: a
	// machine that is cloned while it runs would have the same ids twice.
	_, _ = rand.Read(c.id[:])
	c.value, c.queue = script.ValueAndQueue(c.id, l.cfg.Owner, key)
	if w != nil {
		c.waiter, c.params.Waiter, c.params.Tries = w, w.name, w.tries
	}
	return c
}

// terms are the params as they stand now. They are to be read after the request that is
// built from them was decided upon, or when its reply is in.
func (c *claim) terms() script.Params {
	p := c.params
	if c.shared.Load() {
		p.Kind = script.Reader
	}
	return p
}

// debt is what is owed to a node that could not be told to release the key. After an
// attempt that was outvoted the waiter's place is left alone: when the debt is paid, a
// later attempt may have taken it. It is called after the claim has ended, by those who
// send what follows from that.
func (c *claim) debt() core.Debt {
	d := core.Debt{Key: c.params.Key, Value: c.value, Kind: c.terms().Kind}
	if c.params.From != "" && !c.won {
		d.Back = c.params.From
	}
	if c.lost.reason != core.Outvoted {
		d.Waiter = string(c.params.Waiter)
	}
	return d
}

// whenFree is closed when Release need not wait any longer; free says that it need
// not even look. It is for those who know that the claim has been decided.
func (c *claim) whenFree() (freed <-chan struct{}, free bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.decided, c.free
}

// news is what a step changed for those who wait, told after the mutex is free.
type news struct {
	extends []chan error
	err     error // for extends
	turn    *turn // it is the next one's
	renewed bool  // its round of renewal is over
}

// step feeds the core with one event and carries out what it decides.
func (c *claim) step(ev core.Event) { c.stepAs(nil, ev, false) }

// stepAs is step, for the user of a lease; if it is another's by now, it reports false,
// and nothing happens. Requests that are held back leave when the lane is flushed,
// or with others'.
func (c *claim) stepAs(l *Lease, ev core.Event, holdBack bool) bool {
	var room [8]core.Effect
	forsaken := c.forsaken()
	c.mu.Lock()
	if l != nil && c.tenant != l {
		c.mu.Unlock()
		return false
	}
	if forsaken != nil && c.parent.Load() == forsaken {
		c.core.Step(core.Now{}, core.Event{Kind: core.StopRenewal}, nil)
	}
	effects := c.core.Step(c.locker.clock.read(), ev, room[:0])
	told := c.settle(effects)
	c.mu.Unlock()
	c.carryOut(effects, told, holdBack)
	return true
}

// settle takes note of what a step has changed. It is called with the mutex held.
func (c *claim) settle(effects []core.Effect) news {
	told := c.note(effects)
	c.deadline.Store(int64(c.core.Deadline()))
	c.arm()
	if c.settled != nil && !c.core.Settling() {
		close(c.settled)
		c.settled = nil
	}
	if c.renewing && !c.core.Renewing() {
		c.renewing, told.renewed = false, true
	}
	return told
}

// carryOut carries out what a step has decided.
func (c *claim) carryOut(effects []core.Effect, told news, holdBack bool) {
	if told.renewed && c.locker.renewals.over() {
		go c.locker.startRenewals()
	}

	var batch []resp.Command // the same for all nodes of a round, but for a release: built once
	for i, e := range effects {
		switch e.Kind {
		case core.Send:
			if last := &effects[max(0, i-1)]; batch == nil || last.Op != e.Op || last.Token != e.Token || e.Op == core.Release {
				batch = c.batch(e, effects[:i])
			}
			c.locker.lanes[e.Node].request(c, e, batch, holdBack)
		case core.Done:
			if c.waiter != nil && c.won {
				c.waiter.leave()
			}
			c.locker.leave(c)
		default:
		}
	}
	for _, w := range told.extends {
		w <- told.err
	}
	if told.turn != nil {
		// Requests of the next one leave after those that release the key, and with them.
		c.locker.turns.pass(told.turn, nil)
	}
}

// batch is what a request says to a node. What releases the key is asked for again
// and again, as each straggler answers, and depends on what the node knows.
func (c *claim) batch(e core.Effect, before []core.Effect) []resp.Command {
	p := c.terms()
	if e.Op != core.Release {
		return p.Batch(e, c.value, c.look)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.params.From != "":
		return c.params.Return(c.value, c.core.Reason())
	case c.toOthers:
		deputy := script.Both
		if c.waiter != nil {
			deputy = c.locker.deputy(before)
		}
		return []resp.Command{script.ReleaseToOthers(c.params.Key, c.value, c.params.Waiter, deputy)}
	case p.Waiter != "":
		stay := c.core.Reason() == core.Outvoted
		return []resp.Command{p.Release(c.value, stay, c.locker.deputy(before))}
	case p.Kind != nil:
		return []resp.Command{p.Release(c.value, false, script.Both)}
	}
	return c.release.Of(c.locker.lanes[e.Node].howToRelease(), c.params.Key, c.queue, c.value)
}

// forsaken is the context that the lease belongs to if it has ended: then nobody
// needs the lease for longer, and it is to run out. It may be another's by now.
func (c *claim) forsaken() *context.Context {
	if parent := c.parent.Load(); parent != nil && (*parent).Err() != nil {
		return parent
	}
	return nil
}

// note records what the effects mean for the callers. It is called with the mutex
// held.
func (c *claim) note(effects []core.Effect) (told news) {
	for _, e := range effects {
		switch e.Kind {
		case core.Won:
			c.won = true
			c.decided <- struct{}{}
			c.locker.saw(c.core.Reserved())
		case core.Extended:
			told.extends, c.extends = c.extends, nil
		case core.ExtendFailed:
			told.extends, c.extends = c.extends, nil
			told.err = c.quorumError("extend")
		case core.Ended:
			c.lost = c.loss()
			told.extends, c.extends = c.extends, nil
			told.err = c.lost.extendError()
			told.turn, c.turn = c.turn, nil
			switch {
			case !c.won:
				c.decided <- struct{}{}
			case c.end != nil: // it is nil if the claim ended before the user's lease was made
				// Here, and not when the mutex is free: who looks at the clock, as Err does,
				// and finds that the claim has ended must find the context done (I2), and this
				// goroutine can be interrupted for long. No user's code runs in it.
				c.end(c.lost.cause)
			}
		case core.Freed:
			c.removed = c.releaseError()
			c.free = true
			close(c.decided)
		default:
		}
	}
	return told
}

// arm sets the alarm to the core's. It is called with the mutex held.
func (c *claim) arm() {
	at := c.core.Alarm()
	if at == c.core.Renewal() && at != core.Never {
		// On the next beat, which it shares with others: their requests go together.
		beat := c.locker.beat
		at = min((at+beat-1)/beat*beat, c.core.Deadline())
		if c.due {
			at = c.core.Deadline()
		}
	}
	if at != c.alarm {
		c.alarm = at
		c.locker.alarms.set(c, at)
	}
}

// ring is called when the time of the alarm has come.
func (c *claim) ring() {
	now := c.locker.clock.now()
	c.mu.Lock()
	c.alarm = core.Never // it has fired: set it again if it was early
	if now >= c.core.Renewal() && now < c.core.Deadline() {
		again := c.due
		c.due = true
		c.arm()
		c.mu.Unlock()
		if !again {
			c.locker.renewals.due(c)
		}
		return
	}
	c.mu.Unlock()
	c.stepAs(nil, core.Event{Kind: core.Alarm}, true)
}

// renew is called when the turn of a lease that is due has come.
func (c *claim) renew() {
	c.mu.Lock()
	already := c.renewing // it was queued again in the moment in which its turn came
	c.due, c.renewing = false, true
	c.mu.Unlock()
	if already {
		c.locker.renewals.over()
		return
	}
	c.stepAs(nil, core.Event{Kind: core.Alarm}, true)
}
