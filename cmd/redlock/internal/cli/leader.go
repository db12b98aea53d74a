package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/cmd/redlock/internal/exit"
	"github.com/redlock-go/redlock/cmd/redlock/internal/look"
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
	var f nodeFlags
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
			show := look.Leader
			if watch {
				show = look.Leaders
			}
			*status, err = f.look(cmd, func(ctx context.Context, l *redlock.Locker, _ int, p look.Page) (int, error) {
				return show(ctx, l, args[0], f.prefix+args[0], p)
			})
			return err
		},
	}
	f.registerLook(cmd)
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "go on, and tell of each change")
	return cmd
}
