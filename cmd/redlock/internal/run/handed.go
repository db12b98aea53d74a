package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/cmd/redlock/internal/exit"
	"github.com/redlock-go/redlock/cmd/redlock/internal/report"
)

// Leases that no process holds: "redlock acquire", "extend" and "release" hand them from
// one to the next as a text.

// Acquire is "redlock acquire": it takes the lock and writes the text of the lease to out, and calls done. If
// either fails, the lock is given back. When it
// returns nothing of it runs: the lock stays taken for the TTL.
func Acquire(o Options, out io.Writer, done func() error, reporter *report.Reporter) (status int, err error) {
	j := &job{Options: o, tell: reporter.Tell, signals: make(chan os.Signal, 32)}
	defer j.listen()()
	survivePipes() // who does not read the text gets none, and the lock is given back
	locker, err := j.open(reporter)
	if err != nil {
		return 0, err
	}
	defer j.close(locker)
	lease, status, err := j.acquire(locker)
	if err != nil || lease == nil {
		return status, err
	}
	text, err := lease.Handoff()
	if err != nil {
		j.release(lease, time.Now())
		return 0, exit.Failed(err)
	}
	if _, err = fmt.Fprintln(out, text); err == nil {
		err = done()
	}
	if err != nil {
		err = fmt.Errorf("the lease could not be written down: %w", err)
		if lease, lost := locker.Resume(context.Background(), text); lost == nil {
			j.release(lease, time.Now())
		}
		return 0, exit.Failed(err)
	}
	return exit.OK, nil
}

// Extend is "redlock extend": the lease of the text lives on for the TTL.
func Extend(o Options, text string, reporter *report.Reporter) (status int, err error) {
	return withText(o, text, reporter, func(ctx context.Context, j *job, locker *redlock.Locker) error {
		until, err := locker.Prolong(ctx, text)
		if err == nil {
			j.tell(report.Extended{Deadline: report.Stamp(until)})
		}
		return err
	})
}

// Release is "redlock release": the lock of the text is given back.
func Release(o Options, text string, reporter *report.Reporter) (status int, err error) {
	return withText(o, text, reporter, func(ctx context.Context, j *job, locker *redlock.Locker) error {
		lease, err := locker.Resume(ctx, text, redlock.WithoutRenewal())
		if err != nil {
			return err
		}
		if err := lease.Release(context.Background()); err != nil {
			return err
		}
		j.tell(report.GivenBack{Key: lease.Key(), Token: lease.Token()})
		return nil
	})
}

// withText does something with the lease of a text, and again for a moment if too few nodes answer.
func withText(o Options, text string, reporter *report.Reporter, do func(context.Context, *job, *redlock.Locker) error) (status int, err error) {
	handed, err := redlock.ReadHandoff(text)
	if err != nil {
		return 0, exit.Failed(err)
	}
	if o.Plan.TTL == 0 {
		o.Plan.TTL = handed.TTL
	}
	j := &job{Options: o, tell: reporter.Tell, signals: make(chan os.Signal, 32)}
	stopListening := j.listen()
	defer stopListening()
	ctx, end := context.WithCancelCause(context.Background())
	defer end(nil)
	defer j.listenWhileWaiting(end)()
	locker, err := j.open(reporter)
	if err != nil {
		return 0, err
	}
	defer j.close(locker)
	start := time.Now()
	for {
		err = do(ctx, j, locker)
		if !errors.Is(err, redlock.ErrNoQuorum) || time.Since(start) > outagePatience || !sleep(ctx, outagePause) {
			break
		}
	}
	var sig interrupted
	var quorum *redlock.QuorumError
	switch {
	case err == nil:
		return exit.OK, nil
	case errors.As(context.Cause(ctx), &sig):
		return exit.Signalled(sig.sig), nil
	case errors.Is(err, redlock.ErrLost):
		j.tell(report.Gone{Key: handed.Key, Detail: err.Error()})
		return exit.Lost, nil
	case errors.As(err, &quorum):
		j.tell(report.NoQuorum{Key: handed.Key, Blocked: report.Blocked{
			Reason: report.ReasonNoQuorum, Need: quorum.Need, Got: quorum.Got, Nodes: troubles(quorum),
		}})
		return exit.NotAcquired, nil
	}
	return 0, exit.Failed(err)
}

// listen has the signals that would end us come to the job.
func (j *job) listen() (stop func()) {
	for _, sig := range ending {
		if !signal.Ignored(sig) {
			signal.Notify(j.signals, sig)
		}
	}
	return func() { signal.Stop(j.signals) }
}

// open opens the nodes and makes a Locker on them.
func (j *job) open(reporter *report.Reporter) (*redlock.Locker, error) {
	nodes, err := j.Open()
	if err != nil {
		return nil, exit.Failed(err)
	}
	prefix, owner := j.Prefix, ""
	if prefix == "" {
		prefix = redlock.NoPrefix
	}
	if j.Label != "" {
		owner = label(j.Label)
	}
	locker, err := redlock.New(redlock.Config{
		Nodes:       nodes,
		TTL:         j.Plan.TTL,
		NodeTimeout: j.NodeTimeout,
		LongestTTL:  max(j.LongestTTL, j.Plan.TTL),
		Prefix:      prefix,
		Owner:       owner,
		Logger:      slog.New(report.Warnings(reporter)),
	})
	if err != nil {
		return nil, exit.Failed(err)
	}
	return locker, nil
}
