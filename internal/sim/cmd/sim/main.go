// Command sim runs the simulator: fresh seeds for a time, one seed again, or
// scenario files.
//
//	go run ./internal/sim/cmd/sim -for 60s
//	go run ./internal/sim/cmd/sim -seed 4711
//	go run ./internal/sim/cmd/sim internal/sim/testdata/amnesia.txt
//
// It exits with 1 if an invariant was violated that should not have been. Then it
// says which, in which seed, makes the scenario small and draws it.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"time"

	"github.com/redlock-go/redlock/internal/check"
	"github.com/redlock-go/redlock/internal/sim"
)

type options struct {
	limit        time.Duration
	runs         int
	acquisitions float64
	first        uint64
	cores        int
	until        string
	shrink       int
	lines        int
	quiet        bool
	slots        bool
}

func main() {
	os.Exit(run())
}

func run() int {
	var o options
	flag.DurationVar(&o.limit, "for", 0, "run fresh seeds for so long (60s if no other bound is given)")
	flag.IntVar(&o.runs, "runs", 0, "run so many seeds")
	flag.Float64Var(&o.acquisitions, "acquisitions", 0, "run until there were so many acquisitions, such as 10e6")
	flag.Uint64Var(&o.first, "first", 0, "the first seed; 0: by the clock")
	flag.IntVar(&o.cores, "cores", runtime.GOMAXPROCS(0), "how many runs at once")
	flag.StringVar(&o.until, "until", "", "stop when one of these invariants is violated (I3,I9), and say so in one line")
	flag.IntVar(&o.shrink, "shrink", 60_000_000, "how many events to spend on making a failing scenario small; 0: none")
	flag.IntVar(&o.lines, "lines", 100, "how many lines of a diagram to draw")
	flag.BoolVar(&o.quiet, "q", false, "of a scenario file: say only whether it did as it should")
	flag.BoolVar(&o.slots, "slots", false, "worlds of semaphores only")
	seed := flag.Uint64("seed", 0, "run this seed again")
	mutant := flag.String("mutant", "", "of a scenario file: which mutant this is, by whose expectations to go")
	profile := flag.String("cpuprofile", "", "write a CPU profile to this file")
	flag.Parse()
	if *profile != "" {
		f, err := os.Create(*profile)
		if err != nil {
			fmt.Fprintln(os.Stderr, "sim:", err)
			return 2
		}
		defer pprof.StopCPUProfile()
		if err := pprof.StartCPUProfile(f); err != nil {
			fmt.Fprintln(os.Stderr, "sim:", err)
			return 2
		}
	}
	debug.SetGCPercent(1600) // the runs leave much garbage and little else
	switch {
	case flag.NArg() > 0:
		return stories(flag.Args(), *mutant, o)
	case *seed != 0:
		return replay(*seed, o)
	}
	if o.first == 0 {
		o.first = uint64(time.Now().UnixNano())
	}
	if o.limit == 0 && o.runs == 0 && o.acquisitions == 0 {
		o.limit = time.Minute
	}
	return hunt(o)
}

// generate makes the world of a seed.
func (o *options) generate(seed uint64) *sim.Scenario {
	if o.slots {
		return sim.GenerateSlots(seed)
	}
	return sim.Generate(seed)
}

// kind are the flags that the worlds of a seed depend on.
func (o *options) kind() string {
	if o.slots {
		return "-slots "
	}
	return ""
}

// words says what was violated.
func words(list []check.Violation) string {
	text := ""
	for _, v := range list {
		text += v.String() + "\n"
	}
	return text
}
