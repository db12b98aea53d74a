package cli

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/cmd/redlock/internal/exit"
	"github.com/redlock-go/redlock/cmd/redlock/internal/look"
)

// forceFlags are the flags of "redlock release --force".
type forceFlags struct {
	nodeFlags
	holder string // its id, "" to ask
}

// runForceRelease takes a lock from the holder that was seen.
func (f *forceFlags) runForceRelease(cmd *cobra.Command, args []string) (int, error) {
	name, err := oneName(cmd, args)
	if err != nil {
		return 0, err
	}
	return f.look(cmd, func(ctx context.Context, l *redlock.Locker, _ int, p look.Page) (int, error) {
		return look.Force(ctx, l, name, f.holder, confirm, p)
	})
}

// confirm shows whom it will hit, and asks.
func confirm(in *redlock.Inspection) (bool, error) {
	if !term.IsTerminal(int(os.Stdin.Fd())) || !term.IsTerminal(int(os.Stderr.Fd())) {
		return false, exit.Failuref(fmt.Sprintf("it is --holder=%s now: look at it before you take it (redlock inspect)", in.Holder.ID),
			"there is no terminal to ask on, so say by --holder from whom")
	}
	if err := look.Table(os.Stderr, in, time.Now()); err != nil {
		return false, err
	}
	fmt.Fprintf(os.Stderr, "\nredlock: take it from %s? What it is at may go on for a moment. [y/N] ", in.Holder.Label)
	line, _ := bufio.NewReader(os.Stdin).ReadString('\n') // the end of stdin is a no
	answer := strings.ToLower(strings.TrimSpace(line))
	return answer == "y" || answer == "yes", nil
}
