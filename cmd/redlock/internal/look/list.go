package look

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/cmd/redlock/internal/exit"
	"github.com/redlock-go/redlock/cmd/redlock/internal/report"
)

// flushEvery is after how many lines a table is shown so far: its columns are as wide as
// they must be for those.
const flushEvery = 100

// List shows the locks whose names begin with the prefix, and which nodes are missing in that. It
// returns the exit status.
func List(ctx context.Context, l *redlock.Locker, need int, prefix string, p Page) (status int, err error) {
	table := tabwriter.NewWriter(p.Out, 0, 0, 2, ' ', 0)
	lines := 0
	for e, err := range l.List(ctx, prefix) {
		var quorum *redlock.QuorumError
		switch {
		case errors.As(err, &quorum):
			p.Tell(report.Incomplete{Need: quorum.Need, Got: quorum.Got, Nodes: troubles(quorum)})
			status = exit.NotAcquired
			continue
		case err != nil:
			return 0, exit.Failed(err)
		case e.Holder == nil && e.Verdict == redlock.Free:
			continue // it was given back while we looked
		}
		if p.JSON {
			if err := p.object(lockOf(e, need)); err != nil {
				return 0, err
			}
			continue
		}
		if lines == 0 {
			_, _ = fmt.Fprintln(table, "NAME\tSTATE\tHOLDER\tNODES\tEXPIRES")
		}
		holder, nodes, left := "-", 0, "-"
		if h := e.Holder; h != nil {
			holder, nodes, left = word(h.Label), h.Nodes, expires(h.Remaining)
		}
		if e.Semaphore {
			holder = slotsInUse(len(e.Slots))
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%d/%d\t%s\n", word(e.Name), e.Verdict, holder, nodes, e.Answered, left)
		if lines++; lines%flushEvery == 0 {
			if err := table.Flush(); err != nil {
				return 0, exit.Failed(err)
			}
		}
	}
	if err := table.Flush(); err != nil || status != exit.OK {
		return status, exit.Failed(err)
	}
	return status, health(ctx, l, p)
}

// health tells of nodes that do not answer, or whose word counts for nothing.
func health(ctx context.Context, l *redlock.Locker, p Page) error {
	in, err := l.Inspect(ctx, "health") // any lock will do
	if err != nil && !errors.Is(err, redlock.ErrNoQuorum) {
		return exit.Failed(err)
	}
	e := report.Degraded{Of: len(in.Nodes)}
	for _, n := range in.Nodes {
		if err := cmp.Or(n.Err, n.Doubt); err != nil {
			e.Nodes = append(e.Nodes, report.NodeTrouble{Node: n.Node, Error: err.Error()})
		}
	}
	if len(e.Nodes) > 0 {
		p.Tell(e)
	}
	return nil
}

// mostListed is how many holders of slots a node tells of: see redlock.Entry.
const mostListed = 100

func slotsInUse(n int) string {
	switch {
	case n == 1:
		return "(1 slot)"
	case n >= mostListed:
		return fmt.Sprintf("(%d slots, or more)", n)
	}
	return fmt.Sprintf("(%d slots)", n)
}

func lockOf(e redlock.Entry, need int) Lock {
	lock := Lock{Key: e.Key, Name: e.Name, State: string(e.Verdict), Answered: e.Answered, Need: need}
	if e.Semaphore {
		lock.Slots = sharesOf(e.Slots, true)
	} else {
		lock.Holder = holderOf(e.Holder)
	}
	return lock
}
