package run

import (
	"context"
	"errors"
	"os/signal"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/cmd/redlock/internal/exit"
	"github.com/redlock-go/redlock/cmd/redlock/internal/report"
)

// election is "redlock elect": the command runs whenever we lead.
type election struct {
	*job
	ctx context.Context
	end context.CancelCauseFunc

	stood  time.Time // since when we stand for election
	waiter *waiter
	quiet  func()

	held   time.Duration // of the last term
	status int           // to exit with, when the election has ended by itself
	failed error         // why the command could not be run
	stuck  chan struct{} // processes of the command were left behind
}

// Elect stands for election, runs the command for as long as we lead, stands again when
// the leadership was lost, and returns with the command's exit status when it ends
// by itself. Errors, and what is left when it returns, are as with Run.
func Elect(o Options, reporter *report.Reporter) (status int, err error) {
	j, err := begin(o, reporter)
	if err != nil {
		return 0, err
	}
	defer signal.Stop(j.signals)
	locker, err := j.open(reporter)
	if err != nil {
		return 0, err
	}
	e := &election{job: j, stuck: make(chan struct{})}
	e.ctx, e.end = context.WithCancelCause(context.Background())
	defer e.end(nil)
	e.stand()
	over := make(chan error, 1)
	go func() { over <- locker.Elect(e.ctx, j.Name, e.lead, redlock.WithOnWait(e.wait)) }()
	select {
	case <-e.stuck:
		return e.status, nil
	case err = <-over:
	}
	e.rest()
	var sig interrupted
	switch {
	case errors.As(context.Cause(e.ctx), &sig):
		status, err = exit.Signalled(sig.sig), nil
	case e.failed != nil:
		err = e.failed
	case err == nil:
		status = e.status
		j.tell(report.Released{Held: report.Millis(e.held)})
	case errors.Is(err, redlock.ErrLost):
		status, err = e.status, nil // the command ended by itself just before that
	default:
		err = exit.Failed(err)
	}
	j.close(locker)
	return status, err
}

// stand begins the time in which we are not leader: signals end us.
func (e *election) stand() {
	e.stood = time.Now()
	e.waiter = &waiter{job: e.job}
	e.quiet = e.listenWhileWaiting(e.end)
}

// rest is the end of that time.
func (e *election) rest() {
	if e.quiet != nil {
		e.quiet()
		e.waiter.stop()
		e.quiet = nil
	}
}

// wait is told what an election waits for.
func (e *election) wait(err error) {
	if !errors.Is(err, redlock.ErrLost) { // of that was told when it happened
		e.waiter.wait(err)
	}
}

// lead is one term.
func (e *election) lead(ctx context.Context) error {
	e.rest()
	if e.ctx.Err() != nil {
		return nil // a signal came in the same moment
	}
	lease, _ := redlock.LeaseFrom(ctx)
	began := time.Now()
	e.tell(report.Elected{
		Key: e.key(), Token: lease.Token(), Deadline: report.Stamp(lease.Deadline()), Waited: report.Millis(began.Sub(e.stood)),
	})
	status, left, err := e.supervise(lease)
	e.held = time.Since(began)
	switch {
	case left > 0:
		e.leave(lease, left)
		e.status = status
		close(e.stuck)
		select {} // until the process ends: to return would be to resign
	case err != nil:
		e.failed = err
		return err
	case e.lost && e.asked == 0:
		if len(stopping) > 0 {
			signal.Reset(stopping...) // Ctrl-Z is ours again, and not the command's
		}
		e.stand()
		e.tell(report.Standing{Key: e.key()})
		return redlock.ErrStepDown
	case e.lost:
		status = exit.Signalled(e.asked)
	}
	e.status = status
	return nil
}
