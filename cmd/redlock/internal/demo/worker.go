package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/cmd/redlock/internal/clock"
	"github.com/redlock-go/redlock/rueidis"
)

// mark is the first argument of a worker.
const mark = "__demo-worker"

// The work: a pause between reading and writing, in which another could get in
// between, and one after it.
const (
	leastPause, mostPause = 2 * time.Millisecond, 12 * time.Millisecond
	mostRest              = 5 * time.Millisecond
	ttl                   = 2 * time.Second
	retry                 = 20 * time.Millisecond
)

// orders are what a worker is told, as a line of JSON on stdin. The end of stdin
// tells it to stop.
type orders struct {
	Nodes    []string `json:"nodes"`
	File     string   `json:"file"`
	Unlocked bool     `json:"unlocked"`
}

// did is what a worker did.
type did string

const (
	waits  did = "waits"  // it asks for the lock
	begins did = "begins" // it has it, and begins
	ends   did = "ends"   // it has written, and will let go of the lock
	loses  did = "loses"  // it lost the lease while it paused, and has not written
	fails  did = "fails"  // it could not get the lock, and will ask again
)

// report is what a worker tells, as a line of JSON on stdout.
type report struct {
	Worker int           `json:"-"`
	Did    did           `json:"did"`
	At     clock.Instant `json:"at"`
}

// IsWorker reports whether this process was started to be a worker, and main must
// call [Work] and nothing else.
func IsWorker() bool { return len(os.Args) == 2 && os.Args[1] == mark }

// Work is a worker's whole life. It returns the exit status.
func Work() int {
	if err := work(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func work(in io.Reader, out io.Writer) error {
	stdin := bufio.NewReader(in)
	line, err := stdin.ReadBytes('\n')
	if err != nil {
		return err
	}
	var o orders
	if err := json.Unmarshal(line, &o); err != nil {
		return err
	}
	file, err := openCounter(o.File)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		defer stop()
		_, _ = io.Copy(io.Discard, stdin) // until its end, however it comes
	}()
	w := &worker{file: file, out: json.NewEncoder(out), enter: justEnter}
	if !o.Unlocked {
		nodes, err := rueidis.OpenAll(o.Nodes...)
		if err != nil {
			return err
		}
		locker, err := redlock.New(redlock.Config{Nodes: nodes, TTL: ttl, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			return err
		}
		defer func() { _ = locker.Close() }() // nothing is left to do about it
		w.enter = enter(locker)
	}
	for ctx.Err() == nil && w.err == nil {
		w.round(ctx)
	}
	return w.err
}

// turn is a worker's turn to work.
type turn struct {
	lost  <-chan struct{} // closed when it is over before its time
	check func() error    // why it is over, nil if it is not
	leave func()
}

// enter waits for the lock.
func enter(locker *redlock.Locker) func(context.Context) (turn, error) {
	return func(ctx context.Context) (turn, error) {
		// The context of a lease ends with that of its Acquire. When we are asked to
		// stop, the turn that we have begun goes on.
		waiting, stop := context.WithCancel(context.WithoutCancel(ctx))
		release := context.AfterFunc(ctx, stop)
		lease, err := locker.Acquire(waiting, "counter")
		if !release() && err == nil {
			err = errors.Join(ctx.Err(), lease.Release(context.Background()))
		}
		if err != nil {
			stop()
			return turn{}, err
		}
		return turn{
			lost:  lease.Context().Done(),
			check: func() error { return lease.Context().Err() },
			leave: func() {
				_ = lease.Release(context.Background()) // check has told if it was lost
				stop()
			},
		}, nil
	}
}

// justEnter does without the lock.
func justEnter(context.Context) (turn, error) {
	return turn{check: func() error { return nil }, leave: func() {}}, nil
}

// worker does the work.
type worker struct {
	file  *counter
	out   *json.Encoder
	enter func(context.Context) (turn, error)
	err   error // that ends the work
}

func (w *worker) tell(d did) {
	if err := w.out.Encode(report{Did: d, At: clock.Now()}); err != nil && w.err == nil {
		w.err = err // the demo is gone
	}
}

// round is one increment: read, pause, write, under the lock.
func (w *worker) round(ctx context.Context) {
	w.tell(waits)
	turn, err := w.enter(ctx)
	switch {
	case ctx.Err() != nil && err != nil:
		return
	case err != nil:
		w.tell(fails)
		time.Sleep(retry)
		return
	}
	w.tell(begins)
	w.increment(turn)
	turn.leave()
	time.Sleep(rand.N(mostRest))
}

// increment is what must not be done by two at once.
func (w *worker) increment(turn turn) {
	n, err := w.file.read()
	if err != nil {
		w.err = err
		return
	}
	select {
	case <-time.After(leastPause + rand.N(mostPause-leastPause)):
	case <-turn.lost:
	}
	if turn.check() != nil {
		w.tell(loses)
		return
	}
	if err := w.file.write(n + 1); err != nil {
		w.err = err
		return
	}
	w.tell(ends)
}
