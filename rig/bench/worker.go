package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/redlock-go/redlock/rig/bench/contestant"
	"github.com/redlock-go/redlock/rig/clock"
)

// Job is what a worker process is asked to do. It reads jobs from its standard
// input, one a line, and answers each with one line on its standard output.
type Job struct {
	Kind       Kind          `json:"kind"`
	Contestant string        `json:"contestant,omitempty"`
	URLs       []string      `json:"urls,omitempty"`
	TTL        time.Duration `json:"ttl,omitempty"`
	Lock       string        `json:"lock,omitempty"`
	Begin      clock.Instant `json:"begin,omitempty"`
	End        clock.Instant `json:"end,omitempty"`
	Section    time.Duration `json:"section,omitempty"`
	Count      int           `json:"count,omitempty"`
	For        time.Duration `json:"for,omitempty"`
}

// Kind is a kind of job.
type Kind string

// The kinds.
const (
	Open    Kind = "open"    // a contestant, and have it connect
	Close   Kind = "close"   // all that were opened
	Contend Kind = "contend" // for a lock, from before Begin to End
	Hold    Kind = "hold"    // take a lock and keep it
	Wait    Kind = "wait"    // take a lock, say when, and give it back
	Take    Kind = "take"    // very many leases
	Keep    Kind = "keep"    // them, for a time, and look at them
	Queue   Kind = "queue"   // very many goroutines for one lock
)

// Done is the answer to a job.
type Done struct {
	Failure   string        `json:"failure,omitempty"` // the first error
	Fatal     bool          `json:"fatal,omitempty"`   // the job could not be done
	Errors    int           `json:"errors,omitempty"`
	Turns     []Turn        `json:"turns,omitempty"`
	CPU       time.Duration `json:"cpu,omitempty"`  // of this process, during the job
	Sent      int64         `json:"sent,omitempty"` // commands, by the end of the job
	Mallocs   uint64        `json:"mallocs,omitempty"`
	Allocated uint64        `json:"allocated,omitempty"`
	// Got is when the lock was taken, by the wall clock, which is the servers', in ns.
	Got    int64  `json:"got,omitempty"`
	Sample Sample `json:"sample,omitempty"`
}

// Work does jobs until there are no more.
func Work(in io.Reader, out io.Writer) error {
	w := worker{lockers: make(map[string]*locker)}
	defer w.close()
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	answers := json.NewEncoder(out)
	for lines.Scan() {
		var job Job
		if err := json.Unmarshal(lines.Bytes(), &job); err != nil {
			return err
		}
		done, err := w.do(job)
		if err != nil {
			done.Failure, done.Fatal = err.Error(), true
		}
		if err := answers.Encode(done); err != nil {
			return err
		}
	}
	return lines.Err()
}

// worker is one of the processes. Contestants stay open from job to job, side by
// side, as their turns alternate; who has no turn does nothing.
type worker struct {
	lockers map[string]*locker
	held    []contestant.Lease // for as long as the process lives
	many    []timed            // of S7
}

// locker is one that was opened here.
type locker struct {
	contestant.Locker
	sent contestant.Sent
}

func (w *worker) do(job Job) (Done, error) {
	switch job.Kind {
	case Open:
		return Done{}, w.open(job)
	case Close:
		w.close()
		return Done{}, nil
	}
	l := w.lockers[job.Contestant]
	if l == nil {
		return Done{}, fmt.Errorf("%s was not opened", job.Contestant)
	}
	switch job.Kind {
	case Contend:
		return contend(l, job), nil
	case Hold:
		lease, err := l.Acquire(context.Background(), job.Lock)
		if err == nil {
			w.held = append(w.held, lease)
		}
		return Done{}, err
	case Take:
		return w.take(l, job)
	case Keep:
		return w.keep(l, job), nil
	case Queue:
		return queue(l, job)
	case Wait:
		ctx, cancel := context.WithTimeout(context.Background(), waitFor)
		defer cancel()
		before := l.sent.Load()
		lease, err := l.Acquire(ctx, job.Lock)
		if err != nil {
			return Done{}, err
		}
		done := Done{Got: time.Now().UnixNano(), Sent: l.sent.Load() - before}
		return done, lease.Release(context.Background())
	default:
		return Done{}, fmt.Errorf("there is no job %q", job.Kind)
	}
}

// open opens a contestant and takes a lock of its own, so that it is connected.
func (w *worker) open(job Job) error {
	all, err := contestant.Named([]string{job.Contestant})
	if err != nil {
		return err
	}
	l := new(locker)
	if l.Locker, err = all[0].Open(contestant.Setup{URLs: job.URLs, TTL: job.TTL, Sent: &l.sent}); err != nil {
		return err
	}
	w.lockers[job.Contestant] = l
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for i := 0; ; i++ {
		lease, err := l.Acquire(ctx, fmt.Sprintf("open/%d/%d/%d", clock.Now(), len(w.lockers), i))
		if err == nil {
			err = lease.Release(ctx)
		}
		if err == nil || ctx.Err() != nil {
			return err
		}
	}
}

// waitFor bounds the wait for a holder that is dead.
const waitFor = 20 * time.Second

func contend(l *locker, job Job) Done {
	a := actor{turns: make([]Turn, 0, 1<<12)}
	runtime.GC() // all begin alike
	var before, after runtime.MemStats
	time.Sleep(job.Begin.Add(-leadIn).Sub(clock.Now()))
	runtime.ReadMemStats(&before)
	cpu := cpuOfSelf()
	sent := sentBetween(&l.sent, job.Begin, job.End)
	a.run(l, job.Lock, job.End, job.Section)
	d := Done{Turns: a.turns, Errors: a.errors, Failure: a.failure(), Sent: sent(), CPU: cpuOfSelf() - cpu}
	runtime.ReadMemStats(&after)
	d.Mallocs, d.Allocated = after.Mallocs-before.Mallocs, after.TotalAlloc-before.TotalAlloc
	return d
}

func (w *worker) close() {
	for _, l := range w.lockers {
		_ = l.Close() // of servers that may be gone
	}
	clear(w.lockers)
}
