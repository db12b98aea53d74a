package interop

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/redlock-go/redlock/rig/traffic"
)

// Contest has contenders at one lock, each in a loop of its own: wait, work, release,
// rest.
type Contest struct {
	Lock    string // as in ours
	Setup   traffic.Setup
	Entries []Entry
	Work    time.Duration // under the lock
}

// Entry is one library, with so many clients: each has connections of its own, or is a
// process of its own. Callers share one of ours.
type Entry struct {
	traffic.Contestant
	Clients int
	Callers int           // in each; 0: one
	Rest    time.Duration // at least, after a release; up to twice as much
}

// Score is how it went for one caller.
type Score struct {
	Name     string // of the contestant
	Got      int
	Longest  time.Duration // wait
	Waited   time.Duration // in all
	Troubles map[string]int
}

// caller is one of those who call Acquire.
type caller struct {
	score  Score
	who    string
	locker traffic.Locker
	lock   string // as it calls it
	rest   time.Duration
}

// Run opens all clients, one after another, and then runs the contest for so long. It
// returns a score for each caller, in the order of the entries. An error is that a client
// could not be opened or closed.
func (c Contest) Run(last time.Duration, w *Witness) ([]Score, error) {
	var callers []*caller
	var lockers []traffic.Locker
	closeAll := func() (errs []error) {
		for _, l := range lockers {
			errs = append(errs, l.Close())
		}
		return errs
	}
	for _, e := range c.Entries {
		for i := range e.Clients {
			s := c.Setup
			s.Owner = fmt.Sprintf("%s/%d", e.Name, i)
			lock := c.Lock
			if !e.Ours {
				lock = keyOf(lock)
			}
			locker, err := open(e.Contestant, s, lock)
			if err != nil {
				return nil, errors.Join(append(closeAll(), err)...)
			}
			lockers = append(lockers, locker)
			for j := range max(1, e.Callers) {
				callers = append(callers, &caller{
					Score{Name: e.Name, Troubles: make(map[string]int)},
					fmt.Sprintf("%s/%d", s.Owner, j), locker, lock, e.Rest,
				})
			}
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), last)
	defer cancel()
	var calling sync.WaitGroup
	for _, one := range callers {
		calling.Go(func() {
			for ctx.Err() == nil {
				if one.turn(ctx, w, c.Work) {
					time.Sleep(one.rest + rand.N(one.rest+1))
				}
			}
		})
	}
	calling.Wait()
	scores := make([]Score, len(callers))
	for i, one := range callers {
		scores[i] = one.score
	}
	return scores, errors.Join(closeAll()...)
}

// open opens a client for a lock. One that is a process of its own runs when it returns.
func open(c traffic.Contestant, s traffic.Setup, lock string) (traffic.Locker, error) {
	locker, err := c.Open(s)
	if n, ok := locker.(*nodeLocker); ok {
		_, err = n.open(lock)
	}
	return locker, err
}

// turn is one lease, or none: then it reports false.
func (c *caller) turn(ctx context.Context, w *Witness, work time.Duration) bool {
	score := &c.score
	begin := time.Now()
	lease, err := c.locker.Acquire(ctx, c.lock)
	wait := time.Since(begin)
	// Who still waits at the end has waited, too.
	score.Waited += wait
	score.Longest = max(score.Longest, wait)
	if err != nil {
		if ctx.Err() == nil {
			score.Troubles["acquire: "+c.locker.Kind(err)]++
		}
		return false
	}
	if w.Section(c.who, lease, func() { time.Sleep(work) }) {
		score.Got++
	} else {
		score.Troubles["over at the door"]++
	}
	if err := lease.Release(context.WithoutCancel(ctx)); err != nil {
		score.Troubles["release: "+c.locker.Kind(err)]++
	}
	return true
}

// Table shows the scores, by contestant.
func Table(scores []Score) string {
	total := 0
	for _, s := range scores {
		total += s.Got
	}
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(t, "client\tleases\tshare\tmean wait\tlongest\t  troubles\t")
	for _, s := range scores {
		_, _ = fmt.Fprintf(t, "%s\t%d\t%.1f %%\t%v\t%v\t  %s\t\n", s.Name, s.Got, 100*float64(s.Got)/float64(max(1, total)),
			(s.Waited / time.Duration(max(1, s.Got))).Round(time.Millisecond), s.Longest.Round(time.Millisecond), troubles(s.Troubles))
	}
	_ = t.Flush()
	return b.String()
}

func troubles(counts map[string]int) string {
	var parts []string
	for kind, n := range counts {
		parts = append(parts, fmt.Sprintf("%d × %s", n, kind))
	}
	return strings.Join(parts, ", ")
}
