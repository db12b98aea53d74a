// Package cli is the command line: flags and words. What the commands do is in
// the packages beside it.
package cli

import (
	"errors"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/redlock-go/redlock/cmd/redlock/internal/demo"
	"github.com/redlock-go/redlock/cmd/redlock/internal/exit"
	"github.com/redlock-go/redlock/cmd/redlock/internal/guard"
	"github.com/redlock-go/redlock/cmd/redlock/internal/report"
)

// Main is the whole program. It returns the exit status.
func Main() int {
	// Two of our commands have processes of their own, which are this program.
	switch {
	case guard.IsKeeper():
		return guard.Main()
	case demo.IsWorker():
		return demo.Work()
	}
	status := exit.OK
	root := root(&status)
	if err := root.Execute(); err != nil {
		return complain(err)
	}
	return status
}

// root is the command "redlock". A command that ends with a status of its own
// sets it; an error has its own.
func root(status *int) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "redlock",
		Short: "Run a command under a distributed lock",
		Long: `Redlock runs a command under a lock that is held on a majority of independent
Redis or Valkey servers, so that it runs on one machine at a time, also while a
minority of the servers is down.`,
		Example: `  # try it out: this needs no server
  redlock run --dev hello -- echo hi

  # one backup at a time, whichever machine starts it
  export REDLOCK_NODES=redis://10.0.0.1,redis://10.0.1.1,redis://10.0.2.1
  redlock run backup -- /usr/local/bin/backup --all

  # a scheduler that runs on one of three machines, and on another if that fails
  redlock elect scheduler -- /usr/local/bin/scheduler

  # a cluster on this machine, to play with
  redlock dev

  # see it work, on nodes that fail
  redlock demo`,
		Version:       version(),
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.SetVersionTemplate("redlock {{.Version}}\n")
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return exit.Failuref(helpHint(cmd), "%w", err)
	})
	cmd.AddCommand(runCommand(status), electCommand(status), leaderCommand(status), acquireCommand(status), extendCommand(status), releaseCommand(status), devCommand(), demoCommand(status), versionCommand())
	cmd.AddCommand(lsCommand(status), inspectCommand(status))
	return cmd
}

func helpHint(cmd *cobra.Command) string { return cmd.CommandPath() + " --help shows what there is" }

// complain tells the error that ends the program and returns the exit status.
func complain(err error) int {
	known := &exit.Error{Status: exit.Failure, Err: err, Hint: "redlock --help shows what there is"}
	errors.As(err, &known)
	reporter := report.New(os.Stderr, report.Style{JSON: wantsJSON(os.Args)})
	reporter.Tell(report.Error{Message: known.Error(), Hint: known.Hint})
	reporter.Tell(report.Exit{Status: known.Status})
	reporter.Close()
	return known.Status
}

// wantsJSON looks for --json without cobra, whose parsing may be what failed.
func wantsJSON(args []string) bool {
	if end := slices.Index(args, "--"); end >= 0 {
		args = args[:end]
	}
	return slices.Contains(args, "--json") || slices.Contains(args, "--json=true")
}
