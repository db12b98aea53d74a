package cli

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/redlock-go/redlock/cmd/redlock/internal/devcluster"
	"github.com/redlock-go/redlock/cmd/redlock/internal/exit"
	"github.com/redlock-go/redlock/cmd/redlock/internal/nodelist"
	"github.com/redlock-go/redlock/cmd/redlock/internal/report"
)

const devNodesDefault = 5

const devLong = `Dev starts a cluster of nodes on 127.0.0.1, to try the lock out with, and prints
the line that makes it known:

  export REDLOCK_NODES=redis://127.0.0.1:…

"redlock run --dev" finds it without that. It runs until it is interrupted (Ctrl-C
or SIGTERM) and leaves nothing behind. Nothing is kept on disk.

The nodes are redis-servers if there is one on PATH, or else live in this
process.

Exit status: 0 after an interrupt; 125 if the cluster could not be started.`

func devCommand() *cobra.Command {
	n, engine := devNodesDefault, string(devcluster.Auto)
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Start a cluster of nodes on this machine, to try the lock out",
		Long:  devLong,
		Example: `  # in one terminal
  redlock dev

  # in two others
  redlock run --dev demo -- sleep 10`,
		Args:              noArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(*cobra.Command, []string) error { return dev(n, devcluster.Engine(engine)) },
	}
	cmd.Flags().IntVarP(&n, "nodes", "n", n, "how many")
	cmd.Flags().StringVar(&engine, "engine", engine, "`what` the nodes are: redis, miniredis or auto")
	complete := cobra.FixedCompletions([]string{"auto", "redis", "miniredis"}, cobra.ShellCompDirectiveNoFileComp)
	if err := cmd.RegisterFlagCompletionFunc("engine", complete); err != nil {
		panic(err) // there is such a flag
	}
	return cmd
}

// noArgs is cobra.NoArgs with our words.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return exit.Failuref(helpHint(cmd), "%s takes no arguments, and has got %q", cmd.CommandPath(), args)
	}
	return nil
}

// dev runs a cluster until a signal ends it.
func dev(n int, engine devcluster.Engine) (err error) {
	end := make(chan os.Signal, 1)
	signal.Notify(end, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	if state, ok := devcluster.Find(); ok {
		return exit.Failuref(exportLine(state.URLs()), "a dev cluster is up already, process %d", state.Pid)
	}
	reporter := report.New(os.Stderr, report.Style{})
	defer reporter.Close()
	cluster, err := devcluster.Start(n, engine)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cluster.Close()) }()

	what := map[devcluster.Engine]string{
		devcluster.Redis: "redis-server",
		devcluster.Mini:  "miniredis, in this process",
	}[cluster.Engine]
	words := fmt.Sprintf("%d nodes of %s", n, what)
	remove, err := cluster.Register()
	if err != nil {
		reporter.Tell(report.Warning{Message: fmt.Sprintf("\"redlock run --dev\" will not find this cluster: %v", err)})
	} else {
		defer func() { err = errors.Join(err, remove()) }()
	}
	reporter.Tell(report.Note{
		Message: words + ", until Ctrl-C",
		Hint:    "in another terminal: redlock run --dev NAME -- COMMAND, or paste this line:",
	})
	if _, err := fmt.Println(exportLine(cluster.URLs())); err != nil {
		return err
	}
	<-end
	return nil
}

func exportLine(urls []string) string {
	return "export " + nodelist.Env + "=" + strings.Join(urls, ",")
}
