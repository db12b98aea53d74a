package cli

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/cmd/redlock/internal/exit"
	"github.com/redlock-go/redlock/cmd/redlock/internal/look"
	"github.com/redlock-go/redlock/cmd/redlock/internal/report"
)

const mostLookTimeout = redlock.DefaultTTL / 4

// registerLook registers them in the words of those who look at locks.
func (f *nodeFlags) registerLook(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.register(flags)
	f.registerPrefix(flags)
	flags.Lookup("node-timeout").Usage = "how long one node may take to answer, 2.5s at the most"
	flags.Lookup("node-timeout").DefValue = "50ms, and 1s for connecting"
	flags.Lookup("json").Usage = "an object a line on stdout, and on stderr what goes wrong"
}

// look calls do with the nodes, and what is to be shown to on stdout.
func (f *nodeFlags) look(cmd *cobra.Command, do func(ctx context.Context, l *redlock.Locker, nodes int, p look.Page) (int, error)) (status int, err error) {
	if err := f.contradict(); err != nil {
		return 0, err
	}
	if cmd.Flags().Changed("node-timeout") && (f.timeout < time.Millisecond || f.timeout > mostLookTimeout) {
		return 0, exit.Failuref("", "--node-timeout %v: from 1ms to %v", f.timeout, mostLookTimeout)
	}
	reporter := report.New(os.Stderr, report.Style{JSON: f.json})
	defer reporter.Close()
	nodes, err := f.open(reporter)
	if err != nil {
		return 0, exit.Failed(err)
	}
	prefix := f.prefix
	if prefix == "" {
		prefix = redlock.NoPrefix
	}
	// What is wrong with a node stands in what is shown.
	locker, err := redlock.New(redlock.Config{Nodes: nodes, NodeTimeout: f.timeout, Prefix: prefix, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return 0, exit.Failed(err)
	}
	status, err = do(cmd.Context(), locker, len(nodes), look.Page{Out: cmd.OutOrStdout(), JSON: f.json, Tell: reporter.Tell})
	_ = locker.Close() // nothing was taken
	return status, err
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
	var f nodeFlags
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
			*status, err = f.look(cmd, func(ctx context.Context, l *redlock.Locker, nodes int, p look.Page) (int, error) {
				return look.List(ctx, l, nodes/2+1, prefix, p)
			})
			return err
		},
	}
	f.registerLook(cmd)
	return cmd
}

const inspectLong = `Inspect shows what the nodes say of the lock NAME: who holds it, since when (about: the
nodes do not keep that), for how long yet, who waits in which order, and for each node what
it has, or why it does not answer. It only reads, and is out of date when it is there.

Exit status: 0, whoever holds it; 75 if too few nodes answer to tell; 125 after a
mistake or a failure.`

func inspectCommand(status *int) *cobra.Command {
	var f nodeFlags
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
			*status, err = f.look(cmd, func(ctx context.Context, l *redlock.Locker, _ int, p look.Page) (int, error) {
				return look.Inspect(ctx, l, name, p)
			})
			return err
		},
	}
	f.registerLook(cmd)
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
