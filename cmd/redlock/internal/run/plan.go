package run

import (
	"time"

	"github.com/redlock-go/redlock/cmd/redlock/internal/exit"
)

// Plan is when the command is stopped if its lease is not renewed: TERM in time
// for it to end by itself, and KILL in time for it to be gone before the
// lease's deadline.
//
//	KILL = deadline - margin
//	TERM = KILL - killAfter
//
// A lease is renewed every TTL/3, and the TERM must leave time for a renewal
// that failed at first. So killAfter is TTL/2 at the most, and TTL/3 by default:
// with a TTL of 10 s renewals may fail for three seconds before the command
// hears of it, and it has three to end.
type Plan struct {
	TTL       time.Duration
	KillAfter time.Duration
	MaxHold   time.Duration // 0 for none
}

// The margin is for a busy machine to get around to a kill.
const (
	leastMargin = 5 * time.Millisecond
	mostMargin  = 500 * time.Millisecond
)

// NewPlan returns a plan, or an error (an *exit.Error) if the times do not fit
// into each other. A negative killAfter stands for the default.
func NewPlan(ttl, killAfter, maxHold time.Duration) (Plan, error) {
	p := Plan{TTL: ttl, KillAfter: killAfter, MaxHold: maxHold}
	if killAfter < 0 {
		p.KillAfter = ttl / 3
		if maxHold > 0 {
			p.KillAfter = min(p.KillAfter, maxHold/3)
		}
	}
	switch {
	case p.KillAfter > ttl/2:
		return p, exit.Failuref("a longer --ttl, at least "+(2*p.KillAfter).String()+", leaves time for that",
			"--kill-after %v does not fit into --ttl %v: it may be half of it, as the lease is renewed every third, "+
				"and the command must have ended before a lease that is not renewed does", p.KillAfter, ttl)
	case maxHold > 0 && maxHold <= p.KillAfter+p.margin():
		return p, exit.Failuref("", "--max-hold %v must be longer than --kill-after %v: "+
			"the command is asked to end that long before", maxHold, p.KillAfter)
	}
	return p, nil
}

func (p Plan) margin() time.Duration {
	whole := p.TTL
	if p.MaxHold > 0 {
		whole = min(whole, p.MaxHold)
	}
	return min(max(whole/20, leastMargin), mostMargin)
}

// Kill is when the command must be killed if the lease ends at the deadline.
func (p Plan) Kill(deadline time.Time) time.Time { return deadline.Add(-p.margin()) }

// Term is when the command must be asked to end.
func (p Plan) Term(deadline time.Time) time.Time { return p.Kill(deadline).Add(-p.KillAfter) }

// Look is how often to look whether the deadline has moved.
func (p Plan) Look() time.Duration { return max(p.TTL/6, leastMargin) }
