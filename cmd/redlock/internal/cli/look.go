package cli

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/cmd/redlock/internal/devcluster"
	"github.com/redlock-go/redlock/cmd/redlock/internal/exit"
	"github.com/redlock-go/redlock/cmd/redlock/internal/look"
	"github.com/redlock-go/redlock/cmd/redlock/internal/report"
	"github.com/redlock-go/redlock/rueidis"
)

// lookFlags are the flags of those who look at locks.
type lookFlags struct {
	nodes   []string
	dev     bool
	timeout time.Duration
	prefix  string
	json    bool
}

const mostLookTimeout = redlock.DefaultTTL / 4

func (f *lookFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.nodes, "nodes", nil, "the nodes: `URL`,URL,… or @FILE with a URL a line; may be repeated (default $REDLOCK_NODES)")
	flags.BoolVar(&f.dev, "dev", false, "use the cluster of \"redlock dev\"")
	flags.DurationVar(&f.timeout, "node-timeout", 0, "how long one node may take to answer, 2.5s at the most")
	flags.Lookup("node-timeout").DefValue = "50ms, and 1s for connecting"
	flags.StringVar(&f.prefix, "prefix", redlock.DefaultPrefix, "what stands before names in the keys on the nodes")
	flags.BoolVar(&f.json, "json", false, "an object a line on stdout, and on stderr what goes wrong")
}

// with calls do with the nodes, and what is to be shown to on stdout.
func (f *lookFlags) with(cmd *cobra.Command, do func(ctx context.Context, l *redlock.Locker, nodes int, p look.Page) (int, error)) (status int, err error) {
	switch {
	case f.dev && len(f.nodes) > 0:
		return 0, exit.Failuref("", "--dev and --nodes exclude each other")
	case cmd.Flags().Changed("node-timeout") && (f.timeout < time.Millisecond || f.timeout > mostLookTimeout):
		return 0, exit.Failuref("", "--node-timeout %v: from 1ms to %v", f.timeout, mostLookTimeout)
	}
	reporter := report.New(os.Stderr, report.Style{JSON: f.json})
	defer reporter.Close()
	urls, err := f.urls(reporter)
	if err != nil {
		return 0, err
	}
	nodes, err := rueidis.OpenAll(urls...)
	if err != nil {
		return 0, exit.Failuref("", "%w", err)
	}
	prefix := f.prefix
	if prefix == "" {
		prefix = redlock.NoPrefix
	}
	// What is wrong with a node stands in what is shown.
	locker, err := redlock.New(redlock.Config{Nodes: nodes, NodeTimeout: f.timeout, Prefix: prefix, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return 0, exit.Failuref("", "%w", err)
	}
	status, err = do(cmd.Context(), locker, len(nodes), look.Page{Out: cmd.OutOrStdout(), JSON: f.json, Tell: reporter.Tell})
	_ = locker.Close() // nothing was taken
	return status, err
}

// urls are the nodes that are meant.
func (f *lookFlags) urls(reporter *report.Reporter) ([]string, error) {
	if !f.dev {
		return (&runFlags{nodes: f.nodes}).given(reporter)
	}
	state, ok := devcluster.Find()
	if !ok {
		return nil, exit.Failuref(`"redlock dev" in another terminal starts one`, "no dev cluster is up, so there is nothing to look at")
	}
	return state.URLs(), nil
}

const lsLong = `Ls lists the locks whose names begin with PREFIX, or all, in no order: who holds
each, on how many of the nodes that answered, and for how long yet. It only reads. A
node that is down does not spoil it, as long as enough others can be read. The list
is out of date when it is there: locks that are taken or released meanwhile are listed
or not.

The nodes go over all their keys for it (SCAN), those of others too.

Exit status: 0; 75 if so few nodes could be read that locks may be missing; 125
after a mistake or a failure.`

func lsCommand(status *int) *cobra.Command {
	var f lookFlags
	cmd := &cobra.Command{
		Use:   "ls [flags] [PREFIX]",
		Short: "List locks",
		Long:  lsLong,
		Example: `  redlock ls
  redlock ls orders/
  redlock ls --json | jq -r 'select(.state == "held") | .name'`,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if len(args) > 1 {
				return exit.Failuref(helpHint(cmd), "ls takes one prefix, and has got %q", args)
			}
			prefix := ""
			if len(args) == 1 {
				prefix = args[0]
			}
			*status, err = f.with(cmd, func(ctx context.Context, l *redlock.Locker, nodes int, p look.Page) (int, error) {
				return look.List(ctx, l, nodes/2+1, prefix, p)
			})
			return err
		},
	}
	f.register(cmd)
	return cmd
}

const inspectLong = `Inspect shows what the nodes say of the lock NAME: who holds it, since when (about: the
nodes do not keep that), for how long yet, who waits in which order, and for each node what
it has, or why it does not answer. It only reads, and is out of date when it is there.

Exit status: 0, whoever holds it; 75 if too few nodes answer to tell; 125 after a
mistake or a failure.`

func inspectCommand(status *int) *cobra.Command {
	var f lookFlags
	cmd := &cobra.Command{
		Use:               "inspect [flags] NAME",
		Short:             "Show all that the nodes say of a lock",
		Long:              inspectLong,
		Example:           "  redlock inspect backup\n  redlock inspect --json backup | jq .holder",
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			name, err := oneName(cmd, args)
			if err != nil {
				return err
			}
			*status, err = f.with(cmd, func(ctx context.Context, l *redlock.Locker, _ int, p look.Page) (int, error) {
				return look.Inspect(ctx, l, name, p)
			})
			return err
		},
	}
	f.register(cmd)
	return cmd
}

// oneName is the lock that is named.
func oneName(cmd *cobra.Command, args []string) (string, error) {
	switch {
	case len(args) != 1 || args[0] == "":
		return "", exit.Failuref(helpHint(cmd), "%s wants the name of one lock", cmd.CommandPath())
	case len(args[0]) > redlock.MaxName:
		return "", exit.Failuref("", "the lock's name is %d bytes long: at most %d", len(args[0]), redlock.MaxName)
	}
	return args[0], nil
}
