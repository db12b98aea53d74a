package run

import (
	"context"
	"errors"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/cmd/redlock/internal/clock"
	"github.com/redlock-go/redlock/cmd/redlock/internal/exit"
	"github.com/redlock-go/redlock/cmd/redlock/internal/guard"
	"github.com/redlock-go/redlock/cmd/redlock/internal/report"
)

// supervision is the time during which the command runs.
type supervision struct {
	*job
	lease    *redlock.Lease
	guard    *guard.Guard
	terminal *terminal

	start    time.Time
	deadline time.Time // of the lease, when last looked at
	lingers  bool      // the command has ended, and what it left behind has not
}

// supervise runs the command until nothing of it is left, or left processes
// could not be killed, and returns its exit status, or ours. The lease is
// not released. The error, if any, was not told.
func (j *job) supervise(lease *redlock.Lease) (status, left int, err error) {
	j.lost, j.asked = false, 0
	s := &supervision{job: j, lease: lease, start: time.Now(), deadline: lease.Deadline()}
	s.terminal = openTerminal(j.signals)
	defer s.terminal.close()
	s.guard, err = guard.Start(guard.Command{Path: j.path, Args: j.Command, Env: environment(lease)}, s.killAt(), j.Plan.KillAfter)
	if err != nil {
		return 0, 0, exit.Failed(err)
	}
	last := s.watch()
	s.terminal.takeBack()
	switch {
	case last.Kind == guard.Failed:
		return 0, 0, &exit.Error{Status: last.Status, Err: errors.New(last.Message)}
	case s.lost:
		return exit.Lost, last.Left, nil
	default:
		return last.ExitStatus(), last.Left, nil
	}
}

// watch looks after the command and the lease until the guard's last event.
func (s *supervision) watch() (last guard.Event) {
	over := s.lease.Context().Done()
	look := time.NewTimer(0)
	defer look.Stop()
	for {
		select {
		case event, ok := <-s.guard.Events():
			if !ok {
				return last
			}
			last = event
			s.happened(event)
		case sig := <-s.signals:
			s.pass(sig)
		case <-s.terminal.continued():
			s.resume()
		case <-over:
			over = nil
			s.stop(report.LostLease, context.Cause(s.lease.Context()))
		case <-look.C:
			look.Reset(s.look())
		}
	}
}

// happened deals with what the guard tells.
func (s *supervision) happened(event guard.Event) {
	switch event.Kind {
	case guard.Started:
		s.terminal.started(event.Pid)
		s.tell(report.Started{Pid: event.Pid})
	case guard.Stopped:
		s.tell(report.Paused{Signal: signalName(event.Signal)})
		// This stands still for as long as we are stopped ourselves.
		if s.terminal.stopped(event.Signal) {
			s.resume()
		}
	case guard.Lingering:
		s.lingers = true
		s.tell(report.Lingering{KillAfter: report.Millis(s.Plan.KillAfter)})
	case guard.Killed:
		// The guard has its own clock: if we were stopped, it was quicker.
		if event.Cause == guard.Deadline && !s.lingers {
			s.stop(report.NotRenewed, nil)
		}
		s.tell(report.Killed{Reason: event.Cause.String()})
	}
}

// pass passes a signal on to the command.
func (s *supervision) pass(sig os.Signal) {
	if isContinue(sig) {
		s.resume()
		return
	}
	if n, ok := sig.(syscall.Signal); ok {
		s.tell(report.Signal{Signal: signalName(n)})
		if s.lost && slices.Contains(ending, sig) {
			s.asked = n
		}
	}
	s.guard.Signal(sig)
}

// resume lets a command go on that was stopped, unless its lease is over: then
// it must not run another instruction, and stop has it killed.
func (s *supervision) resume() {
	if s.lease.Context().Err() != nil {
		s.stop(report.LostLease, context.Cause(s.lease.Context()))
		return
	}
	s.terminal.resumed()
	s.guard.Signal(continueSignal)
}

// look sees whether the lease was extended, or must be given up, and returns
// when to look again.
func (s *supervision) look() time.Duration {
	if s.lost {
		return s.Plan.TTL
	}
	deadline := s.lease.Deadline()
	if deadline.Sub(s.deadline) > time.Millisecond { // less is the two clocks' rounding
		s.deadline = deadline
		s.guard.KillAt(s.killAt())
		s.tell(report.Extended{Deadline: report.Stamp(deadline)})
	}
	left := time.Until(s.Plan.Term(s.deadline))
	if left > 0 {
		return min(left, s.Plan.Look())
	}
	reason := report.NotRenewed
	if s.Plan.MaxHold > 0 && s.deadline.After(s.start.Add(s.Plan.MaxHold-s.Plan.margin())) {
		reason = report.MaxHold
	}
	s.stop(reason, nil)
	return s.Plan.TTL
}

// stop asks the command to end, and has it killed in time: before the lease's
// deadline, and no later than --kill-after from now.
func (s *supervision) stop(reason string, cause error) {
	if s.lost {
		return
	}
	s.lost = true
	kill := min(clock.Now().Add(s.Plan.KillAfter), s.killAt())
	s.guard.Stop(kill)
	lost := report.Lost{Key: s.key(), Reason: reason, KillAfter: report.Millis(max(kill.Sub(clock.Now()), 0))}
	if cause != nil {
		lost.Detail = cause.Error()
	}
	s.tell(lost)
}

func (s *supervision) killAt() clock.Instant { return clock.Of(s.Plan.Kill(s.deadline)) }
