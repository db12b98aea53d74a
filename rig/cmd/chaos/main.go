// Command chaos runs lock libraries against each other's faults: see package chaos.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/redlock-go/redlock/rig/traffic"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status, err := 0, error(nil)
	if len(os.Args) == 3 && os.Args[1] == "client" {
		err = client(ctx, os.Args[2])
	} else {
		status, err = run(ctx, os.Args[1:])
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		status = 2
	}
	os.Exit(status)
}

// client is one of the processes that take locks.
func client(ctx context.Context, text string) error {
	var c traffic.Client
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return err
	}
	return c.Run(ctx)
}
