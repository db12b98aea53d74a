// Package fault makes trouble for a cluster. A fault is a value that prints as
// what it does; a [Nemesis] draws one after another, from a seed.
package fault

import (
	"context"
	"fmt"
	"time"

	"github.com/redlock-go/redlock/rig/clock"
	"github.com/redlock-go/redlock/rig/cluster"
)

// Fault is one trouble of one node.
type Fault interface {
	// Run makes the trouble, notes what it does, waits, and makes it good again;
	// when ctx ends, at once. On return the node is as good as new, also in
	// the eyes of its clients, unless ctx ended or there is an error.
	Run(ctx context.Context, n *cluster.Node, note func(what string)) error
	String() string
}

// Event is something that a nemesis did.
type Event struct {
	At   clock.Instant
	Node int
	What string
}

// String is a line of the report.
func (e Event) String() string { return fmt.Sprintf("%v node %d %s", e.At, e.Node, e.What) }

// Kill kills the node (kill -9) and starts it again without its data.
type Kill struct {
	// Away is how long it is dead. Nothing but a restart guard makes less than
	// the TTL of the leases safe.
	Away time.Duration
	// Quarantine is for how long it is not trusted by its clients after that.
	Quarantine time.Duration
}

// Run kills the node, restarts it empty, and waits for the quarantine to end.
func (k Kill) Run(ctx context.Context, n *cluster.Node, note func(string)) error {
	n.Kill()
	note("killed")
	wait(ctx, k.Away)
	if err := n.RestartEmpty(); err != nil {
		return err
	}
	note("restarted empty")
	wait(ctx, k.Quarantine)
	note("trusted again")
	return nil
}

func (k Kill) String() string {
	return fmt.Sprintf("Kill{Away: %v, Quarantine: %v}", k.Away, k.Quarantine)
}

// Restart kills the node and starts it again with the data that it has on disk.
type Restart struct {
	Away       time.Duration // how long it is dead
	Quarantine time.Duration // as in Kill
}

// Run restarts the node and waits for the quarantine to end.
func (r Restart) Run(ctx context.Context, n *cluster.Node, note func(string)) error {
	n.Kill()
	note("killed")
	wait(ctx, r.Away)
	if err := n.Restart(); err != nil {
		return err
	}
	note("restarted")
	wait(ctx, r.Quarantine)
	note("trusted again")
	return nil
}

func (r Restart) String() string {
	return fmt.Sprintf("Restart{Away: %v, Quarantine: %v}", r.Away, r.Quarantine)
}

// Freeze stops the node's process in its tracks (SIGSTOP), and lets it go on.
type Freeze struct {
	For time.Duration
	// Settle is how long its clients may take to see that it is back.
	Settle time.Duration
}

// Run freezes the node and thaws it.
func (f Freeze) Run(ctx context.Context, n *cluster.Node, note func(string)) error {
	if err := n.Freeze(); err != nil {
		return err
	}
	note("frozen")
	wait(ctx, f.For)
	if err := n.Thaw(); err != nil {
		return err
	}
	note("thawed")
	wait(ctx, f.Settle)
	return nil
}

func (f Freeze) String() string { return fmt.Sprintf("Freeze{For: %v}", f.For) }

// Net is trouble on the way to the node, which must be behind a proxy.
type Net struct {
	Name string
	Do   func(p *cluster.Proxy) error
	For  time.Duration
	// Settle is as in Freeze.
	Settle time.Duration
}

// Run makes the trouble and heals it.
func (f Net) Run(ctx context.Context, n *cluster.Node, note func(string)) error {
	if err := f.Do(n.Proxy); err != nil {
		return err
	}
	note(f.Name)
	wait(ctx, f.For)
	if err := n.Proxy.Heal(); err != nil {
		return err
	}
	note("healed")
	wait(ctx, f.Settle)
	return nil
}

func (f Net) String() string { return fmt.Sprintf("Net{%s, For: %v}", f.Name, f.For) }

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
