package interop

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redlock-go/redlock/internal/process"
	"github.com/redlock-go/redlock/rig/clock"
	"github.com/redlock-go/redlock/rig/traffic"
)

// folder has the clients for Node.js, seen from the tests of this package.
const folder = "nodejs"

// errNotInstalled says what is missing and who brings it.
var errNotInstalled = errors.New("the Redlock clients for Node.js are not installed: run `make programs`, or install Node.js and run `npm ci` in rig/interop/nodejs")

// errRefused is that the library has given up.
var errRefused = errors.New("not acquired")

// onNode is a library for Node.js.
func onNode(library, settings string) traffic.Contestant {
	return traffic.Contestant{
		Name: library, Quorum: true, Settings: settings,
		Keys:  func(lock string) []string { return []string{lock} },
		Owner: func(string) string { return "" },
		Open: func(s traffic.Setup) (traffic.Locker, error) {
			return &nodeLocker{library: library, setup: s}, nil
		},
	}
}

// nodeLocker starts a process for the lock that it is asked for first: the clients are
// made for one key each.
type nodeLocker struct {
	library string
	setup   traffic.Setup

	mu      sync.Mutex
	client  *nodeClient
	dead    bool
	process *process.Process
}

// Acquire waits until ctx is done: when the library has given up it is asked again. What
// it gets when ctx is done already is given back.
func (l *nodeLocker) Acquire(ctx context.Context, lock string) (traffic.Lease, error) {
	c, err := l.open(lock)
	if err != nil {
		return nil, err
	}
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		until, err := c.orderValidity("acquire")
		switch {
		case errors.Is(err, errRefused):
			continue
		case err != nil:
			return nil, err
		}
		lease := &nodeLease{client: c}
		lease.until.Store(int64(until))
		if ctx.Err() != nil {
			return nil, errors.Join(ctx.Err(), lease.Release(ctx))
		}
		return lease, nil
	}
}

func (l *nodeLocker) open(lock string) (*nodeClient, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.dead:
		return nil, errors.New("it was killed")
	case l.client != nil && l.client.key != lock:
		return nil, fmt.Errorf("it is for %q, not %q", l.client.key, lock)
	case l.client != nil:
		return l.client, nil
	}
	c, p, err := startNode(l.library, lock, l.setup)
	if err == nil {
		l.client, l.process = c, p
	}
	return l.client, err
}

// Kind names the library's errors.
func (l *nodeLocker) Kind(err error) string {
	if errors.Is(err, errRefused) {
		return "gave up"
	}
	return "other"
}

// Kill kills the client, with SIGKILL.
func (l *nodeLocker) Kill() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead = true
	if l.process != nil {
		l.process.Kill()
	}
}

// Close ends the process, which holds nothing any more.
func (l *nodeLocker) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.client == nil || l.dead {
		return nil
	}
	l.dead = true
	err := l.client.in.Close()
	enough := time.NewTimer(10 * time.Second)
	defer enough.Stop()
	select {
	case <-l.process.Gone():
		return errors.Join(err, l.process.Exit())
	case <-enough.C:
		l.process.Kill()
		return errors.Join(err, fmt.Errorf("%s did not end with its input", l.library))
	}
}

// nodeClient talks with one process: one order, one answer.
type nodeClient struct {
	key string
	ttl time.Duration
	in  io.WriteCloser

	mu  sync.Mutex
	out *bufio.Reader
	// The process's clock showed theirs no sooner than ours showed here: what it says of a
	// moment is taken too early, by as long as that answer took, never too late.
	theirs int64
	here   clock.Instant
}

func startNode(library, key string, s traffic.Setup) (*nodeClient, *process.Process, error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, nil, errNotInstalled
	}
	if _, err := os.Stat(filepath.Join(folder, "node_modules", ".package-lock.json")); err != nil {
		return nil, nil, errNotInstalled
	}
	order, err := json.Marshal(map[string]any{"library": library, "urls": s.URLs, "key": key, "ttl": s.TTL.Milliseconds()})
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.Command(node, "client.mjs", string(order))
	cmd.Dir, cmd.Stderr = folder, os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	out, says, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	cmd.Stdout = says
	p, err := process.Start(cmd)
	_ = says.Close() // it has it
	if err != nil {
		return nil, nil, errors.Join(err, out.Close())
	}
	c := &nodeClient{key: key, ttl: s.TTL, in: in, out: bufio.NewReader(out)}
	go func() {
		<-p.Gone()
		c.mu.Lock() // what it said last has been read
		defer c.mu.Unlock()
		_ = out.Close()
	}()
	for range 2 { // it answers the first when it has started, which takes a while
		c.here = clock.Now()
		a, err := c.order("clock")
		if err != nil {
			p.Kill()
			return nil, nil, fmt.Errorf("%s: %w", library, err)
		}
		c.theirs = a.Sent
	}
	return c, p, nil
}

type nodeAnswer struct {
	Sent  int64
	Error string
}

// order has the process do something, and waits for its answer.
func (c *nodeClient) order(what string) (a nodeAnswer, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := io.WriteString(c.in, what+"\n"); err != nil {
		return a, err
	}
	line, err := c.out.ReadBytes('\n')
	if err != nil {
		return a, fmt.Errorf("the process is gone: %w", err)
	}
	if err := json.Unmarshal(line, &a); err != nil {
		return a, fmt.Errorf("%q: %w", line, err)
	}
	if a.Error != "" {
		return a, fmt.Errorf("%s: %w: %s", what, errRefused, a.Error)
	}
	return a, nil
}

// orderValidity is for orders that make a lease valid: until when.
func (c *nodeClient) orderValidity(what string) (clock.Instant, error) {
	a, err := c.order(what)
	if err != nil {
		return 0, err
	}
	// The drift allowance that the libraries have themselves.
	return c.here.Add(time.Duration(a.Sent-c.theirs) + c.ttl - c.ttl/100 - 2*time.Millisecond), nil
}

type nodeLease struct {
	client *nodeClient
	until  atomic.Int64
}

// Token is 0: there is none.
func (l *nodeLease) Token() uint64 { return 0 }

// Valid is a TTL, less the drift allowance, from when the requests left that count.
func (l *nodeLease) Valid() (clock.Instant, bool) {
	until := clock.Instant(l.until.Load())
	return until, clock.Now() < until
}

// Extend extends by a TTL.
func (l *nodeLease) Extend(context.Context) error {
	until, err := l.client.orderValidity("extend")
	if err == nil {
		l.until.Store(int64(until))
	}
	return err
}

// Release has the library release it, once.
func (l *nodeLease) Release(context.Context) error {
	_, err := l.client.order("release")
	return err
}
