package redlock

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/quorum"
)

// Locker takes locks on a set of nodes. It is safe for concurrent use; a process
// needs one for each set of nodes, whatever the number of locks.
type Locker struct {
	cfg      Config
	terms    core.Terms
	clock    *clock
	lanes    []*lane
	limits   core.Limits
	alarms   *alarms
	renewals renewals
	beat     time.Duration      // renewals begin on a multiple of it, so that they share batches
	stop     context.CancelFunc // ends what is under way to the nodes

	// highest is the highest token that this client has seen: a proposal is
	// above it, so that a client whose clock is behind learns it once.
	highest atomic.Uint64

	// slots bounds the rounds under way at once, so that a crowd of callers
	// does not make the nodes look slow.
	slots chan struct{}

	flying sync.WaitGroup // goroutines that talk to nodes

	queues queues // where others are waited for, and
	turns  turns  // those in this process

	audiences audiences // who watch elections

	runsMu sync.Mutex
	runs   []string // the run_id of each node that was verified

	mu      sync.Mutex
	live    *claim      // the claims that are not done, the newest first
	oldest  *claim      // the last of them
	lasting *claim      // which that was when watch looked last
	vigil   *time.Timer // see watch; nil while there is nothing to watch
	noticed int64       // clock.asleep when it was looked at last
	closing chan struct{}
	closed  bool
	drained chan struct{} // closed when live is empty after Close began
	closeOf sync.Once
	err     error // of Close
}

// Bounds on what is under way at once. They are far above what nodes that answer
// need.
const (
	mostRounds = 256  // rounds, in one Locker
	mostFlying = 8192 // requests, to one node: renewals come by the hundred
	mostOwed   = 4096 // releases that wait for one node to come back
	mostBeat   = 20 * time.Millisecond
	probeLeast = 5 * time.Millisecond
	probeMost  = 500 * time.Millisecond
)

// New returns a Locker on the nodes of the configuration, which it validates
// as a whole: the error names each field that is wrong. It begins to connect to
// the nodes in the background, and does not wait for them: nodes that cannot be
// reached are reported by the calls that need them.
//
// The Locker owns the nodes from here on, also after an error: then they
// are closed.
func New(cfg Config) (*Locker, error) {
	given := cfg.Nodes
	cfg, err := cfg.withDefaults()
	if err != nil {
		for _, n := range given {
			if n != nil {
				_ = n.Close() // the error of the configuration is the one to tell
			}
		}
		return nil, err
	}
	cfg.Nodes = append([]Node(nil), cfg.Nodes...)
	if w := cfg.warning(); w != "" {
		cfg.Logger.Warn("redlock: " + w)
	}
	ctx, stop := context.WithCancel(context.Background())
	l := &Locker{
		cfg: cfg,
		terms: core.Terms{
			Nodes:      len(cfg.Nodes),
			Need:       quorum.Need(len(cfg.Nodes)),
			TTL:        cfg.TTL,
			RenewEvery: cfg.TTL / 3,
			Retry:      cfg.NodeTimeout,
			PassFor:    passFor,
		},
		clock:   newClock(),
		stop:    stop,
		slots:   make(chan struct{}, mostRounds),
		closing: make(chan struct{}),
		drained: make(chan struct{}),
	}
	l.beat = max(time.Microsecond, min(cfg.TTL/500, mostBeat))
	l.alarms = newAlarms(l.clock, l.rung)
	l.runs = make([]string, len(cfg.Nodes))
	l.queues.init(l)
	l.limits = core.Limits{
		Timeout: cfg.NodeTimeout, FirstTimeout: l.firstTimeout(),
		Flying: mostFlying, Owed: mostOwed,
		ProbeMin: probeLeast, ProbeMax: probeMost,
	}
	for i, n := range cfg.Nodes {
		l.lanes = append(l.lanes, newLane(ctx, l, i, n))
	}
	for _, ln := range l.lanes {
		ln.greet()
	}
	return l, nil
}

// firstTimeout is the per-node deadline of a node that has not been heard of.
func (l *Locker) firstTimeout() time.Duration {
	return max(l.cfg.NodeTimeout, min(l.cfg.TTL/4, time.Second))
}

// patience is when a request that nobody waits for any more is given up, so that
// the client library frees what it holds for it.
func (l *Locker) patience() time.Duration {
	return max(4*l.cfg.NodeTimeout, l.firstTimeout())
}

// trusted is the number of nodes that are not suspected.
func (l *Locker) trusted() int {
	n := 0
	for _, ln := range l.lanes {
		if !ln.suspect.Load() {
			n++
		}
	}
	return n
}

// rung is called when alarms have rung.
func (l *Locker) rung() {
	l.startRenewals()
	l.flush()
}

// flush sends what claims held back.
func (l *Locker) flush() {
	for _, ln := range l.lanes {
		ln.flush()
	}
}

// saw remembers a token.
func (l *Locker) saw(token uint64) {
	for {
		old := l.highest.Load()
		if token <= old || l.highest.CompareAndSwap(old, token) {
			return
		}
	}
}

// enter registers a claim, so that Close can wait for it.
func (l *Locker) enter(c *claim) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	if c.after = l.live; c.after != nil {
		c.after.before = c
	} else {
		l.oldest = c
	}
	l.live = c
	if l.vigil == nil {
		l.noticed = l.clock.asleep.Load()
		l.vigil = time.AfterFunc(vigilance, l.watch)
	}
	return nil
}

// claims lists the claims that are not done. It is called with the mutex held.
func (l *Locker) claims() (list []*claim) {
	for c := l.live; c != nil; c = c.after {
		list = append(list, c)
	}
	return list
}

// leave is called when a claim is done.
func (l *Locker) leave(c *claim) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.before != nil {
		c.before.after = c.after
	} else {
		l.live = c.after
	}
	if c.after != nil {
		c.after.before = c.before
	} else {
		l.oldest = c.before
	}
	c.before, c.after = nil, nil
	if l.closed && l.live == nil {
		l.drain()
	}
}

// isClosing reports whether Close was called.
func (l *Locker) isClosing() bool {
	select {
	case <-l.closing:
		return true
	default:
		return false
	}
}

// drain says that no claim is left. It is called with the mutex held.
func (l *Locker) drain() {
	select {
	case <-l.drained:
	default:
		close(l.drained)
	}
}

// Close ends the Locker: it releases the leases that are still held, whose
// contexts end, makes Acquire return ErrClosed, waits for what is being cleaned
// up in the background, for twice the per-node deadline at the most, and closes
// the nodes. A key on a node that did not answer in that time is gone by TTL.
//
// It returns the nodes' errors of closing. Close is idempotent: every call
// waits for the first and returns the same.
func (l *Locker) Close() error {
	l.closeOf.Do(func() { l.err = l.shut() })
	return l.err
}

func (l *Locker) shut() error {
	l.mu.Lock()
	l.closed = true
	close(l.closing)
	claims := l.claims()
	if len(claims) == 0 {
		l.drain()
	}
	l.mu.Unlock()
	l.turns.close()

	leaders := leading(claims)
	for _, c := range claims {
		c.step(core.Event{Kind: core.End, Reason: core.Released})
	}
	enough, cancel := context.WithTimeout(context.Background(), 2*l.cfg.NodeTimeout)
	defer cancel()
	select {
	case <-l.drained:
	case <-enough.Done():
	}
	l.settle(enough)
	l.resign(enough, leaders)

	for _, ln := range l.lanes {
		ln.close()
	}
	l.alarms.stop()
	l.stop()
	errs := make([]error, len(l.lanes))
	var closing sync.WaitGroup
	for i, ln := range l.lanes {
		closing.Go(func() {
			if err := ln.node.Close(); err != nil {
				errs[i] = NodeError{ln.node.Name(), err}
			}
		})
	}
	closing.Wait()
	l.rest()
	return errors.Join(errs...)
}

// settle waits until nothing is owed to a node that answers, or ctx is done.
func (l *Locker) settle(ctx context.Context) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for _, ln := range l.lanes {
		for !ln.settled() {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}
}

// rest waits, bounded, for the goroutines that talk to nodes: a client library
// ends them when its node is closed, but it is not ours to trust.
func (l *Locker) rest() {
	landed := make(chan struct{})
	go func() {
		l.flying.Wait()
		close(landed)
	}()
	end := time.NewTimer(time.Second)
	defer end.Stop()
	select {
	case <-landed:
	case <-end.C:
	}
}
