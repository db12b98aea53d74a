package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/redlock-go/redlock/cmd/redlock/internal/demo"
	"github.com/redlock-go/redlock/cmd/redlock/internal/exit"
)

const demoLong = `Demo shows the lock at work: processes that increment a counter in a file, each by
reading, pausing and writing, so that an update is lost whenever two do it at
once; on five nodes in this process, of which one is killed and one falls silent
half way. It needs no server and takes a quarter of a minute.

With --unlocked the same work is done without the lock, and updates are lost.

Exit status: 0 if no update was lost and nobody was at work while another was,
1 if not, 125 after a mistake or a failure, 128+n if signal n ended it.`

// updatesLost is the status of a demo that went wrong.
const updatesLost = 1

func demoCommand(status *int) *cobra.Command {
	o := demo.Options{For: 15 * time.Second, Workers: 4, Nodes: devNodesDefault}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show the lock at work, on nodes that fail",
		Long:  demoLong,
		Example: `  redlock demo
  redlock demo --unlocked --for 5s`,
		Args:              noArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) (err error) {
			const mostWorkers, mostNodes = 20, 9
			switch {
			case o.For <= 0:
				return exit.Failuref("", "--for %v must be positive", o.For)
			case o.Workers < 1 || o.Workers > mostWorkers:
				return exit.Failuref("", "--workers %d: want 1 to %d", o.Workers, mostWorkers)
			case o.Nodes < 1 || o.Nodes > mostNodes:
				return exit.Failuref("", "--nodes %d: want 1 to %d", o.Nodes, mostNodes)
			}
			*status, err = runDemo(o)
			return err
		},
	}
	cmd.Flags().DurationVar(&o.For, "for", o.For, "how long to work")
	cmd.Flags().IntVar(&o.Workers, "workers", o.Workers, "how many processes")
	cmd.Flags().IntVar(&o.Nodes, "nodes", o.Nodes, "how many nodes")
	cmd.Flags().BoolVar(&o.Unlocked, "unlocked", false, "do the same work without the lock")
	return cmd
}

func runDemo(o demo.Options) (status int, err error) {
	ctx, stop := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	var listening sync.WaitGroup
	defer listening.Wait()
	defer signal.Stop(signals)
	done := make(chan struct{})
	defer close(done)
	listening.Go(func() {
		select {
		case sig := <-signals:
			stop(interrupt{sig})
		case <-done:
		}
	})
	result, err := demo.Run(ctx, o, screen(o.Workers))
	if err != nil {
		return 0, exit.Failuref("", "demo: %w", err)
	}
	if _, err := fmt.Printf("\n%v", result); err != nil {
		return 0, err
	}
	var ended interrupt
	switch {
	case errors.As(context.Cause(ctx), &ended):
		if sig, ok := ended.sig.(syscall.Signal); ok {
			return exit.Signalled(sig), nil
		}
		return exit.Failure, nil
	case !result.OK():
		return updatesLost, nil
	}
	return exit.OK, nil
}

// interrupt is the cause of an end by a signal.
type interrupt struct{ sig os.Signal }

func (i interrupt) Error() string { return i.sig.String() }

// screen is a live one on a terminal that can show it, else lines.
func screen(workers int) demo.Screen {
	fd := int(os.Stdout.Fd())
	if _, height, err := term.GetSize(fd); err != nil || height < demo.LiveHeight(workers) || os.Getenv("TERM") == "dumb" {
		return demo.Plain{Out: os.Stdout}
	}
	width := func() int {
		if w, _, err := term.GetSize(fd); err == nil && w > 0 {
			return w
		}
		return 80
	}
	return &demo.Live{Out: os.Stdout, Width: width, Colour: os.Getenv("NO_COLOR") == ""}
}
