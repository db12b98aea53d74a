// Command bench measures this library against its peers and a floor: see package
// bench.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"

	"github.com/redlock-go/redlock/rig/bench"
	"github.com/redlock-go/redlock/rig/bench/contestant"
	"github.com/redlock-go/redlock/rig/bench/report"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var err error
	if len(os.Args) == 2 && os.Args[1] == "worker" {
		err = bench.Work(os.Stdin, os.Stdout)
	} else {
		err = run(ctx, os.Args[1:])
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	quick := flags.Bool("quick", false, "short turns: a few minutes, and rough figures")
	only := flags.String("only", "", "`scenarios`, with commas between them: S1,S4b (default all)")
	nodes := flags.String("n", "", "the `numbers` of nodes: 1,5 (default what each scenario has)")
	named := flags.String("contestants", "", "contestants, with commas between them (default all)")
	repeats := flags.Int("repeats", 0, "turns of each contestant (default 5, quick 3)")
	slice := flags.Duration("slice", 0, "how `long` a turn of S1 and S2 is")
	contend := flags.Duration("contend", 0, "how `long` a turn of S3, S4 and S4b is")
	out := flags.String("out", "", "a `folder` for bench.json, bench.md and the charts")
	docs := flags.String("docs", "", "a second `folder` for them")
	profile := flags.String("cpuprofile", "", "a `file` for a CPU profile of this process: take one contestant and one scenario")
	from := flags.String("from", "", "a bench.json: measure nothing, write its report and charts")
	if err := flags.Parse(args); err != nil {
		return err
	}
	o := bench.Options{Settings: bench.Full(), Scenarios: list(*only), Words: os.Stderr}
	if *quick {
		o.Settings = bench.Quick()
	}
	if *repeats > 0 {
		o.Settings.Repeats = *repeats
	}
	if *slice > 0 {
		o.Settings.Slice = *slice
	}
	if *contend > 0 {
		o.Settings.ContendSlice = *contend
	}
	for _, text := range list(*nodes) {
		n, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		o.Nodes = append(o.Nodes, n)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	o.Worker = []string{self, "worker"}
	if o.Contestants, err = contestant.Named(list(*named)); err != nil {
		return err
	}
	if *profile != "" {
		file, err := os.Create(*profile)
		if err != nil {
			return err
		}
		defer file.Close() //nolint:errcheck // a profile that is cut off is seen to be
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	result, err := measure(ctx, o, *from)
	if result == nil {
		return err
	}
	fmt.Print(report.Tables(result), report.Against(result))
	for _, dir := range []string{*out, *docs} {
		// After an error, what was measured until then is not written over a whole run.
		if dir != "" && err == nil {
			err = report.Write(dir, result)
		}
	}
	return err
}

func measure(ctx context.Context, o bench.Options, from string) (*bench.Result, error) {
	if from != "" {
		return report.Read(from)
	}
	return bench.Run(ctx, o)
}

func list(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}
