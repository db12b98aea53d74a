// Package report tells what a run of package chaos has shown: in Markdown, as a
// time line in SVG, and in a few lines for a terminal.
package report

import (
	"cmp"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/redlock-go/redlock/rig/chaos"
	"github.com/redlock-go/redlock/rig/check"
	"github.com/redlock-go/redlock/rig/clock"
	"github.com/redlock-go/redlock/rig/traffic"
)

// About is what a report says of the run that the run itself does not know.
type About struct {
	When     string
	Machine  string
	Server   string            // the version of the nodes
	Versions map[string]string // of modules
	Timeline string            // the file of the time line, beside the report
}

// Versions are the modules of this program, with their versions.
func Versions() map[string]string {
	versions := make(map[string]string)
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			versions[m.Path] = m.Version
		}
	}
	return versions
}

// Markdown is the report.
func Markdown(r chaos.Result, about About) string {
	w := &strings.Builder{}
	fmt.Fprintf(w, "# Chaos: %d lock libraries under the same faults\n\n", libraries(r))
	verdict(w, r)
	fmt.Fprintf(w, "%s, %s; %s; seed %d, which makes the same plan of faults again:\n\n", about.When, about.Machine, about.Server, r.Terms.Seed)
	fmt.Fprintf(w, "    go run ./rig/cmd/chaos -for %v -seed %d\n\n", r.Terms.For, r.Terms.Seed)
	for _, lacking := range r.Lacking {
		fmt.Fprintf(w, "Left out, as it cannot be done here: %s\n\n", lacking)
	}
	fmt.Fprintf(w, "![Leases against faults, from left to right](%s)\n\n", about.Timeline)
	w.WriteString(method(r))
	for _, o := range r.Sections {
		section(w, r, o)
	}
	settings(w, r, about)
	return w.String()
}

// libraries is how many there are: all that are ours are one.
func libraries(r chaos.Result) int {
	n := 1
	for _, c := range r.Contestants {
		if !c.Ours {
			n++
		}
	}
	return n
}

// verdict says first what matters most.
func verdict(w *strings.Builder, r chaos.Result) {
	violations := r.Violations()
	if len(violations) == 0 {
		w.WriteString("**No guarantee was broken.** ")
		var acquired, guarded, refused int
		for _, o := range r.Sections {
			for i, s := range o.Scores {
				if r.Contestants[i].Ours {
					if o.Within {
						acquired += s.Acquired
					}
					guarded += s.GuardedWrites
					refused += s.Refused
				}
			}
		}
		fmt.Fprintf(w, "In section A, where the faults are within the assumptions, this library took %d locks without an overlap, a token out of order or an orphan. "+
			"In all sections its guarded register stayed right: %d writes in the order of their tokens, %d operations refused as stale.\n\n", acquired, guarded, refused)
		return
	}
	fmt.Fprintf(w, "**%d violations of what this library guarantees:**\n\n", len(violations))
	for _, v := range violations {
		fmt.Fprintf(w, "- %s\n", v)
	}
	w.WriteString("\n")
}

func method(r chaos.Result) string {
	return fmt.Sprintf(`## What was done

Five redis-servers (two keep nothing on disk, two have "appendfsync everysec", one
"always"), each behind a proxy. %[1]d processes of each library, with two workers each, take two locks of
their own, TTL %[2]v, hold them for a hundredth of a TTL to 1.6, and under the lock read and increment
two counters in another server: one that believes everybody, one that refuses
stale tokens (package fence). Every other time a client does not look at its lease
before it writes, as programs do. All share the nodes, so the same faults hit all at
the same time; a client fault hits one process of each library.

redlock-kinds is this library once more, with locks of other kinds: one that is read and written, a
semaphore of three slots, and a set of two locks, one of which others take by itself. Each slot is judged as a lock of its own,
readers among themselves exclude nobody, and a set is a lease of each of its locks. A reader only reads, with a
reader's token.

- **Overlap**: two leases of one lock at one time, but for readers'. A lease counts from when the call
  returned to the last moment at which its holder can have known it to be valid: its
  release, or the deadline that the library tells, if nothing was heard of it before.
  Times are from one clock (CLOCK_BOOTTIME) in all processes. Where it is uncertain,
  the lease counts as shorter.
- **Lost update**: of two writes that were based on the same value, one. A lock alone
  does not prevent it, ours included: a client that stands still between its look
  and its write writes when it wakes.
- **Longest wait**: from when a client began to want a lock, its own standstills
  included. This library's clients queue at the nodes; the others poll, but for
  rueidislock, and are fair in nothing.
- **Beyond its turn**: of a wait, which is one call, whatever its outcome, the time in which
  the lock was to be had and nobody had it. It was not to be had while another's lease
  lasted, until its release returned; while fewer than three nodes were well, or free of
  the key of a client that was frozen or killed. The client's own standstills do not
  count either. What I7 allows is a TTL, for a wake-up that was lost; %[3]v, the
  time of a reservation, for each worker of a client that was frozen or killed meanwhile; and %[4]v
  for a machine that has much to do.
- **Free and wanted**: the longest time at a stretch in which a lock was to be had, somebody who
  ran wanted it, and nobody had it. I7 allows as much. More would be a wedge.
- **Hand-over**: from a release to the next lease, if that one's client waited by then. By a push
  it takes milliseconds, by a timer as long as the rest of a TTL.
- **Orphan**: a key that stayed on a node for longer than TTL + %[4]v after its holder
  was done, or without an expiry; or a queue without one. Excused while its node is in trouble, or too slow to
  answer us.
- Our own library is held to this, and the program exits with 1: in section A no
  overlap, no token out of order, no orphan, no wait beyond what I7 allows, no wedge; in all sections a guarded register whose
  answers are linearizable (porcupine) and that lost no increment, and no lease whose
  context was not done when its deadline was over, right after a standstill either.

`, r.Terms.Clients, r.Terms.TTL, chaos.Reservation, chaos.Margin)
}

// explanations say what a section is about, by its letter.
var explanations = map[string]string{
	"A": "At most two of five nodes are in trouble at once, and a node counts as in trouble until no lease can be left that was granted without it, or its holder has repaired it. " +
		"FLUSHALL and steps of a clock are done to a node when a majority of the *other* nodes has each lock that it has: " +
		"a lease that only three nodes granted is lost with the first of them that forgets. That they have it until the node has forgotten is measured each time, as a slow machine may take too long. " +
		"Now and then three to five nodes are restarted without their data in less than a TTL: that is within our assumptions, as the restart guard is on. " +
		"The libraries with one node have no minority to lose: what hits node 0 hits them whole.",
	"B": "The assumptions of I1 are broken on purpose: three of five nodes at once lose what they granted and go on (FLUSHALL, or their clocks set ahead). " +
		"Overlaps are possible and not counted as violations; the guarded register must stay right.",
	"C": "The clients were told that nodes lose nothing (`Durable: true`), which is not so: three nodes at once restart without their data, and vote at once.",
}

func section(w *strings.Builder, r chaos.Result, o chaos.Outcome) {
	fmt.Fprintf(w, "## %s\n\n", o.Title)
	fmt.Fprintf(w, "%s\n\n", explanations[o.Title[:1]])
	fmt.Fprintf(w, "%v. %s\n\n", o.To.Sub(o.From).Round(time.Second), faults(o))
	for _, lapse := range o.Lapses {
		fmt.Fprintf(w, "Not certain to be within the assumptions, at %.1f s: %v. Overlaps from then until a TTL later are not held against anybody.\n\n",
			lapse.To.Sub(r.Sections[0].From).Seconds(), lapse)
	}
	if !o.Within {
		w.WriteString(outcome(r, o))
	}
	table(w, r, o)
	waits(w, r, o)
	kinds(w, r, o)
	overlaps(w, r, o)
}

// waits holds our own library's waits against what I7 allows.
func waits(w *strings.Builder, r chaos.Result, o chaos.Outcome) {
	for i, s := range o.Scores {
		if !r.Contestants[i].Ours || s.Waiting.Calls == 0 {
			continue
		}
		at := func(t clock.Instant) float64 { return t.Sub(r.Sections[0].From).Seconds() }
		x := s.Waiting
		fmt.Fprintf(w, "Waits of %s: %d calls. ", r.Contestants[i].Name, x.Calls)
		if x.Late > 0 {
			outcome := "ended"
			if x.Failed {
				outcome = "failed"
			}
			fmt.Fprintf(w, "The longest beyond its turn %s at %.1f s, %s, where I7 allows %s; meanwhile: %s. ",
				outcome, at(x.At), rough(x.Late), rough(x.Bound), what(x.During))
		}
		if x.Wedge > 0 {
			fmt.Fprintf(w, "A lock was free and wanted for %s at most, until %.1f s, where I7 allows %s. ", rough(x.Wedge), at(x.WedgeAt), rough(x.WedgeBound))
		}
		fmt.Fprintf(w, "Of %d hand-overs half took at most %s, nine of ten %s.\n\n", len(x.HandOvers), rough(x.HandOver(0.5)), rough(x.HandOver(0.9)))
	}
}

// kinds says how often each kind of lock was had, by the contestant that has several.
func kinds(w *strings.Builder, r chaos.Result, o chaos.Outcome) {
	for i, s := range o.Scores {
		if !r.Contestants[i].Kinds {
			continue
		}
		var counts []string
		for _, lock := range r.Contestants[i].Locks() {
			counts = append(counts, fmt.Sprintf("%d × %s", s.Taken[lock], strings.TrimPrefix(lock, r.Contestants[i].Name+"/")))
		}
		fmt.Fprintf(w, "Leases of %s: %s.\n\n", r.Contestants[i].Name, strings.Join(counts, ", "))
	}
}

func what(during []string) string {
	if len(during) == 0 {
		return "no fault"
	}
	return strings.Join(during, "; ")
}

// outcome says what happened to our own library where the assumptions do not hold.
func outcome(r chaos.Result, o chaos.Outcome) string {
	t := ours(chaos.Result{Terms: r.Terms, Contestants: r.Contestants, Sections: []chaos.Outcome{o}})
	what := fmt.Sprintf("What happened: this library had %d overlaps among %d leases, the longest %s. ", t.both, t.all, rough(t.longest))
	if t.misfits+t.lost > 0 {
		return what + fmt.Sprintf("**The guarded register did not stay right**: %d answers that no order explains, %d lost increments.\n\n", t.misfits, t.lost)
	}
	return what + fmt.Sprintf("The guarded register stayed right all the same: %d operations, of which %d were refused as stale, and of %d increments none was lost.\n\n",
		t.operations, t.refused, t.writes)
}

// faults counts what was done.
func faults(o chaos.Outcome) string {
	return fmt.Sprintf("%d faults of nodes, %d of clients: %s.", len(o.Faults), len(o.Harm), counted(o.Faulted(), "%[2]d × %[1]s", ", "))
}

// counted lists what was counted, the most first.
func counted(count map[string]int, format, sep string) string {
	names := chaos.Most(count)
	for i, name := range names {
		names[i] = fmt.Sprintf(format, name, count[name])
	}
	return strings.Join(names, sep)
}

func table(w *strings.Builder, r chaos.Result, o chaos.Outcome) {
	w.WriteString("| |")
	for _, c := range r.Contestants {
		fmt.Fprintf(w, " %s |", c.Name)
	}
	w.WriteString("\n|---|" + strings.Repeat("---|", len(r.Contestants)) + "\n")
	row := func(name string, cell func(i int, s chaos.Score) string) {
		fmt.Fprintf(w, "| %s |", name)
		for i, s := range o.Scores {
			fmt.Fprintf(w, " %s |", cell(i, s))
		}
		w.WriteString("\n")
	}
	ours := func(i int, cell string) string {
		if !r.Contestants[i].Ours {
			return "no tokens"
		}
		return cell
	}
	row("acquisitions", func(_ int, s chaos.Score) string { return fmt.Sprint(s.Acquired) })
	row("overlaps", func(_ int, s chaos.Score) string {
		if len(s.Overlaps) == 0 {
			return "0"
		}
		return fmt.Sprintf("**%d**, longest %s", len(s.Overlaps), rough(s.Longest()))
	})
	row("lost updates, unguarded", func(_ int, s chaos.Score) string { return fmt.Sprintf("%d of %d", s.PlainLost, s.PlainWrites) })
	row("lost updates, guarded", func(i int, s chaos.Score) string {
		return ours(i, fmt.Sprintf("%d of %d", s.GuardedLost, s.GuardedWrites))
	})
	row("refused as stale", func(i int, s chaos.Score) string { return ours(i, fmt.Sprint(s.Refused)) })
	row("register linearizable", func(i int, s chaos.Score) string { return ours(i, linearizable(s)) })
	row("tokens out of order", func(i int, s chaos.Score) string { return ours(i, fmt.Sprint(len(s.Disorder))) })
	row("contexts done after the deadline", func(i int, s chaos.Score) string {
		if !r.Contestants[i].Ours {
			return "not looked at"
		}
		return fmt.Sprint(s.Overstayed)
	})
	row("longest wait", func(_ int, s chaos.Score) string { return rough(s.Wait) })
	judged := func(cell func(s chaos.Score) string) func(i int, s chaos.Score) string {
		return func(i int, s chaos.Score) string { return waitsOf(r.Contestants[i], cell(s), "not looked at") }
	}
	row("longest wait beyond its turn", judged(func(s chaos.Score) string { return rough(s.Waiting.Late) }))
	row("lock free and wanted, longest", judged(func(s chaos.Score) string { return rough(s.Waiting.Wedge) }))
	row("hand-over, p50 and p99", judged(func(s chaos.Score) string {
		return fmt.Sprintf("%s, %s", rough(s.Waiting.HandOver(0.5)), rough(s.Waiting.HandOver(0.99)))
	}))
	row("busy lock nobody's, longest", judged(func(s chaos.Score) string { return rough(s.Idle) }))
	row("orphans", func(_ int, s chaos.Score) string { return orphans(s.Orphans) })
	row("last key gone after the end, at most", func(_ int, s chaos.Score) string {
		if len(s.Left) > 0 {
			return "**never**: " + strings.Join(s.Left, ", ")
		}
		return rough(s.Gone)
	})
	row("clients that did not end", func(_ int, s chaos.Score) string { return fmt.Sprint(s.Hung) })
	row("errors", func(_ int, s chaos.Score) string { return counted(s.Errors, "%s %d", "<br>") })
	w.WriteString("\n")
}

// waitsOf is what is told of the waits for a contestant's locks: a wait for one of several kinds is not judged.
func waitsOf(c traffic.Contestant, what, otherwise string) string {
	if c.Kinds {
		return otherwise
	}
	return what
}

func linearizable(s chaos.Score) string {
	switch {
	case len(s.Register) > 0:
		return "**no**"
	case s.Undecided != nil:
		return "not decided in time"
	}
	return fmt.Sprintf("yes, %d operations", s.Touches)
}

func orphans(found []check.Orphan) string {
	if len(found) == 0 {
		return "0"
	}
	var longest time.Duration
	for _, o := range found {
		longest = max(longest, o.Over)
	}
	return fmt.Sprintf("**%d**, longest %s too long", len(found), rough(longest))
}

// mostOverlaps is how many overlaps of a contestant are told one by one.
const mostOverlaps = 5

// overlaps tells the longest ones.
func overlaps(w *strings.Builder, r chaos.Result, o chaos.Outcome) {
	for i, s := range o.Scores {
		if len(s.Overlaps) == 0 {
			continue
		}
		longest := slices.SortedStableFunc(slices.Values(s.Overlaps), func(a, b chaos.Overlap) int { return cmp.Compare(b.For(), a.For()) })
		fmt.Fprintf(w, "Overlaps of %s", r.Contestants[i].Name)
		if len(longest) > mostOverlaps {
			longest = longest[:mostOverlaps]
			fmt.Fprintf(w, ", the %d longest", mostOverlaps)
		}
		w.WriteString(":\n\n")
		for _, x := range longest {
			fmt.Fprintf(w, "- %s at %.1f s; in the TTL before and meanwhile: %s\n", rough(x.For()), x.Second.Begin.Sub(r.Sections[0].From).Seconds(), what(x.During))
		}
		w.WriteString("\n")
	}
}

func settings(w *strings.Builder, r chaos.Result, about About) {
	w.WriteString("## The contestants\n\n")
	for _, c := range r.Contestants {
		var versions []string
		for _, m := range c.Modules {
			if v := about.Versions[m]; v != "" {
				versions = append(versions, m+" "+v)
			}
		}
		fmt.Fprintf(w, "- **%s** (%s): %s.\n", c.Name, strings.Join(versions, ", "), c.Settings)
	}
}

// rough rounds a duration to what can be read.
func rough(d time.Duration) string {
	switch {
	case d >= time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(time.Millisecond).String()
	case d > 0:
		return "under 1ms"
	}
	return "0"
}
