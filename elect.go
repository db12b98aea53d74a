package redlock

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/script"
)

// Elect stands for election to be the one leader of that name, and calls fn when it is
// elected: at no instant of true time are two contexts alive that any fn was called with, in
// any process (E1, which is I1). It is for services that run for ever: it waits in the nodes'
// queues, leads until fn returns or the leadership is lost, and in the latter case stands again.
//
// fn's context is a child of ctx, and that of a lease as [Lease.Context] describes it:
// it ends with ErrLost when the leadership is lost, no later than the lease's deadline (I2). fn
// must return when it ends, as nothing can stop fn, and somebody else may be leader.
// [TokenFrom] has the term's fencing token, greater than that of each leader before (E2, which
// is I3); [LeaseFrom] has the lease. There is never a second fn at once in one call
// of Elect: after a loss it waits until fn has returned before it stands again.
//
// How fn returns says what follows. By itself, while it leads: the work is done, and Elect resigns
// and returns fn's result, be it nil or an error. With ErrStepDown: it resigns, and stands again.
// After a loss: it stands again, whatever fn returned. A panic in fn resigns and goes on.
//
// When ctx ends, Elect resigns as soon as fn has returned, and returns fn's error, or if that is
// nil the context's own. So Elect returns nil only if fn returned nil while it led. The
// error is also ErrLost if it turns out at the end that the leadership was lost
// before fn returned, and fn could not know. After Close it is ErrClosed. In no case a key is left behind: see [Locker.Acquire].
//
// An outage (ErrNoQuorum) is waited out and not returned. [WithOnWait] tells what an election waits for:
// *HeldError and *QuorumError as in Acquire, and after a loss of leadership, once fn has
// returned, an error that is ErrLost, and fn's own. [WithMaxHold] bounds a term.
//
// The key is a lock's like any other: Acquire of the same name keeps leaders out.
// [Locker.Leader] and [Locker.Watch] read who leads.
func (l *Locker) Elect(ctx context.Context, name string, fn func(ctx context.Context) error, opts ...Option) error {
	o, err := l.options(name, opts)
	if err != nil {
		return err
	}
	tell := func(err error) {
		if o.onWait != nil {
			o.onWait(err)
		}
	}
	for outages := 0; ; {
		lease, err := l.Acquire(ctx, name, opts...)
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, ErrClosed) || !errors.Is(err, ErrNoQuorum) {
				return err
			}
			tell(err)
			if err := l.sleep(ctx, electionPace.Pause(outages, core.View{}, rand.Float64())); err != nil {
				return (&waiting{}).giveUp(o.key, err)
			}
			outages++
			continue
		}
		outages = 0
		lost, err := l.lead(ctx, lease, fn)
		switch {
		case ctx.Err() != nil && err == nil:
			return contextError(ctx)
		case ctx.Err() != nil:
			return err
		case l.isClosing():
			return errors.Join(err, ErrClosed)
		case lost:
			if cause := context.Cause(lease.Context()); !errors.Is(err, cause) {
				err = errors.Join(cause, err)
			}
			tell(err)
		case !errors.Is(err, ErrStepDown):
			return err
		}
	}
}

// electionPace is that of one who stands for election while no quorum is to be had.
var electionPace = core.Pace{Least: 50 * time.Millisecond, Most: time.Second}

// lead is one term. It returns when fn has, and the lock is given back, and reports whether
// the leadership was lost before. It resigns, too, if fn panics.
func (l *Locker) lead(ctx context.Context, lease *Lease, fn func(ctx context.Context) error) (lost bool, err error) {
	lease.c.mu.Lock()
	lease.c.leads = true
	lease.c.mu.Unlock()
	announced := make(chan struct{})
	go func() {
		defer close(announced)
		l.announce(lease)
	}()
	defer func() {
		lost = lease.Context().Err() != nil && errors.Is(context.Cause(lease.Context()), ErrLost)
		if back := l.giveBack(ctx, lease, err); !lost {
			err = back
		}
		<-announced // the lease's context is done
		l.survey(context.WithoutCancel(ctx), script.Resign(lease.Key(), lease.Token()))
	}()
	return false, fn(lease.Context())
}

// leading are the leases of leaders among the claims.
func leading(claims []*claim) []*Lease {
	var leaders []*Lease
	for _, c := range claims {
		c.mu.Lock()
		if c.leads && c.lost == nil {
			leaders = append(leaders, c.tenant)
		}
		c.mu.Unlock()
	}
	return leaders
}

// resign tells those who watch that leaders are none any more, when the Locker is closed and their
// calls of Elect cannot. It waits for the nodes until ctx is done.
func (l *Locker) resign(ctx context.Context, leaders []*Lease) {
	var told []<-chan answer
	for _, lease := range leaders {
		for _, ln := range l.lanes {
			told = append(told, ln.ask(script.Resign(lease.Key(), lease.Token())))
		}
	}
	for _, t := range told {
		select {
		case <-t:
		case <-ctx.Done():
			return
		}
	}
}

const (
	mostNoted   = time.Minute // for how long a node that lost the note who leads is without it
	tellUnnoted = 4           // how many announcements in a row may fail before that is told
)

// announce has the nodes note that the lease's holder was elected, and tell those who
// watch, and keeps the note alive until the lease is over. (A question that changes something:
// it does so only while the lease's value holds the key, whenever it arrives.)
func (l *Locker) announce(lease *Lease) {
	note := script.Announce(lease.Key(), lease.c.value, lease.token, l.cfg.TokenRetention.Milliseconds())
	for failures := 0; ; {
		failed := &QuorumError{Op: "note who leads", Key: lease.Key(), Need: l.terms.Need}
		for _, a := range l.survey(lease.Context(), note) {
			noted, err := false, a.err
			if err == nil {
				noted, err = script.ReadAnnounce(a.replies)
			}
			switch {
			case noted:
				failed.Got++
			case err != nil:
				failed.Nodes = append(failed.Nodes, NodeError{l.lanes[a.index].node.Name(), err})
			}
		}
		pause := min(l.cfg.TokenRetention/3, mostNoted)
		if failed.Got < l.terms.Need && lease.Context().Err() == nil {
			if failures++; failures == tellUnnoted {
				l.cfg.Logger.Warn("redlock: who watches may not know who leads", "key", lease.Key(), "cause", failed)
			}
			pause = electionPace.Pause(failures-1, core.View{}, rand.Float64())
		} else {
			failures = 0
		}
		if l.sleep(lease.Context(), pause) != nil {
			return
		}
	}
}
