package run

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/cmd/redlock/internal/exit"
	"github.com/redlock-go/redlock/cmd/redlock/internal/report"
)

const (
	// tellAfter is how long a wait lasts before it is worth a word.
	tellAfter = 150 * time.Millisecond
	// tellAgain is how often a waiter says what it waits for while it hears nothing
	// new: in the nodes' queues it may ask once in a holder's TTL.
	tellAgain = 10 * time.Second

	// outagePatience is for how long we try to find a quorum: a hiccup of the
	// network or of this machine at the wrong moment is no outage.
	outagePatience = time.Second
	outagePause    = 50 * time.Millisecond
)

var errTimedOut = errors.New("--wait is over")

// interrupted is the cause of an acquisition's end by a signal.
type interrupted struct{ sig syscall.Signal }

func (i interrupted) Error() string { return i.sig.String() }

// acquire takes the lock. If it did not get it, lease is nil, and status is what
// to exit with; why was told. An error was not told.
func (j *job) acquire(locker *redlock.Locker) (lease *redlock.Lease, status int, err error) {
	// The lease's context is a child of this one, which therefore ends only if
	// it is not acquired: neither --wait nor a signal ends a lease.
	ctx, end := context.WithCancelCause(context.Background())
	quiet := j.listenWhileWaiting(end)
	start := time.Now()
	w := &waiter{job: j}
	stopTimer := func() bool { return true }
	if !j.Forever && j.Wait > 0 {
		stopTimer = time.AfterFunc(j.Wait, func() { end(errTimedOut) }).Stop
	}
	options := []redlock.Option{redlock.WithOnWait(w.wait)}
	if j.Plan.MaxHold > 0 {
		options = append(options, redlock.WithMaxHold(j.Plan.MaxHold))
	}
	try := j.way(locker)
	for {
		lease, err = try(ctx, options)
		if !errors.Is(err, redlock.ErrNoQuorum) || time.Since(start) > outagePatience || !sleep(ctx, outagePause) {
			break
		}
	}
	// From here on nothing ends ctx any more, and what has is seen below.
	stopTimer()
	quiet()
	w.stop()

	waited := report.Millis(time.Since(start))
	cause := context.Cause(ctx)
	var sig interrupted
	switch {
	case err == nil && cause == nil:
		j.tell(report.Acquired{
			Key: j.key(), Token: lease.Token(), Deadline: report.Stamp(lease.Deadline()),
			Waited: waited, Told: !w.told.IsZero(), // w has stopped
		})
		return lease, 0, nil
	case err == nil:
		// Got it in the moment in which the wait ended: it will not be renewed.
		j.release(lease, time.Now())
	}
	why, ok := j.blocked(err) // also says, after the end of a wait, what for
	switch {
	case errors.As(cause, &sig):
		return nil, exit.Signalled(sig.sig), nil
	case errors.Is(cause, errTimedOut):
		j.tell(report.NotAcquired{Key: j.key(), Waited: waited, Blocked: why, TimedOut: true})
		return nil, exit.TimedOut, nil
	case !ok:
		return nil, 0, exit.Failed(err)
	}
	e := report.NotAcquired{Key: j.key(), Waited: waited, Blocked: why}
	if why.Reason == report.ReasonHeld {
		e.Hint = "--wait DURATION waits for it"
	}
	j.tell(e)
	return nil, exit.NotAcquired, nil
}

// way is how to take the lock.
func (j *job) way(locker *redlock.Locker) func(ctx context.Context, o []redlock.Option) (*redlock.Lease, error) {
	once := !j.Forever && j.Wait == 0
	names := append([]string{j.Name}, j.Also...)
	return func(ctx context.Context, o []redlock.Option) (*redlock.Lease, error) {
		switch {
		case j.Read && once:
			return locker.TryAcquireRead(ctx, j.Name, o...)
		case j.Read:
			return locker.AcquireRead(ctx, j.Name, o...)
		case j.Slots > 0 && once:
			return locker.TryAcquireSlot(ctx, j.Name, j.Slots, o...)
		case j.Slots > 0:
			return locker.AcquireSlot(ctx, j.Name, j.Slots, o...)
		case len(j.Also) > 0 && once:
			return locker.TryAcquireAll(ctx, names, o...)
		case len(j.Also) > 0:
			return locker.AcquireAll(ctx, names, o...)
		case once:
			return locker.TryAcquire(ctx, j.Name, o...)
		}
		return locker.Acquire(ctx, j.Name, o...)
	}
}

// listenWhileWaiting ends the acquisition on a signal that would end us. The
// others are for the command, which does not run yet. After the function that
// is returned has returned, signals are left in the channel again.
func (j *job) listenWhileWaiting(end context.CancelCauseFunc) (stop func()) {
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case sig := <-j.signals:
				if s, ok := sig.(syscall.Signal); ok && slices.Contains(ending, os.Signal(s)) {
					end(interrupted{s})
				}
			case <-done:
				return
			}
		}
	}()
	return func() {
		close(done)
		<-stopped
	}
}

// sleep waits, and reports whether ctx is not done.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// waiter tells what is waited for: when that has lasted for a moment, when an attempt
// shows that it has changed, and now and then what was heard last.
type waiter struct {
	job *job

	mu      sync.Mutex
	timer   *time.Timer    // tells next
	told    time.Time      // when last; zero if never
	last    report.Blocked // what was heard last
	heard   time.Time      // when
	stopped bool
}

// wait is called by Acquire when an attempt has failed.
func (w *waiter) wait(err error) {
	why, ok := w.job.blocked(err)
	if !ok {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	changed := why.Reason != w.last.Reason || why.Holder != w.last.Holder || !slices.Equal(names(why), names(w.last))
	w.last, w.heard = why, time.Now()
	switch {
	case w.timer == nil:
		w.timer = time.AfterFunc(tellAfter, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.tell()
		})
	case !w.told.IsZero() && changed:
		w.tell()
	}
}

// tell is called with the mutex held.
func (w *waiter) tell() {
	if w.stopped {
		return
	}
	w.told = time.Now()
	w.timer.Reset(tellAgain)
	why := w.last
	if why.Remaining > 0 { // of what was heard: it may have been renewed
		why.Remaining = max(0, why.Remaining-report.Millis(time.Since(w.heard)))
	}
	w.job.tell(report.Waiting{Key: w.job.key(), Blocked: why})
}

// stop ends it: nothing is told after it has returned, and told does not change.
func (w *waiter) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	if w.timer != nil {
		w.timer.Stop()
	}
}

func names(b report.Blocked) []string {
	all := make([]string, len(b.Nodes))
	for i, n := range b.Nodes {
		all[i] = n.Node
	}
	slices.Sort(all)
	return all
}

// blocked says why the lock could not be had; ok is false if the error is of
// another kind.
func (j *job) blocked(err error) (why report.Blocked, ok bool) {
	var held *redlock.HeldError
	var quorum *redlock.QuorumError
	switch {
	case errors.As(err, &held):
		why = report.Blocked{Reason: report.ReasonHeld, Holder: held.Holder, Remaining: report.Millis(held.Remaining), Reserved: held.Reserved}
		if len(j.Also) > 0 {
			why.Busy = held.Key
		}
		return why, true
	case errors.As(err, &quorum):
		return report.Blocked{Reason: report.ReasonNoQuorum, Need: quorum.Need, Got: quorum.Got, Nodes: troubles(quorum)}, true
	}
	return report.Blocked{}, false
}

func troubles(q *redlock.QuorumError) []report.NodeTrouble {
	all := make([]report.NodeTrouble, len(q.Nodes))
	for i, n := range q.Nodes {
		all[i] = report.NodeTrouble{Node: n.Node, Error: n.Err.Error()}
	}
	return all
}
