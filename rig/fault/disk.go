package fault

import (
	"context"
	"fmt"
	"time"

	"github.com/redlock-go/redlock/rig/cluster"
)

// Disk fills the disk of a node that keeps its data: it refuses to write, or ends,
// whichever its policy says.
type Disk struct {
	For time.Duration
	// Quarantine is as in Kill, if the node ended.
	Quarantine time.Duration
}

// Run fills the disk, makes room again, and restarts the node if it ended.
func (d Disk) Run(ctx context.Context, n *cluster.Node, note func(string)) error {
	if err := n.FillDisk(); err != nil {
		return err
	}
	note("disk full")
	wait(ctx, d.For)
	if err := n.FreeDisk(); err != nil {
		return err
	}
	if n.Alive() {
		note("room again")
	} else {
		if err := n.Restart(); err != nil {
			return err
		}
		note("had ended, restarted")
	}
	wait(ctx, d.Quarantine)
	return nil
}

func (d Disk) String() string { return fmt.Sprintf("Disk{For: %v}", d.For) }
