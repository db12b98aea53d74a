package report

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/redlock-go/redlock/rig/chaos"
)

// Summary writes the report in short, for a terminal. It returns the writer's
// error.
func Summary(w io.Writer, r chaos.Result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, o := range r.Sections {
		fmt.Fprintf(t, "%s: %d faults of nodes, %d of clients\n", o.Title, len(o.Faults), len(o.Harm))
		fmt.Fprintln(t, "\tacquired\toverlaps\tlongest\tlost updates\tguarded: lost\trefused\tlongest wait\torphans")
		for i, s := range o.Scores {
			guarded, refused := "-", "-"
			if r.Contestants[i].Ours {
				guarded, refused = fmt.Sprintf("%d of %d", s.GuardedLost, s.GuardedWrites), fmt.Sprint(s.Refused)
			}
			fmt.Fprintf(t, "  %s\t%d\t%d\t%s\t%d of %d\t%s\t%s\t%s\t%d\n", r.Contestants[i].Name,
				s.Acquired, len(s.Overlaps), rough(s.Longest()), s.PlainLost, s.PlainWrites, guarded, refused, rough(s.Wait), len(s.Orphans)+len(s.Left))
		}
		fmt.Fprintln(t)
	}
	violations := r.Violations()
	for _, v := range violations {
		fmt.Fprintf(t, "VIOLATION: %s\n", v)
	}
	if len(violations) == 0 {
		fmt.Fprintln(t, "no guarantee was broken")
	}
	return t.Flush()
}
