//go:build unix

package guard

import (
	"syscall"
	"time"

	"github.com/redlock-go/redlock/cmd/redlock/internal/clock"
)

// The two processes speak JSON, one object after the other: orders to the
// keeper, events (type Event) back.

// verb is what an order asks for.
type verb string

const (
	verbStart  verb = "start"   // run the command; kill it at At
	verbKillAt verb = "kill-at" // kill it at At, not before
	verbSignal verb = "signal"  // send Signal to its process group
	verbStop   verb = "stop"    // SIGTERM now, kill at At, and At moves no more
)

// order is one message to the keeper.
type order struct {
	Verb   verb           `json:"do"`
	At     clock.Instant  `json:"at,omitempty"`    // a time since boot, in nanoseconds
	After  time.Duration  `json:"after,omitempty"` // from TERM to KILL for what the command leaves behind
	Signal syscall.Signal `json:"signal,omitempty"`
}
