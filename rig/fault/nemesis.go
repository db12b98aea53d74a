package fault

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/redlock-go/redlock/rig/clock"
	"github.com/redlock-go/redlock/rig/cluster"
)

// Nemesis makes trouble for a cluster, one fault after another, and never for
// more than Most nodes at once.
type Nemesis struct {
	Cluster *cluster.Cluster
	Most    int           // nodes in trouble at once
	Every   time.Duration // the mean time between two faults
	Seed    uint64        // of all that is left to chance
	// Draw makes up the next fault.
	Draw func(r *rand.Rand) Fault

	mu     sync.Mutex
	events []Event
	busy   []bool // which nodes are in trouble
}

// Run makes trouble until ctx is done, and returns when all is good again and
// what it did. An error means that a node could not be made good again.
func (n *Nemesis) Run(ctx context.Context) ([]Event, error) {
	r := rand.New(rand.NewPCG(n.Seed, 0))
	n.busy = make([]bool, len(n.Cluster.Nodes))
	var running sync.WaitGroup
	var errs []error // guarded by mu
	for ctx.Err() == nil {
		pause, fault := n.Every/2+time.Duration(r.Int64N(int64(n.Every))), n.Draw(r)
		if node := n.pick(r); node != nil {
			running.Go(func() {
				err := fault.Run(ctx, node, func(what string) { n.note(node, what) })
				n.mu.Lock()
				defer n.mu.Unlock()
				n.busy[node.Index] = false
				if err != nil {
					errs = append(errs, fmt.Errorf("node %d: %v: %w", node.Index, fault, err))
				}
			})
		}
		wait(ctx, pause)
	}
	running.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.events, errors.Join(errs...)
}

// pick chooses a node that is well and marks it, or returns nil if as many as may
// be are in trouble already.
func (n *Nemesis) pick(r *rand.Rand) *cluster.Node {
	n.mu.Lock()
	defer n.mu.Unlock()
	var well []int
	for i, busy := range n.busy {
		if !busy {
			well = append(well, i)
		}
	}
	if len(n.busy)-len(well) >= n.Most {
		return nil
	}
	i := well[r.IntN(len(well))]
	n.busy[i] = true
	return n.Cluster.Nodes[i]
}

func (n *Nemesis) note(node *cluster.Node, what string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.events = append(n.events, Event{At: clock.Now(), Node: node.Index, What: what})
}

// Count counts events by what happened.
func Count(events []Event) map[string]int {
	count := make(map[string]int)
	for _, e := range events {
		count[e.What]++
	}
	return count
}
