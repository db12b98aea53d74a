// Package run is "redlock run": take the lock, run the command under it, give
// the lock back.
package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/cmd/redlock/internal/exit"
	"github.com/redlock-go/redlock/cmd/redlock/internal/report"
)

// Options are what the flags of "redlock run" say.
type Options struct {
	Name    string   // of the lock
	Also    []string // the names of others that are taken with it
	Read    bool     // share it with others that do
	Slots   int      // take one of so many slots; 0: the lock
	Command []string // and its arguments

	Open func() ([]redlock.Node, error) // the nodes; its error is an *exit.Error, or a Failure

	Plan    Plan
	Forever bool          // wait for the lock for as long as it takes
	Wait    time.Duration // else for so long; 0: try once
	Prefix  string        // "" for none
	Label   string

	NodeTimeout time.Duration // 0 for the library's default
	LongestTTL  time.Duration // that anybody uses on these nodes; 0 for the own one
}

// key is the lock's key on the nodes, or all of them.
func (o Options) key() string {
	keys := []string{o.Prefix + o.Name}
	for _, name := range o.Also {
		keys = append(keys, o.Prefix+name)
	}
	return strings.Join(keys, ", ")
}

// job is one run.
type job struct {
	Options
	path    string // of the command
	tell    func(report.Event)
	signals chan os.Signal

	// Of the last supervision: whether the command was stopped for want of the lease, and
	// which signal asked us to end after that.
	lost  bool
	asked syscall.Signal
}

// Run does it all and returns the exit status; an error, always an *exit.Error,
// is one that has not been told yet. When it returns nothing of the command
// runs, or it was told that something does.
func Run(o Options, reporter *report.Reporter) (status int, err error) {
	j, err := begin(o, reporter)
	if err != nil {
		return 0, err
	}
	defer signal.Stop(j.signals)
	locker, err := j.open(reporter)
	if err != nil {
		return 0, err
	}
	lease, status, err := j.acquire(locker)
	if err != nil || lease == nil {
		j.close(locker)
		return status, err
	}
	held := time.Now()
	status, left, err := j.supervise(lease)
	if left > 0 {
		j.leave(lease, left)
		return status, err
	}
	j.release(lease, held)
	j.close(locker)
	return status, err
}

// begin finds the command, and listens to signals from here on.
func begin(o Options, reporter *report.Reporter) (*job, error) {
	path, err := find(o.Command[0])
	if err != nil {
		return nil, err
	}
	j := &job{Options: o, path: path, tell: reporter.Tell, signals: make(chan os.Signal, 32)}
	for _, sig := range passedOn {
		if !signal.Ignored(sig) { // or else nohup would be undone
			signal.Notify(j.signals, sig)
		}
	}
	survivePipes()
	return j, nil
}

// leave tells that processes were left behind, so that the lock is not given back: the next
// holder must not meet them while the lease could still be ours.
func (j *job) leave(lease *redlock.Lease, left int) {
	j.tell(report.Warning{
		Message: fmt.Sprintf("%d processes of the command could not be killed, so the lock is not released; it ends in %v",
			left, time.Until(lease.Deadline()).Round(time.Millisecond)),
		Hint: "a process that changes its user, with sudo or su, is out of reach",
	})
}

// find returns the file of the command, as a shell would find it.
func find(name string) (string, error) {
	path, err := exec.LookPath(name)
	switch {
	case err == nil || errors.Is(err, exec.ErrDot):
		return path, nil
	case errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist):
		return "", &exit.Error{Status: exit.NotFound, Err: fmt.Errorf("%s: command not found", name)}
	default:
		return "", &exit.Error{Status: exit.CannotRun, Err: fmt.Errorf("%s: %w", name, errors.Unwrap(err))}
	}
}

// environment is ours, and what the command is told of its lease. A lease of a
// "redlock run" around us is hidden.
func environment(lease *redlock.Lease) []string {
	told := map[string]string{
		"REDLOCK_KEY":      lease.Key(),
		"REDLOCK_TOKEN":    strconv.FormatUint(lease.Token(), 10),
		"REDLOCK_DEADLINE": lease.Deadline().UTC().Format(time.RFC3339Nano),
	}
	hidden := []string{"REDLOCK_SLOT"}
	if slot := lease.Slot(); slot >= 0 {
		told["REDLOCK_SLOT"] = strconv.Itoa(slot)
	}
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		_, ours := told[name]
		return ours || slices.Contains(hidden, name)
	})
	for name, value := range told {
		env = append(env, name+"="+value)
	}
	return env
}

// label is the owner's label: what --label says, and the usual host and process.
func label(name string) string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s %.40s/%d", name, host, os.Getpid())
}

// release gives the lock back. That it fails is no failure of the command.
func (j *job) release(lease *redlock.Lease, held time.Time) {
	over := lease.Deadline().Add(j.Plan.TTL/100 + 2*time.Millisecond) // the nodes count from later than we do, and may count slower
	err := lease.Release(context.Background())
	var quorum *redlock.QuorumError
	switch {
	case err == nil:
		j.tell(report.Released{Held: report.Millis(time.Since(held))})
	case errors.Is(err, redlock.ErrLost):
		// It was told when it happened; or it happened after the command ended.
	case errors.As(err, &quorum):
		j.tell(report.NotReleased{
			Key:       j.key(),
			Remaining: report.Millis(max(time.Until(over), 0)),
			Error:     fmt.Sprintf("%d of the %d nodes needed answered", quorum.Got, quorum.Need),
			Nodes:     troubles(quorum),
		})
	default:
		j.tell(report.NotReleased{Key: j.key(), Remaining: report.Millis(max(time.Until(over), 0)), Error: err.Error()})
	}
}

func (j *job) close(locker *redlock.Locker) {
	if err := locker.Close(); err != nil {
		j.tell(report.Warning{Message: err.Error()})
	}
}
