package redlock

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/script"
)

// Leader says who leads, by [Locker.Elect]. It is advice: by the time that it is read
// somebody else may lead, and only a resource that compares tokens can tell.
type Leader struct {
	// Holder is the label of who leads, "host/pid" if it set none (Config.Owner); "" if
	// nobody leads. It is what the leader wrote of itself.
	Holder string

	// Token is the fencing token of its term, and greater than that of each leader
	// before; 0 if nobody leads.
	Token uint64

	// Remaining is for how long a majority of the nodes keeps it leader if it does not
	// renew: a leader that is well always does.
	Remaining time.Duration
}

// IsNobody reports whether nobody leads.
func (l Leader) IsNobody() bool { return l.Token == 0 }

// String says who leads, in words.
func (l Leader) String() string {
	if l.IsNobody() {
		return "nobody leads"
	}
	return fmt.Sprintf("%s leads, token %d, for %v yet unless it renews", l.Holder, l.Token, l.Remaining.Round(time.Millisecond))
}

// Leader reads from a majority of the nodes who leads the election of that name. That
// nobody leads is no error: see [Leader.IsNobody]; nor does somebody who holds the same
// key by Acquire, or by another library, and was not elected.
//
// The error is a *QuorumError (ErrNoQuorum) if too few nodes answered to tell: within the
// per-node deadline, or some tenths of a second if a node that is silent would tip the
// scales. Or it is the context's own, or ErrClosed. Nothing is changed on the nodes.
func (l *Locker) Leader(ctx context.Context, name string) (Leader, error) {
	o, err := l.options(name, nil)
	if err != nil {
		return Leader{}, err
	}
	watch := core.NewWatch(l.clock.now(), l.terms.Need, l.watchRules())
	for {
		watch.Look()
		sights, failed := l.sights(ctx, o.key)
		if err := l.interrupted(ctx); err != nil {
			return Leader{}, fmt.Errorf("redlock: gave up looking who leads %q: %w", o.key, err)
		}
		news := watch.Seen(l.clock.now(), sights, rand.Float64())
		switch {
		case news == core.Changed:
			return leaderOf(watch.Lead()), nil
		case news == core.Dark || failed.Got < failed.Need:
			return Leader{}, failed
		}
		if err := l.sleep(ctx, watch.Alarm()-l.clock.now()); err != nil {
			return Leader{}, fmt.Errorf("redlock: gave up looking who leads %q: %w", o.key, err)
		}
	}
}

// sights asks all nodes who leads. The error says of those that did not answer why, for
// whom that matters.
func (l *Locker) sights(ctx context.Context, key string) ([]core.Sight, *QuorumError) {
	sights := make([]core.Sight, len(l.lanes))
	failed := &QuorumError{Op: "look at", Key: key, Need: l.terms.Need}
	for i, a := range l.survey(ctx, script.Sight(key)) {
		err := a.err
		if err == nil {
			sights[i], err = script.ReadSight(a.replies)
		}
		if err == nil {
			failed.Got++
			continue
		}
		failed.Nodes = append(failed.Nodes, NodeError{l.lanes[i].node.Name(), err})
	}
	return sights, failed
}

// interrupted is why a caller need not go on.
func (l *Locker) interrupted(ctx context.Context) error {
	switch {
	case ctx.Err() != nil:
		return contextError(ctx)
	case l.isClosing():
		return ErrClosed
	}
	return nil
}

func (l *Locker) watchRules() *core.WatchRules {
	return &core.WatchRules{Most: l.cfg.TTL, Grace: watchGrace, MostGrace: mostWatchGrace}
}

const (
	watchGrace     = 5 * time.Millisecond
	mostWatchGrace = time.Second
)

func leaderOf(lead core.Lead) Leader {
	if lead.Term == 0 {
		return Leader{}
	}
	return Leader{Holder: holderName(lead.Value), Token: lead.Term, Remaining: lead.Remaining}
}
