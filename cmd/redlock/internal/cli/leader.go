package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/cmd/redlock/internal/devcluster"
	"github.com/redlock-go/redlock/cmd/redlock/internal/exit"
	"github.com/redlock-go/redlock/cmd/redlock/internal/report"
)

const leaderLong = `Leader prints who leads the election NAME, as a majority of the nodes says, on stdout:
the leader's label, its fencing token, and for how long it leads yet if it does not renew.
Or "nobody". It changes nothing on the nodes.

With --watch it goes on, and prints each change; changes are pushed by the nodes.

Exit status:
    0  somebody leads
    1  nobody leads
   75  too few nodes answer to tell
  125  a mistake in the flags or nodes, or a failure of redlock`

func leaderCommand(status *int) *cobra.Command {
	var f runFlags
	var watch bool
	cmd := &cobra.Command{
		Use:               "leader [flags] NAME",
		Short:             "Tell who leads an election",
		Long:              leaderLong,
		Example:           "  redlock leader scheduler\n  redlock leader --watch --json scheduler",
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if len(args) != 1 || args[0] == "" {
				return exit.Failuref("redlock leader NAME", "one election is to be named, not %d", len(args))
			}
			*status, err = f.leader(cmd.Context(), cmd.OutOrStdout(), args[0], watch)
			return err
		},
	}
	f.registerNodes(cmd.Flags())
	cmd.Flags().Lookup("json").Usage = "an object a line, on stdout"
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "go on, and tell of each change")
	return cmd
}

// leader prints who leads, once or again and again.
func (f *runFlags) leader(ctx context.Context, out io.Writer, name string, watch bool) (status int, err error) {
	reporter := report.New(os.Stderr, report.Style{JSON: f.json})
	defer reporter.Close()
	var own *devcluster.Cluster
	defer func() {
		if own != nil {
			err = errors.Join(err, own.Close())
		}
	}()
	nodes, err := f.open(reporter, &own)
	if err != nil {
		return 0, asFailure(err)
	}
	prefix := f.prefix
	if prefix == "" {
		prefix = redlock.NoPrefix
	}
	// A suspected node shows in what is printed, if it matters.
	locker, err := redlock.New(redlock.Config{Nodes: nodes, NodeTimeout: f.timeout, Prefix: prefix, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return 0, asFailure(err)
	}
	defer locker.Close() //nolint:errcheck // nothing was taken
	p := printer{out: out, json: f.json, key: f.prefix + name, told: reporter.Tell}
	if !watch {
		leader, err := locker.Leader(ctx, name)
		return p.print(leader, err)
	}
	for leader, err := range locker.Watch(ctx, name) {
		var quorum *redlock.QuorumError
		if status, err = p.print(leader, err); err != nil || status == exit.NotAcquired && !errors.As(p.last, &quorum) {
			break
		}
	}
	return status, err
}

// asFailure makes an error our own failure, unless it says what it is.
func asFailure(err error) error {
	var known *exit.Error
	if errors.As(err, &known) {
		return err
	}
	return &exit.Error{Status: exit.Failure, Err: err}
}

// printer prints who leads.
type printer struct {
	out  io.Writer
	json bool
	key  string
	told func(report.Event)
	last error
}

// leaderLine is what --json prints: a contract, see cmd/redlock/README.md.
type leaderLine struct {
	Time      report.Stamp         `json:"time"`
	Key       string               `json:"key"`
	Leader    *string              `json:"leader"` // null if nobody leads, or it is not known
	Token     uint64               `json:"token,omitempty"`
	Remaining report.Millis        `json:"remaining_ms,omitempty"`
	Reason    string               `json:"reason,omitempty"` // "no_quorum"
	Need      int                  `json:"need,omitempty"`
	Got       int                  `json:"got,omitempty"`
	Nodes     []report.NodeTrouble `json:"nodes,omitempty"`
}

// print prints one answer, and returns the status that it stands for. An error is one that
// ends the program.
func (p *printer) print(leader redlock.Leader, answer error) (status int, err error) {
	p.last = answer
	line := leaderLine{Time: report.Stamp(time.Now()), Key: p.key}
	var quorum *redlock.QuorumError
	switch {
	case errors.As(answer, &quorum):
		status, line.Reason, line.Need, line.Got = exit.NotAcquired, report.ReasonNoQuorum, quorum.Need, quorum.Got
		for _, n := range quorum.Nodes {
			line.Nodes = append(line.Nodes, report.NodeTrouble{Node: n.Node, Error: n.Err.Error()})
		}
	case answer != nil:
		return 0, asFailure(answer)
	case leader.IsNobody():
		status = exit.Nobody
	default:
		line.Leader, line.Token, line.Remaining = &leader.Holder, leader.Token, report.Millis(leader.Remaining)
	}
	switch {
	case p.json:
		text, err := json.Marshal(line)
		if err != nil {
			return 0, asFailure(err)
		}
		_, err = fmt.Fprintf(p.out, "%s\n", text)
		return status, stdout(err)
	case status == exit.NotAcquired:
		p.told(report.Unknown{Key: p.key, Need: line.Need, Got: line.Got, Nodes: line.Nodes})
		return status, nil
	case status == exit.Nobody:
		_, err = fmt.Fprintln(p.out, "nobody")
		return status, stdout(err)
	}
	_, err = fmt.Fprintf(p.out, "%s, token %d, for %v yet unless it renews\n", leader.Holder, leader.Token, line.Remaining)
	return status, stdout(err)
}

// stdout is the error of a stdout that takes nothing any more.
func stdout(err error) error {
	if err == nil {
		return nil
	}
	return &exit.Error{Status: exit.Failure, Err: err}
}
