package cli

import (
	"errors"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/cmd/redlock/internal/devcluster"
	"github.com/redlock-go/redlock/cmd/redlock/internal/exit"
	"github.com/redlock-go/redlock/cmd/redlock/internal/report"
	"github.com/redlock-go/redlock/cmd/redlock/internal/run"
)

const runLong = `Run takes the lock NAME, runs the command, and gives the lock back.

The command has stdin, stdout and stderr, and the terminal, to itself; what
redlock says goes to stderr and begins with "redlock: ". Signals are passed on to
the command and what it started. It finds in its environment
  REDLOCK_KEY       the lock's key on the nodes
  REDLOCK_TOKEN     the fencing token: a later holder has a greater one
  REDLOCK_DEADLINE  when the lease would end if it were not extended, as
                    RFC 3339; it is extended while the command runs
  REDLOCK_SLOT      with --slots: which one, from 0; tokens are the slot's

Nothing of the command outlives the lock. If the lease is lost, the command gets
SIGTERM, and before another can have the lock SIGKILL. What it leaves behind when
it ends is ended too. If redlock itself dies, even by kill -9, so does the
command.`

const exitStatuses = `
Exit status:
  the command's own, 128+n if signal n ended it, or
   75  the lock is held (with --wait 0), or too few nodes answer
   76  the lease was lost, or --max-hold was over: the command was stopped
  124  --wait was over
  125  a mistake in the flags or nodes, or a failure of redlock
  126  the command cannot be run
  127  the command was not found`

const runExample = `  redlock run backup -- /usr/local/bin/backup --all

  # only if nobody else does; from cron on three machines
  redlock run --wait 0 nightly -- make report

  # three at a time, whichever machines they are on
  redlock run --slots 3 transcode -- ./transcode.sh

  # many may read while nobody writes
  redlock run --read catalogue -- ./export.sh
  redlock run catalogue -- ./import.sh

  # two locks at once, without a deadlock whatever the order of others
  redlock run --also customers orders -- ./merge.sh

  # wait ten minutes at the most, and work for an hour at the most
  redlock run --wait 10m --max-hold 1h migrate -- ./migrate.sh

  # nodes with a password, which does not belong on a command line
  redlock run --nodes @/etc/redlock/nodes deploy -- ./deploy.sh`

// runFlags are the flags of "redlock run".
type runFlags struct {
	nodeFlags
	ttl       time.Duration
	wait      time.Duration
	maxHold   time.Duration
	also      []string
	read      bool
	slots     int
	killAfter time.Duration
	longest   time.Duration
	label     string
	verbose   bool
}

// unset is a duration that was not given.
const unset = -1

func runCommand(status *int) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:               "run [flags] NAME -- COMMAND [ARG…]",
		Short:             "Run a command under a lock",
		Long:              runLong + "\n" + exitStatuses,
		Example:           runExample,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              f.under(status, run.Run),
	}
	flags := cmd.Flags()
	f.register(cmd)
	f.registerWait(flags)
	flags.DurationVar(&f.maxHold, "max-hold", 0, "stop the command when it has held the lock for so long")
	flags.Lookup("max-hold").DefValue = "0s"
	flags.BoolVar(&f.read, "read", false, "share the lock with others that read, while nobody holds it alone")
	flags.IntVar(&f.slots, "slots", 0, "take one of `K` slots: so many run at a time")
	flags.Lookup("slots").DefValue = "the lock, alone"
	flags.StringArrayVar(&f.also, "also", nil, "take the lock `NAME` with it, all of them or none; may be repeated")
	return cmd
}

// register registers the flags that all have who run a command under a lock.
func (f *runFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.registerNodes(flags)
	f.registerLongest(flags)
	flags.Lookup("dev").Usage += ", or if none runs, nodes in this process"
	f.registerPrefix(flags)
	flags.DurationVar(&f.ttl, "ttl", redlock.DefaultTTL, "how long the lock stays taken after a crash")
	flags.DurationVar(&f.killAfter, "kill-after", unset, "from SIGTERM to SIGKILL when the command is stopped, half of the TTL at the most")
	flags.Lookup("kill-after").DefValue = "a third of the TTL"
	f.registerLabel(flags)
}

// registerNodes registers those that all have who take, keep or give back a lock.
func (f *runFlags) registerNodes(flags *pflag.FlagSet) {
	f.nodeFlags.register(flags)
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "say more")
}

func (f *runFlags) registerLongest(flags *pflag.FlagSet) {
	flags.DurationVar(&f.longest, "longest-ttl", 0, "the longest TTL that anybody uses on these nodes: one that restarted without its data does not vote for so long")
	flags.Lookup("longest-ttl").DefValue = "the TTL"
}

func (f *runFlags) registerWait(flags *pflag.FlagSet) {
	flags.DurationVar(&f.wait, "wait", unset, "how long to wait for the lock; 0: try once")
	flags.Lookup("wait").DefValue = "for ever"
}

func (f *runFlags) registerLabel(flags *pflag.FlagSet) {
	flags.StringVar(&f.label, "label", "", "a name for others to see who holds the lock, beside host and process")
}

// splitArgs finds NAME and COMMAND on both sides of "--".
func splitArgs(cmd *cobra.Command, args []string) (name string, command []string, err error) {
	hint := cmd.CommandPath() + " NAME -- COMMAND [ARG…], as in: " + cmd.CommandPath() + " backup -- make backup"
	dash := cmd.ArgsLenAtDash()
	switch {
	case dash < 0 && len(args) > 1:
		return "", nil, exit.Failuref(hint, `there is no "--" between the lock's name and the command`)
	case dash == 0 || len(args) == 0:
		return "", nil, exit.Failuref(hint, "the lock's name is missing")
	case dash < 0 || dash == len(args):
		return "", nil, exit.Failuref(hint, "the command is missing")
	case dash > 1:
		return "", nil, exit.Failuref(hint, `one name stands before the "--", not %d: %q`, dash, args[:dash])
	case args[0] == "":
		return "", nil, exit.Failuref(hint, "the lock's name is empty")
	case args[1] == "":
		return "", nil, exit.Failuref(hint, "the command is empty")
	}
	return args[0], args[1:], nil
}

// under runs a command under a lock, in a way.
func (f *runFlags) under(status *int, way func(run.Options, *report.Reporter) (int, error)) func(cmd *cobra.Command, args []string) error {
	return func(cmd *cobra.Command, args []string) error {
		name, command, err := splitArgs(cmd, args)
		if err != nil {
			return err
		}
		*status, err = f.run(cmd, name, command, way)
		return err
	}
}

func (f *runFlags) run(cmd *cobra.Command, name string, command []string, way func(run.Options, *report.Reporter) (int, error)) (status int, err error) {
	plan, err := f.check(cmd, name)
	if err != nil {
		return 0, err
	}
	reporter := report.New(os.Stderr, report.Style{JSON: f.json, Verbose: f.verbose})
	defer reporter.Close()
	var own *devcluster.Cluster
	defer func() {
		if own != nil {
			err = errors.Join(err, own.Close())
		}
	}()
	status, err = way(run.Options{
		Name:    name,
		Also:    f.also,
		Read:    f.read,
		Slots:   f.slots,
		Command: command,
		Open:    func() ([]redlock.Node, error) { return f.openOwn(reporter, &own) },
		Plan:    plan,
		Forever: f.wait == unset,
		Wait:    f.wait,
		Prefix:  f.prefix,
		Label:   f.label,

		NodeTimeout: f.timeout,
		LongestTTL:  f.longest,
	}, reporter)
	if err == nil {
		reporter.Tell(report.Exit{Status: status})
	}
	return status, err
}

// check finds what is wrong with the flags.
func (f *runFlags) check(cmd *cobra.Command, name string) (run.Plan, error) {
	const longestLabel = 64
	flags := cmd.Flags()
	if err := f.contradict(); err != nil {
		return run.Plan{}, err
	}
	switch {
	case f.ttl < redlock.LeastTTL:
		return run.Plan{}, exit.Failuref("", "--ttl %v is too short: at least %v, as the requests to the nodes and the pauses of a machine must fit into it", f.ttl, redlock.LeastTTL)
	case flags.Changed("wait") && f.wait < 0:
		return run.Plan{}, exit.Failuref("leave it away to wait for ever", "--wait %v is negative", f.wait)
	case flags.Changed("max-hold") && f.maxHold <= 0:
		return run.Plan{}, exit.Failuref("leave it away to hold the lock for as long as the command runs", "--max-hold %v must be positive", f.maxHold)
	case flags.Changed("kill-after") && f.killAfter < 0:
		return run.Plan{}, exit.Failuref("", "--kill-after %v is negative", f.killAfter)
	case flags.Changed("node-timeout") && (f.timeout < time.Millisecond || f.timeout > f.ttl/4):
		return run.Plan{}, exit.Failuref("", "--node-timeout %v: from 1ms to a quarter of --ttl %v, so that the lease is valid after a silent node was waited for", f.timeout, f.ttl)
	case f.read && f.slots != 0, f.read && len(f.also) > 0, f.slots != 0 && len(f.also) > 0:
		return run.Plan{}, exit.Failuref("", "--read, --slots and --also exclude each other")
	case flags.Changed("slots") && (f.slots < 1 || f.slots > redlock.MaxSlots):
		return run.Plan{}, exit.Failuref("", "--slots %d: from 1 to %d", f.slots, redlock.MaxSlots)
	case len(f.also) >= redlock.MostNames:
		return run.Plan{}, exit.Failuref("", "--also was given %d times: %d locks in all at most", len(f.also), redlock.MostNames)
	case flags.Changed("longest-ttl") && f.longest < f.ttl:
		return run.Plan{}, exit.Failuref("", "--longest-ttl %v is less than --ttl %v", f.longest, f.ttl)
	case len(f.label) > longestLabel || strings.ContainsFunc(f.label, func(r rune) bool { return !unicode.IsPrint(r) }):
		return run.Plan{}, exit.Failuref("", "--label %q: printable text of %d bytes at the most", f.label, longestLabel)
	}
	for i, n := range append([]string{name}, f.also...) {
		switch {
		case n == "":
			return run.Plan{}, exit.Failuref("", "the name of a lock is empty")
		case len(n) > redlock.MaxName:
			return run.Plan{}, exit.Failuref("", "the lock's name is %d bytes long: at most %d", len(n), redlock.MaxName)
		case n == name && i > 0 || slices.Contains(f.also[:max(0, i-1)], n):
			return run.Plan{}, exit.Failuref("", "the lock %q was named twice", n)
		}
	}
	return run.NewPlan(f.ttl, f.killAfter, f.maxHold)
}
