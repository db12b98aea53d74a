// Command increment is the child of `redlock run` in the rig: it increments the
// counter in a file, slowly, and logs when.
//
//	redlock run NAME -- increment -counter FILE -log FILE -worker NAME -pause 5ms
package main

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/redlock-go/redlock/rig/traffic"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "increment:", err)
		os.Exit(1)
	}
}

func run() error {
	var w traffic.Increment
	flag.StringVar(&w.Counter, "counter", "", "the counter's `file`")
	flag.StringVar(&w.Log, "log", "", "the worker's log `file`")
	flag.StringVar(&w.Worker, "worker", "", "the worker's `name` in the log")
	flag.DurationVar(&w.Pause, "pause", 5*time.Millisecond, "how long the work takes")
	flag.Parse()
	if token := os.Getenv("REDLOCK_TOKEN"); token != "" {
		var err error
		if w.Token, err = strconv.ParseUint(token, 10, 64); err != nil {
			return fmt.Errorf("REDLOCK_TOKEN: %w", err)
		}
	}
	return w.Run()
}
