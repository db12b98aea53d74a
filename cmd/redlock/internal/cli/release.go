package cli

import (
	"github.com/spf13/cobra"

	"github.com/redlock-go/redlock/cmd/redlock/internal/exit"
)

const releaseLong = `Release gives a lock back that "redlock acquire" took.
`

const forceLong = `
Release --force NAME takes the lock NAME from who holds it, and from nobody else: from the
holder whose id "redlock inspect" has shown, given by --holder, or after asking, on a
terminal. Another that holds it by then keeps it. Who waits gets it at once. Of those who share
it to read, or have slots of a semaphore, it takes from the one that is named.

The holder's process is told, and "redlock run" stops its command. Until that has
happened two may be at work: for a moment, or if the holder cannot be told, for up to a
third of its TTL, and however long it takes to stop. So a token is printed on stdout that
is above the old holder's and below the next one's: give it to the resource, if that
one checks tokens, and it refuses the old holder from then on.

Its exit status: 0 if it was taken; 75 if not: nobody holds it, or another does, or too few
nodes answer, or you said no; 125 after a mistake or a failure.`

func releaseCommand(status *int) *cobra.Command {
	var f runFlags
	var holder string
	force := false
	cmd := &cobra.Command{
		Use:   "release [flags] [FILE|-]\n  redlock release --force [flags] NAME",
		Short: "Give back a lock whose lease \"redlock acquire\" printed, or take one from its holder",
		Long:  releaseLong + textLong + "\n" + textStatuses + "\n" + forceLong,
		Example: `  redlock release lease
  redlock release --force backup
  redlock release --force --holder YZApZa1g0bsBUJ4WY5HILw backup`,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if force {
				forced := forceFlags{f.nodeFlags, holder}
				*status, err = forced.runForceRelease(cmd, args)
				return err
			}
			for _, name := range []string{"holder", "prefix"} {
				if cmd.Flags().Changed(name) {
					return exit.Failuref(helpHint(cmd), "--%s goes with --force", name)
				}
			}
			*status, err = f.runHandedRelease(cmd, args)
			return err
		},
	}
	flags := cmd.Flags()
	f.registerNodes(flags)
	flags.BoolVar(&force, "force", false, "take the lock NAME from its holder")
	flags.StringVar(&holder, "holder", "", "with --force: the holder's `ID`, as \"redlock inspect\" shows it (default: ask, on a terminal)")
	f.registerPrefix(flags)
	flags.Lookup("prefix").Usage = "with --force: " + flags.Lookup("prefix").Usage
	return cmd
}
