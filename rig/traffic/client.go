package traffic

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/redlock-go/redlock/fence"
	"github.com/redlock-go/redlock/rig/clock"
)

// Client is one process that takes locks with one of the libraries and works under
// them until it is told to stop, in a number of workers that share what the library
// opened, each with one lock after another. Everything that a worker does it writes into
// a journal of its own.
type Client struct {
	Contestant string
	Name       string   // of the client, unlike every other
	Nodes      []string // their URLs
	Resource   string   // the URL of the server with the registers
	TTL        time.Duration
	Locks      []string // the first is wanted most
	Durable    bool
	Workers    int    // 0: one
	Journal    string // file, of the first worker; the others' have its number in their names
	Log        string // file, for the library's own words
}

// How the client goes about it.
const (
	beatEvery  = 15 * time.Millisecond // it looks at its lease
	writeBeats = 3                     // and writes down each third look
	acquireFor = 8 * time.Second       // it waits in one call
	releaseFor = 5 * time.Second
)

// WorkerOf names the workers of a client: the first has the client's own name.
func WorkerOf(client string, worker int) string {
	if worker == 0 {
		return client
	}
	return fmt.Sprintf("%s%s%d", client, ofWorker, worker)
}

// ClientOf is the client that a worker belongs to.
func ClientOf(worker string) string {
	client, _, _ := strings.Cut(worker, ofWorker)
	return client
}

// ofWorker divides a client's name from the number of a worker.
const ofWorker = "~"

// journalOf is the journal of a worker.
func (c Client) journalOf(worker int) string {
	ext := filepath.Ext(c.Journal)
	return WorkerOf(strings.TrimSuffix(c.Journal, ext), worker) + ext
}

// Run works until ctx is done, then releases what it holds and returns. Errors of
// the locks are entries of the journals; one of Run means that it could not work
// at all.
func (c Client) Run(ctx context.Context) (err error) {
	library, found := ContestantNamed(c.Contestant)
	if !found {
		return fmt.Errorf("traffic: there is no contestant %q", c.Contestant)
	}
	log, err := os.OpenFile(c.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	resource, err := openResource(c.Resource)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, resource.close()) }()
	var workers []*worker
	for i := range max(1, c.Workers) {
		journal, err := os.OpenFile(c.journalOf(i), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
		if err != nil {
			return err
		}
		defer journal.Close() //nolint:errcheck // what could not be written has been noticed
		workers = append(workers, &worker{Client: c, name: WorkerOf(c.Name, i), journal: &Journal{w: journal}, evenly: library.Kinds, resource: resource})
	}
	locker, err := workers[0].open(ctx, library, log)
	if err != nil || locker == nil {
		return err
	}
	var working sync.WaitGroup
	for _, w := range workers {
		w.locker = locker
		working.Go(func() {
			for ctx.Err() == nil {
				w.turn(ctx)
				w.rest(ctx, 5*time.Millisecond, 60*time.Millisecond)
			}
		})
	}
	working.Wait()
	// Nodes that are dead give errors; the locks are released.
	_ = locker.Close()
	return nil
}

type worker struct {
	Client
	name     string
	journal  *Journal
	locker   Locker
	evenly   bool // it wants no lock more than the others
	resource *resource
	writes   int
}

// open tries until it succeeds, as some libraries want to see a node first; nil if
// ctx ends before.
func (w *worker) open(ctx context.Context, library Contestant, log io.Writer) (Locker, error) {
	for ctx.Err() == nil {
		l, err := library.Open(Setup{URLs: w.Nodes, TTL: w.TTL, Owner: w.Name, Durable: w.Durable, Log: log})
		if err == nil {
			return l, nil
		}
		fmt.Fprintln(log, err)
		w.rest(ctx, 50*time.Millisecond, 150*time.Millisecond)
	}
	return nil, nil
}

// turn takes one of the locks, works under it and gives it back.
func (w *worker) turn(ctx context.Context) {
	lock := w.Locks[0]
	if w.evenly || rand.IntN(4) == 0 {
		lock = w.Locks[rand.IntN(len(w.Locks))]
	}
	w.journal.Write(Entry{At: clock.Now(), What: Want, Lock: lock})
	for first := true; ctx.Err() == nil; first = false {
		if !first {
			w.journal.Write(Entry{At: clock.Now(), What: Again, Lock: lock})
		}
		waiting, cancel := context.WithTimeout(ctx, acquireFor)
		lease, err := w.locker.Acquire(waiting, lock)
		at := clock.Now()
		cancel()
		if err == nil {
			w.hold(ctx, lock, lease, at)
			return
		}
		if ctx.Err() == nil {
			w.journal.Write(Entry{At: at, What: Failed, Lock: lock, Kind: w.locker.Kind(err), Err: err.Error()})
		}
		w.rest(ctx, 20*time.Millisecond, 120*time.Millisecond)
	}
}

// hold works under the lease. It does as programs do: it reads both counters,
// takes its time, and writes them plus one, unless it only reads; every other time it looks
// before it writes whether the lease is still valid.
func (w *worker) hold(ctx context.Context, lock string, lease Lease, at clock.Instant) {
	seen, _ := lease.Valid()
	part := Part{Lock: lock}
	if p, ok := lease.(Parted); ok {
		part = p.Part()
	}
	lock = part.Lock
	w.journal.Write(Entry{At: at, What: Held, Lock: lock, Also: part.Also, Shared: part.Shared, Token: lease.Token(), Until: seen})
	holding := &holding{worker: w, lock: lock, lease: lease, last: at}
	work := w.howLong()
	careful := rand.IntN(2) == 0
	plain, guarded := w.read(lock, lease.Token(), part.Shared)

	extending, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		holding.extend(extending)
	}()
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for finish := clock.Now().Add(work); clock.Now() < finish && ctx.Err() == nil; <-tick.C {
		if !holding.beat() {
			break
		}
	}
	if valid := holding.beat(); !part.Shared && (valid || !careful) {
		w.write(lock, lease.Token(), plain, guarded)
	}
	stop()
	holding.release(ended)
}

// howLong draws how long to hold the lock: mostly a part of the TTL, sometimes
// more than one.
func (w *worker) howLong() time.Duration {
	part := func(least, most float64) time.Duration {
		return time.Duration((least + (most-least)*rand.Float64()) * float64(w.TTL))
	}
	switch n := rand.IntN(20); {
	case n < 14:
		return part(0.01, 0.08)
	case n < 19:
		return part(0.1, 0.4)
	default:
		return part(1, 1.6)
	}
}

// read reads both counters; a value is "" if nobody has written, and nil if it
// could not be read.
func (w *worker) read(lock string, token uint64, shared bool) (plain, guarded *string) {
	plain = w.touch(Touch{Op: ReadPlain, Lock: lock}, func(ctx context.Context) (string, error) {
		return w.resource.readPlain(ctx, lock)
	})
	if token > 0 {
		guarded = w.touch(Touch{Op: ReadGuarded, Lock: lock, Token: token, Shared: shared}, func(ctx context.Context) (string, error) {
			return w.resource.readGuarded(ctx, lock, token, shared)
		})
	}
	return plain, guarded
}

// write writes what was read, plus one.
func (w *worker) write(lock string, token uint64, plain, guarded *string) {
	next := func(old *string) (int64, string) {
		count, err := countOf(*old)
		if err != nil {
			panic(fmt.Sprintf("the counter of %s is %q", lock, *old))
		}
		w.writes++
		return count + 1, valueOf(count+1, w.name, w.writes)
	}
	if plain != nil {
		count, value := next(plain)
		w.touch(Touch{Op: WritePlain, Lock: lock, Count: count, Value: value}, func(ctx context.Context) (string, error) {
			return value, w.resource.writePlain(ctx, lock, value)
		})
	}
	if guarded != nil {
		count, value := next(guarded)
		w.touch(Touch{Op: WriteGuarded, Lock: lock, Token: token, Count: count, Value: value}, func(ctx context.Context) (string, error) {
			return value, w.resource.writeGuarded(ctx, lock, token, value)
		})
	}
}

// touch asks the resource and writes down both the question and the answer.
func (w *worker) touch(t Touch, ask func(ctx context.Context) (string, error)) *string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	e := Entry{At: clock.Now(), What: Asked, Lock: t.Lock, Op: t.Op, Token: t.Token, Shared: t.Shared, Count: t.Count, Value: t.Value}
	w.journal.Write(e)
	value, err := ask(ctx)
	e.At, e.What, e.Value = clock.Now(), Answered, value
	var stale *fence.StaleError
	switch {
	case errors.As(err, &stale):
		e.Stale, e.Value = stale.Newest, t.Value
	case err != nil:
		return nil
	default:
		e.Count, _ = countOf(value)
	}
	w.journal.Write(e)
	if stale != nil {
		return nil
	}
	return &value
}

func (w *worker) rest(ctx context.Context, least, most time.Duration) {
	t := time.NewTimer(least + rand.N(most-least))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
