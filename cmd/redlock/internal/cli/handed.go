package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/cmd/redlock/internal/exit"
	"github.com/redlock-go/redlock/cmd/redlock/internal/report"
	"github.com/redlock-go/redlock/cmd/redlock/internal/run"
)

// leaseEnv is the environment variable with the text of a lease.
const leaseEnv = "REDLOCK_LEASE"

const defaultHandedTTL = 5 * time.Minute

const acquireLong = `Acquire takes the lock NAME for a script that cannot be the child of "redlock run". It
prints the lease as a line of text, and ends. Nothing extends the lease then: the lock is
taken for --ttl, unless "redlock extend" or "redlock release" is given the text.

Whoever has the text can extend and release the lock. Keep it in a variable, or
in a file that only its user may read (--out writes one), and not in an argument.

Where a node may restart without its data, all who use these nodes must know of the
longest TTL: give them --longest-ttl, or Config.LongestTTL. And nothing stops what runs under a
lease that is over: where "redlock run" will do, use that.`

const acquireStatuses = `
Exit status:
    0  the lock is taken
   75  it is held (with --wait 0), or too few nodes answer
  124  --wait was over
  125  a mistake in the flags or nodes, or a failure of redlock
  128+n  signal n ended the wait`

const acquireExample = `  REDLOCK_LEASE=$(redlock acquire --ttl 10m backup) || exit
  export REDLOCK_LEASE
  pg_dump … && redlock extend && upload …
  redlock release

  redlock acquire --out lease nightly && make report; redlock release lease`

const textLong = `It reads the text that "redlock acquire" printed from FILE, from stdin if that is -, or
else from ` + leaseEnv + `.`

const textStatuses = `
Exit status:
    0  done
   75  too few nodes answer: the lease is as it was, until its time is over
   76  the lease is over, or another has it
  125  a mistake in the flags or nodes, or a failure of redlock`

func acquireCommand(status *int) *cobra.Command {
	var f runFlags
	out := ""
	cmd := &cobra.Command{
		Use:               "acquire [flags] NAME",
		Short:             "Take a lock for a script, and print its lease",
		Long:              acquireLong + "\n" + acquireStatuses,
		Example:           acquireExample,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if len(args) != 1 || args[0] == "" {
				return exit.Failuref(helpHint(cmd), "redlock acquire takes one lock's name, not %d", len(args))
			}
			plan, err := f.check(cmd, args[0])
			if err != nil {
				return err
			}
			*status, err = f.acquire(args[0], plan, out)
			return err
		},
	}
	f.registerNodes(cmd.Flags())
	f.registerLongest(cmd.Flags())
	flags := cmd.Flags()
	flags.DurationVar(&f.ttl, "ttl", defaultHandedTTL, "how long the lock stays taken, unless it is extended or released")
	f.registerWait(flags)
	f.registerPrefix(flags)
	f.registerLabel(flags)
	flags.StringVar(&out, "out", "", "write the lease to a new `FILE` that only its user may read, in place of stdout")
	f.killAfter = unset
	return cmd
}

// acquire writes the lease to stdout, or to a file, which is there when it is whole.
func (f *runFlags) acquire(name string, plan run.Plan, out string) (status int, err error) {
	to := os.Stdout
	if out != "" {
		to, err = os.CreateTemp(filepath.Dir(out), "."+filepath.Base(out)+".*") // for its user only
		if err != nil {
			return 0, exit.Failuref("", "the lease cannot be written to --out: %w", err)
		}
		defer os.Remove(to.Name()) //nolint:errcheck // it is most often not there any more
		defer to.Close()           //nolint:errcheck // see renaming
	}
	return f.ask(func(o run.Options, reporter *report.Reporter) (int, error) {
		o.Name, o.Plan = name, plan
		return run.Acquire(o, to, func() error {
			if out == "" {
				return nil
			}
			return renaming(to, out)
		}, reporter)
	})
}

// renaming gives a file that was written its name.
func renaming(f *os.File, name string) error {
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// ask runs a command that asks the nodes.
func (f *runFlags) ask(do func(run.Options, *report.Reporter) (int, error)) (status int, err error) {
	if err := f.contradict(); err != nil {
		return 0, err
	}
	reporter := report.New(os.Stderr, report.Style{JSON: f.json, Verbose: f.verbose})
	defer reporter.Close()
	status, err = do(run.Options{
		Open:    func() ([]redlock.Node, error) { return f.open(reporter) },
		Forever: f.wait == unset, Wait: f.wait,
		Prefix: f.prefix, Label: f.label,
		NodeTimeout: f.timeout, LongestTTL: f.longest,
	}, reporter)
	if err == nil {
		reporter.Tell(report.Exit{Status: status})
	}
	return status, err
}

func extendCommand(status *int) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "extend [flags] [FILE|-]",
		Short: "Extend a lease that \"redlock acquire\" printed",
		Long: `Extend has a lease last for --ttl from now on. Its text stays as it is.
` + textLong + "\n" + textStatuses,
		Example: "  redlock extend lease\n  redlock extend --ttl 1h <lease -",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			text, err := leaseText(cmd, args)
			if err != nil {
				return err
			}
			*status, err = f.ask(func(o run.Options, reporter *report.Reporter) (int, error) {
				o.Plan.TTL = f.ttl
				return run.Extend(o, text, reporter)
			})
			return err
		},
	}
	f.registerNodes(cmd.Flags())
	f.registerLongest(cmd.Flags())
	cmd.Flags().DurationVar(&f.ttl, "ttl", 0, "for how long from now on")
	cmd.Flags().Lookup("ttl").DefValue = "what \"redlock acquire\" was given"
	return cmd
}

// runHandedRelease gives back the lock of a text.
func (f *runFlags) runHandedRelease(cmd *cobra.Command, args []string) (status int, err error) {
	text, err := leaseText(cmd, args)
	if err != nil {
		return 0, err
	}
	return f.ask(func(o run.Options, reporter *report.Reporter) (int, error) {
		return run.Release(o, text, reporter)
	})
}

// mostLease is the length of the longest text.
const mostLease = 64 << 10

// leaseText reads the text of a lease. No error holds any part of it.
func leaseText(cmd *cobra.Command, args []string) (string, error) {
	var text []byte
	var err error
	switch {
	case len(args) > 1:
		return "", exit.Failuref(helpHint(cmd), "one file with a lease, not %d", len(args))
	case len(args) == 1 && strings.HasPrefix(args[0], "rlh"):
		return "", exit.Failuref("give the name of a file that has it, or - for stdin, or set "+leaseEnv, "a lease is a secret, and does not belong on a command line")
	case len(args) == 1 && args[0] == "-":
		text, err = io.ReadAll(io.LimitReader(os.Stdin, mostLease))
	case len(args) == 1:
		text, err = os.ReadFile(args[0])
	default:
		text = []byte(os.Getenv(leaseEnv))
	}
	if err != nil {
		return "", exit.Failuref("", "the lease cannot be read: %w", err)
	}
	if strings.TrimSpace(string(text)) == "" {
		return "", exit.Failuref(fmt.Sprintf("give the name of a file that has it, or - for stdin, or set %s", leaseEnv), "there is no lease")
	}
	return string(text), nil
}
