package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/redlock-go/redlock/internal/process"
	"github.com/redlock-go/redlock/rig/clock"
	"github.com/redlock-go/redlock/rig/traffic"
)

// ClientSpan is one trouble of one client of every contestant.
type ClientSpan struct {
	Client   int
	What     string // "frozen" or "killed"
	From, To clock.Instant
}

// crew is the client processes of a section: as many for each contestant.
type crew struct {
	options Options
	common  traffic.Client // what all have in common
	prefix  string         // of the names of their files
	procs   map[string][]*client
	stops   map[string][]span        // when each process stood still, by its name
	deaths  map[string]clock.Instant // when each was gone that was killed

	mu     sync.Mutex
	counts map[string]*tally
}

// client is the place of one client, and the process that has it now.
type client struct {
	contestant string
	locks      []string
	index      int
	lives      int // processes that had the place so far
	name       string
	proc       *process.Process
}

type span struct{ from, to clock.Instant }

// tally counts acquisitions while the clients run, from their journals.
type tally struct {
	read map[string]int64 // bytes, by file
	held int
}

// stopWithin is how long clients may take to release what they hold and end, which
// takes them less than a second. A client that is slow because its machine is must
// not look like one that hangs.
const stopWithin = time.Minute

func startCrew(o Options, prefix string, common traffic.Client) (*crew, error) {
	c := &crew{
		options: o, common: common, prefix: prefix,
		procs: make(map[string][]*client), stops: make(map[string][]span), deaths: make(map[string]clock.Instant), counts: make(map[string]*tally),
	}
	for i := range o.Clients {
		for _, contestant := range o.Contestants {
			cl := &client{contestant: contestant.Name, locks: contestant.Locks(), index: i}
			if err := c.start(cl); err != nil {
				c.kill()
				return nil, err
			}
			c.procs[contestant.Name] = append(c.procs[contestant.Name], cl)
		}
	}
	return c, nil
}

// start starts a process in the client's place.
func (c *crew) start(cl *client) error {
	cl.lives++
	cl.name = fmt.Sprintf("%s-%s-%d.%d", c.prefix, cl.contestant, cl.index, cl.lives)
	what := c.common
	what.Contestant, what.Name = cl.contestant, cl.name
	what.Locks = cl.locks
	what.Journal = filepath.Join(c.options.Dir, cl.name+".journal")
	what.Log = filepath.Join(c.options.Dir, cl.name+".log")
	text, err := json.Marshal(what)
	if err != nil {
		return err
	}
	cmd := exec.Command(c.options.Command[0], append(c.options.Command[1:], string(text))...)
	errs, err := os.OpenFile(what.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer errs.Close() //nolint:errcheck // the client has it too
	cmd.Stderr = errs
	cl.proc, err = process.Start(cmd)
	return err
}

// harm carries out the plan of the clients' faults, and returns what was done when
// the last is over, or soon after ctx is done. All frozen clients have been
// thawed then.
func (c *crew) harm(ctx context.Context, steps []ClientStep) ([]ClientSpan, error) {
	begin := time.Now()
	var mu sync.Mutex
	var spans []ClientSpan
	var errs []error
	var running sync.WaitGroup
	busy := make(map[int]bool)
	for _, step := range steps {
		sleep(ctx, step.At-time.Since(begin))
		mu.Lock()
		free := ctx.Err() == nil && !busy[step.Client]
		busy[step.Client] = busy[step.Client] || free
		mu.Unlock()
		if !free {
			continue // still frozen: it suffers enough
		}
		running.Go(func() {
			span, err := c.suffer(ctx, step)
			mu.Lock()
			defer mu.Unlock()
			spans, errs = append(spans, span), append(errs, err)
			busy[step.Client] = false
		})
	}
	running.Wait()
	return spans, errors.Join(errs...)
}

// suffer has one client of each contestant frozen or killed.
func (c *crew) suffer(ctx context.Context, step ClientStep) (ClientSpan, error) {
	var errs []error
	span := ClientSpan{Client: step.Client, What: "killed", From: clock.Now()}
	if step.Freeze == 0 {
		for _, procs := range c.procs {
			cl := procs[step.Client]
			cl.proc.Kill()
			c.died(cl.name)
		}
		for _, procs := range c.procs {
			errs = append(errs, c.start(procs[step.Client]))
		}
		span.To = clock.Now()
		return span, errors.Join(errs...)
	}
	span.What = "frozen"
	from := make(map[string]clock.Instant)
	for _, procs := range c.procs {
		cl := procs[step.Client]
		from[cl.name] = clock.Now()
		errs = append(errs, alive(cl, cl.proc.Freeze()))
	}
	sleep(ctx, step.Freeze)
	for _, procs := range c.procs {
		cl := procs[step.Client]
		c.stopped(cl.name, from[cl.name])
		errs = append(errs, alive(cl, cl.proc.Thaw()))
	}
	span.To = clock.Now()
	return span, errors.Join(errs...)
}

// stopped takes note that the process stood still until now.
func (c *crew) stopped(name string, from clock.Instant) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stops[name] = append(c.stops[name], struct{ from, to clock.Instant }{from, clock.Now()})
}

// died takes note that the process has ended.
func (c *crew) died(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deaths[name] = clock.Now()
}

// alive explains the error of a signal to a process that has ended by itself.
func alive(cl *client, err error) error {
	if err != nil && !cl.proc.Alive() {
		return fmt.Errorf("client %s has ended by itself: %w", cl.name, errors.Join(cl.proc.Exit(), err))
	}
	return err
}

// stop has all clients release what they hold and end. It returns when each
// contestant's last one was gone, how many of them had to be killed, and an error
// if one did not work.
func (c *crew) stop() (gone map[string]clock.Instant, hung map[string]int, err error) {
	gone, hung = make(map[string]clock.Instant), make(map[string]int)
	var mu sync.Mutex
	var errs []error
	var stopping sync.WaitGroup
	for _, procs := range c.procs {
		for _, cl := range procs {
			stopping.Go(func() {
				died := !cl.proc.Alive()
				cl.proc.Stop(stopWithin)
				mu.Lock()
				defer mu.Unlock()
				gone[cl.contestant] = max(gone[cl.contestant], clock.Now())
				err := cl.proc.Exit()
				switch {
				case err == nil:
				case killed(err) && !died:
					hung[cl.contestant]++
				default:
					errs = append(errs, fmt.Errorf("client %s: %w (see %s.log)", cl.name, err, cl.name))
				}
			})
		}
	}
	stopping.Wait()
	return gone, hung, errors.Join(errs...)
}

// killed reports whether the process ended by a signal: it was too slow to stop.
func killed(err error) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit) && exit.ExitCode() == -1
}

func (c *crew) kill() {
	for _, procs := range c.procs {
		for _, cl := range procs {
			cl.proc.Kill()
		}
	}
}

// acquired counts the acquisitions of a contestant so far, by what has been added to
// the journals since the last time.
func (c *crew) acquired(contestant string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.counts[contestant]
	if t == nil {
		t = &tally{read: make(map[string]int64)}
		c.counts[contestant] = t
	}
	paths, _ := c.journals(contestant) // the pattern is a good one
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			continue
		}
		text, err := io.ReadAll(io.NewSectionReader(f, t.read[path], 1<<30))
		_ = f.Close() // only read
		if err != nil {
			continue
		}
		text = text[:bytes.LastIndexByte(text, '\n')+1]
		t.read[path] += int64(len(text))
		t.held += bytes.Count(text, []byte(`"what":"held"`))
	}
	return t.held
}

// journals are the files of a contestant's clients, in this section.
func (c *crew) journals(contestant string) ([]string, error) {
	return filepath.Glob(filepath.Join(c.options.Dir, fmt.Sprintf("%s-%s-*.journal", c.prefix, contestant)))
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
