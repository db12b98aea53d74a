package fault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redlock-go/redlock/resp"
	"github.com/redlock-go/redlock/rig/clock"
	"github.com/redlock-go/redlock/rig/cluster"
)

// Flush makes the node forget everything at once, without a restart (FLUSHALL).
// Nothing tells the node's clients.
type Flush struct {
	// Spared, if there is one, has the node forget only what the others remember.
	Spared *Spared
	// Settle is as in Freeze; the holders may have repaired the node by then.
	Settle time.Duration
}

// Run flushes the node.
func (f Flush) Run(ctx context.Context, n *cluster.Node, note func(string)) error {
	flush := func() (bool, error) {
		reply, err := n.Do("FLUSHALL")
		return true, ofReply(reply, err)
	}
	if f.Spared != nil {
		flush = func() (bool, error) { return f.Spared.flush(n) }
	}
	if done, err := insist(ctx, flush); err != nil || !done {
		return err
	}
	note("flushed")
	wait(ctx, f.Settle)
	return nil
}

func (f Flush) String() string { return "Flush{}" }

// Clock sets the node's wall clock ahead, or back, and right again. A step ahead
// ends keys before their time; so does setting it right after a step back.
type Clock struct {
	By, For time.Duration
	Spared  *Spared // as in Flush
	Settle  time.Duration
}

// Run sets the clock, and sets it right.
func (c Clock) Run(ctx context.Context, n *cluster.Node, note func(string)) error {
	to := func(ahead time.Duration) func() (bool, error) {
		return func() (bool, error) {
			if c.Spared != nil && (ahead > 0 || ahead == 0 && c.By < 0) {
				return c.Spared.whilePaused(n, func() error { return n.SetClock(ahead) })
			}
			return true, n.SetClock(ahead)
		}
	}
	if done, err := insist(ctx, to(c.By)); err != nil || !done {
		return err
	}
	note(fmt.Sprintf("clock %+v", c.By))
	wait(ctx, c.For)
	// It must be set right in the end, whether the others remember or not: when ctx
	// ends, the traffic is over.
	switch done, err := insist(ctx, to(0)); {
	case err != nil:
		return err
	case !done:
		from := clock.Now()
		if err := n.SetClock(0); err != nil {
			return err
		}
		if c.Spared != nil && c.By < 0 {
			c.Spared.lapsed(n, from, "its clock had to be set right although too few of the others remembered")
		}
	}
	note("clock right")
	wait(ctx, c.Settle)
	return nil
}

func (c Clock) String() string { return fmt.Sprintf("Clock{By: %v, For: %v}", c.By, c.For) }

// insist tries until it is done, for as long as ctx lives, but at most for 10 s.
func insist(ctx context.Context, try func() (done bool, err error)) (bool, error) {
	for deadline := time.Now().Add(10 * time.Second); ctx.Err() == nil && time.Now().Before(deadline); {
		if done, err := try(); done || err != nil {
			return done, err
		}
		wait(ctx, 3*time.Millisecond)
	}
	return false, nil
}

func ofReply(reply resp.Reply, err error) error {
	if err == nil && reply.Kind == resp.Error {
		err = errors.New(reply.Text)
	}
	return err
}
