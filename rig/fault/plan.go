package fault

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redlock-go/redlock/rig/clock"
	"github.com/redlock-go/redlock/rig/cluster"
)

// Step is one entry of a plan: a fault of some nodes at a time.
type Step struct {
	At    time.Duration // since the beginning of the plan
	Nodes []int
	Fault Fault
	// Apart is the time between two of the nodes.
	Apart time.Duration
	// Alone: it begins when all nodes are well, and nothing else begins before it is
	// over.
	Alone bool
}

// String prints the step as a line of the plan.
func (s Step) String() string {
	alone := ""
	if s.Alone {
		alone = ", alone"
	}
	if s.Apart > 0 {
		alone += fmt.Sprintf(", %v apart", s.Apart)
	}
	return fmt.Sprintf("%7.3fs nodes %v %v%s", s.At.Seconds(), s.Nodes, s.Fault, alone)
}

// Plan is a schedule of faults, in the order of their times, made up before it is
// carried out. Unlike what a [Nemesis] does, it does not depend on how long things
// take, so that it can be made again from its seed.
type Plan []Step

// Span is one trouble of one node, as it took place.
type Span struct {
	Node int
	What string // the first thing that was done
	// From, To: as long as it lasted. Until: when its clients had had the time to see
	// that the node is back.
	From, To, Until clock.Instant
}

// String is a line of the report.
func (s Span) String() string {
	return fmt.Sprintf("node %d %s for %v", s.Node, s.What, s.To.Sub(s.From).Round(time.Millisecond))
}

// Run carries out the plan: each step at its time, and never more than most nodes
// in trouble at once, unless one step says so. A step for which this is not so yet
// waits, and so do those after it; one that is late by more than patience when its
// turn comes is left out, unless it is to be alone. It returns when the last fault
// is over, also if ctx ends before, and says what it did. An error means that a
// node could not be made good again.
func (p Plan) Run(ctx context.Context, c *cluster.Cluster, most int) ([]Span, error) {
	begin := time.Now()
	w := &ward{busy: make(map[int]bool), changed: make(chan struct{}, 1), most: most}
	for _, step := range p {
		wait(ctx, step.At-time.Since(begin))
		if !step.Alone && time.Since(begin)-step.At > patience {
			continue
		}
		if !w.admit(ctx, step) {
			break
		}
		for i, node := range step.Nodes {
			n := c.Nodes[node]
			w.running.Go(func() {
				wait(ctx, time.Duration(i)*step.Apart)
				w.suffer(ctx, n, step.Fault)
			})
		}
	}
	w.running.Wait()
	return w.spans, errors.Join(w.errs...)
}

// patience keeps a plan that is carried out slowly from taking much longer than it
// should.
const patience = 2 * time.Second

// ward is the nodes in trouble.
type ward struct {
	most    int
	running sync.WaitGroup
	changed chan struct{} // a node became well

	mu    sync.Mutex
	busy  map[int]bool
	alone bool // a step that wants to be alone has begun
	spans []Span
	errs  []error
}

// admit waits until the step may begin and marks its nodes; false: ctx ended.
func (w *ward) admit(ctx context.Context, step Step) bool {
	for ctx.Err() == nil {
		if w.mark(step) {
			return true
		}
		select {
		case <-w.changed:
		case <-ctx.Done():
		}
	}
	return false
}

func (w *ward) mark(step Step) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.busy) == 0 {
		w.alone = false
	}
	room := len(w.busy)+len(step.Nodes) <= w.most
	if step.Alone {
		room = len(w.busy) == 0
	}
	for _, n := range step.Nodes {
		room = room && !w.busy[n]
	}
	if !room || w.alone {
		return false
	}
	w.alone = step.Alone
	for _, n := range step.Nodes {
		w.busy[n] = true
	}
	return true
}

func (w *ward) suffer(ctx context.Context, n *cluster.Node, fault Fault) {
	var spans []Span // one at most, and none if nothing was done
	err := fault.Run(ctx, n, func(what string) {
		now := clock.Now()
		switch {
		case len(spans) == 0:
			spans = append(spans, Span{Node: n.Index, What: Kind(fault, what), From: now, To: now})
		case spans[0].To == spans[0].From:
			spans[0].To = now
		}
	})
	w.mu.Lock()
	for i := range spans {
		spans[i].Until = clock.Now()
	}
	w.spans = append(w.spans, spans...)
	if err != nil {
		w.errs = append(w.errs, fmt.Errorf("node %d: %v: %w", n.Index, fault, err))
	}
	delete(w.busy, n.Index)
	w.mu.Unlock()
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// Kind names what was done so that it can be counted: what says it, unless several
// faults begin in the same way.
func Kind(f Fault, what string) string {
	switch f.(type) {
	case Kill:
		return "killed and restarted without data"
	case Restart:
		return "killed and restarted with data"
	}
	return what
}
