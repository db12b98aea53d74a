package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/redlock-go/redlock/rig/chaos"
)

// Summary writes the report in short, for a terminal. It returns the writer's
// error.
func Summary(w io.Writer, r chaos.Result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, o := range r.Sections {
		fmt.Fprintf(t, "%s: %d faults of nodes, %d of clients\n", o.Title, len(o.Faults), len(o.Harm))
		fmt.Fprintln(t, "\tacquired\toverlaps\tlongest\tlost updates\tguarded: lost\trefused\tlongest wait\tbeyond its turn\tfree and wanted\thand-over p50\tp99\torphans")
		for i, s := range o.Scores {
			guarded, refused := "-", "-"
			if r.Contestants[i].Ours {
				guarded, refused = fmt.Sprintf("%d of %d", s.GuardedLost, s.GuardedWrites), fmt.Sprint(s.Refused)
			}
			wait := func(d time.Duration) string { return waitsOf(r.Contestants[i], rough(d), "-") }
			fmt.Fprintf(t, "  %s\t%d\t%d\t%s\t%d of %d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\n", r.Contestants[i].Name,
				s.Acquired, len(s.Overlaps), rough(s.Longest()), s.PlainLost, s.PlainWrites, guarded, refused, rough(s.Wait),
				wait(s.Waiting.Late), wait(s.Waiting.Wedge), wait(s.Waiting.HandOver(0.5)), wait(s.Waiting.HandOver(0.99)), len(s.Orphans)+len(s.Left))
		}
		fmt.Fprintln(t)
	}
	covered(t, r)
	violations := r.Violations()
	for _, v := range violations {
		fmt.Fprintf(t, "VIOLATION: %s\n", v)
	}
	if len(violations) == 0 {
		fmt.Fprintln(t, "no guarantee of this library was broken")
	}
	return t.Flush()
}

// covered says what was done and looked at: the faults by kind, and each check of our
// own library with its figure.
func covered(w io.Writer, r chaos.Result) {
	count, missing := r.Faulted()
	kinds := len(r.Terms.Kinds())
	fmt.Fprintf(w, "faults, %d of %d kinds: %s\n", kinds-len(missing), kinds, counted(count, "%[2]d %[1]s", ", "))
	if len(missing) > 0 {
		fmt.Fprintf(w, "NOT DONE: %s\n", strings.Join(missing, ", "))
	}
	s := ours(r)
	fmt.Fprintln(w, "checks of this library:")
	fmt.Fprintf(w, "  section A\t%d leases: %d overlaps (%d more in doubt), %d tokens out of order; %d keys on nodes: %d orphans, %d never gone\n",
		s.leases, s.overlaps, s.doubtful, s.disorder, s.keys, s.orphans, s.left)
	fmt.Fprintf(w, "  waiting, A\t%d calls: the longest %s beyond its turn, where I7 allows %s; a lock free and wanted for %s at most, where it allows %s; %d findings\n",
		s.calls, rough(s.beyond), rough(s.bound), rough(s.wedge), rough(s.wedgeBound), s.findings)
	fmt.Fprintf(w, "  all sections\t%d leases: %d contexts late; guarded register: %d operations, %d not linearizable, %d writes, %d lost, %d refused as stale; %d clients hung\n",
		s.all, s.late, s.operations, s.misfits, s.writes, s.lost, s.refused, s.hung)
	fmt.Fprintf(w, "  the assumptions\t%d of %d losses of a minority's memory may have been more\n", s.lapses, s.losses)
	if s.undecided > 0 {
		fmt.Fprintf(w, "  NOT DECIDED: %d histories of registers were too long for porcupine, which had %v for each\n", s.undecided, chaos.DecideWithin)
	}
	fmt.Fprintln(w)
}

// tally adds up what was checked of our own library.
type tally struct {
	leases, overlaps, doubtful, disorder, keys, orphans, left int // section A
	lapses, losses                                            int

	calls, findings                  int // section A
	beyond, bound, wedge, wedgeBound time.Duration

	both    int // overlaps in all sections
	longest time.Duration

	all, late, operations, misfits, writes, lost, refused, hung, undecided int // all sections
}

func ours(r chaos.Result) tally {
	var t tally
	for _, o := range r.Sections {
		if o.Within {
			t.lapses += len(o.Lapses)
			for _, f := range o.Faults {
				if classOf(f.What) == "mem" {
					t.losses++
				}
			}
		}
		for i, s := range o.Scores {
			if !r.Contestants[i].Ours {
				continue
			}
			if o.Within {
				t.add(s)
			}
			t.both += len(s.Overlaps)
			t.longest = max(t.longest, s.Longest())
			t.all += s.Acquired
			t.late += s.Overstayed
			t.operations += s.Touches
			t.misfits += len(s.Register)
			t.writes += s.GuardedWrites
			t.lost += s.GuardedLost
			t.refused += s.Refused
			t.hung += s.Hung
			if s.Undecided != nil {
				t.undecided++
			}
		}
	}
	return t
}

// add adds what was checked in section A.
func (t *tally) add(s chaos.Score) {
	t.leases += s.Acquired
	for _, o := range s.Overlaps {
		if o.Doubtful {
			t.doubtful++
		} else {
			t.overlaps++
		}
	}
	t.disorder += len(s.Disorder)
	t.keys += s.Seen
	t.orphans += len(s.Orphans)
	t.left += len(s.Left)
	t.calls += s.Waiting.Calls
	t.findings += len(s.Waiting.Findings)
	if s.Waiting.Late > t.beyond {
		t.beyond, t.bound = s.Waiting.Late, s.Waiting.Bound
	}
	if s.Waiting.Wedge > t.wedge {
		t.wedge, t.wedgeBound = s.Waiting.Wedge, s.Waiting.WedgeBound
	}
}
