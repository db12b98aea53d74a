package cli

import (
	"github.com/spf13/cobra"

	"github.com/redlock-go/redlock/cmd/redlock/internal/run"
)

const electLong = `Elect stands for election, and runs the command while it leads: on one machine at a
time, for as long as there is one that can. Start it everywhere.

When the leadership is lost, as too few nodes answer, the command is stopped in
time, as by "redlock run"; redlock stands for election again, and starts the command
anew when it is elected. A cluster that is down is waited for. When the command ends by
itself, redlock resigns and ends with its status; have systemd or the like start it again.

Signals, streams and the environment of the command are as with "redlock run":
REDLOCK_TOKEN is that of the term, and greater than that of each leader before. A signal
that ends redlock while it does not lead is the end of the election.

"redlock leader NAME" tells who leads.`

const electStatuses = `
Exit status:
  the command's own, 128+n if signal n ended it, or
  128+n  signal n came while the command did not run, or was being stopped
  125    a mistake in the flags or nodes, or a failure of redlock
  126    the command cannot be run
  127    the command was not found`

const electExample = `  # on each machine: one of them runs the scheduler
  redlock elect scheduler -- /usr/local/bin/scheduler`

func electCommand(status *int) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:               "elect [flags] NAME -- COMMAND [ARG…]",
		Short:             "Run a command wherever the leader is",
		Long:              electLong + "\n" + electStatuses,
		Example:           electExample,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              f.under(status, run.Elect),
	}
	f.register(cmd)
	return cmd
}
