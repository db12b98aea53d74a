// Package redlocktest helps to test code that uses a lock, without a server:
// nodes in memory, with faults to order, which work under testing/synctest too.
// Its [Conformance] is the suite that every implementation of [redlock.Node]
// passes.
package redlocktest

import (
	"context"
	"crypto/sha1" //nolint:gosec // see runID
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/resp"
)

// Node is a node in memory. It does what a Redis primary does with the commands
// of a lock, and keeps time by time.Now, or under testing/synctest by its clock
// if the node was made inside the bubble.
//
// A Node is two things: the server, and a first connection to it, which is
// what makes it a [redlock.Node]. Close ends that connection only; Get, Keys,
// Exec and Connect go on working. Nodes of several lockers that shall compete for
// the same locks are made by Connect.
//
// All methods may be called from many goroutines at once.
type Node struct {
	*Conn
	started time.Time
	runs    int       // starts of the server; each has a run_id of its own
	booted  time.Time // when this run started

	mu      sync.Mutex
	model   *script.Model
	dead    bool
	frozen  bool
	delay   time.Duration
	lastDue time.Time // of what was queued last: a connection keeps its order
	queue   []*pending
	fail    int
	failErr error
	hook    Hook
	history [][]resp.Command
	count   int

	subscriptions []*subscription
	subscribeHook SubscribeHook
	freezes       int
}

// NewNode returns an empty node. The name is what errors call it.
func NewNode(name string) *Node {
	now := time.Now()
	// The server has been up for long: it is no stranger to be put in quarantine.
	n := &Node{started: now, booted: now.Add(-24 * time.Hour), runs: 1, model: script.NewModel()}
	n.Conn = &Conn{server: n, name: name}
	n.model.Publish, n.model.Channels = n.publish, n.channels
	return n
}

// Nodes are the nodes of one cluster in memory.
type Nodes []*Node

// NewNodes returns n empty nodes, named n1, n2 and so on.
func NewNodes(n int) Nodes {
	nodes := make(Nodes, n)
	for i := range nodes {
		nodes[i] = NewNode("n" + strconv.Itoa(i+1))
	}
	return nodes
}

// Connect returns a new connection to each node, for the Config of one more
// locker: what is locked by one of them is locked for all.
func (ns Nodes) Connect() []redlock.Node {
	conns := make([]redlock.Node, len(ns))
	for i, n := range ns {
		conns[i] = n.Connect()
	}
	return conns
}

// Connect returns another connection to the node. It has the node's name, and
// is closed apart from the others.
func (n *Node) Connect() *Conn { return &Conn{server: n, name: n.name} }

// Get returns the string that the key holds now, such as the value that a lock's
// holder has set; ok is false if it holds none. A dead or frozen node is
// looked into like a living one.
func (n *Node) Get(key string) (value string, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.model.Get(n.now(), key)
}

// Keys lists all keys that are alive now, sorted. For a lock there are two: its
// key, and "{key}:t", the highest token that the node has seen for it; for an election
// also "{key}:l", who was elected last.
func (n *Node) Keys() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	entries := n.model.Entries(n.now())
	keys := make([]string, len(entries))
	for i, e := range entries {
		keys[i] = e.Key
	}
	return keys
}

// Exec executes one command on the node at once, past every fault and hook. It
// is not counted among the batches.
func (n *Node) Exec(args ...string) resp.Reply {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.model.Exec(n.now(), slices.Clone(args))
}

// Knows makes the server one that has a command which deletes a key if it holds a value: "DELEX", as
// Redis has from 8.4, or "DELIFEQ", as Valkey has from 9.0. A lock releases by it then. A new node has
// neither, as older servers, nor has one after Knows(""). It panics if the command is
// another. It survives a restart.
func (n *Node) Knows(command string) {
	native, ok := map[string]script.Native{"": script.Scripted, "DELEX": script.Delex, "DELIFEQ": script.Delifeq}[command]
	if !ok {
		panic(fmt.Sprintf("redlocktest: no node can know %q: DELEX, DELIFEQ, or nothing", command))
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.model.Native = native
}

// Batches returns how many batches the node has executed.
func (n *Node) Batches() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.count
}

// mostHistory bounds what a node remembers in a long run.
const mostHistory = 1000

// History returns the batches that the node has executed, the newest last: the
// last 1,000 at least, as long as there are so many.
func (n *Node) History() [][]resp.Command {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.history)
}

// now is the node's clock in ms. The monotonic clock drives it, so that it does
// not run backwards.
func (n *Node) now() int64 {
	return n.started.UnixMilli() + time.Since(n.started).Milliseconds()
}

// info is what the server says of itself. The caller holds n.mu.
func (n *Node) info() resp.Reply {
	return resp.OfText(fmt.Sprintf("run_id:%x\r\nuptime_in_seconds:%d\r\nrole:master\r\nmaster_replid2:%040d\r\n",
		runID(n.name, n.runs), int(time.Since(n.booted).Seconds()), 0))
}

// runID is an id that no other run of no other server has.
func runID(name string, run int) [sha1.Size]byte {
	return sha1.Sum([]byte(name + "#" + strconv.Itoa(run))) //nolint:gosec // a name, not a secret
}

// exec executes a batch now. The caller holds n.mu.
func (n *Node) exec(batch []resp.Command) []resp.Reply {
	now := n.now()
	replies := make([]resp.Reply, len(batch))
	for i, cmd := range batch {
		if cmd[0] == "INFO" {
			replies[i] = n.info()
			continue
		}
		replies[i] = n.model.Exec(now, cmd)
	}
	n.count++
	if len(n.history) == 2*mostHistory {
		n.history = append(n.history[:0:0], n.history[mostHistory:]...)
	}
	n.history = append(n.history, slices.Clone(batch))
	return replies
}

// Conn is a connection to a [Node], and a [redlock.Node] itself.
type Conn struct {
	server *Node
	name   string

	mu            sync.Mutex
	closed        bool
	hook          Hook
	subscribeHook SubscribeHook
}

var (
	_ redlock.Node    = (*Conn)(nil)
	_ redlock.Epocher = (*Conn)(nil)
)

// Epoch changes when the server is restarted, as that breaks every connection.
// A subscription that begins or ends does not change it: no vote comes that way.
func (c *Conn) Epoch() uint64 {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	return uint64(c.server.runs)
}

// Name returns the node's name.
func (c *Conn) Name() string { return c.name }

// Do executes the batch on the node, as its faults allow, and returns the
// replies. It returns when ctx is done; a batch that was on its way then is
// still executed when its time comes, as on a network. It returns an error that
// is net.ErrClosed after Close.
func (c *Conn) Do(ctx context.Context, batch []resp.Command) ([]resp.Reply, error) {
	c.mu.Lock()
	closed, hook := c.closed, c.hook
	c.mu.Unlock()
	if closed {
		return nil, c.errorOf(net.ErrClosed)
	}
	if err := ctx.Err(); err != nil {
		return nil, c.errorOf(err)
	}
	c.server.mu.Lock()
	outer := c.server.hook
	c.server.mu.Unlock()

	next := c.send
	for _, h := range []Hook{outer, hook} {
		if h == nil {
			continue
		}
		inner := next
		next = func(ctx context.Context, batch []resp.Command) ([]resp.Reply, error) { return h(ctx, batch, inner) }
	}
	replies, err := next(ctx, batch)
	if err != nil {
		return nil, c.errorOf(err)
	}
	return replies, nil
}

// Close ends the connection and the calls of Do and Subscribe that are under way on it. Other
// connections, and what the node holds, stay.
func (c *Conn) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.server.hangUp(c)
	return nil
}

func (c *Conn) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// connError says which node an error comes from, once.
type connError struct {
	node string
	err  error
}

func (e *connError) Error() string { return fmt.Sprintf("redlocktest: node %s: %v", e.node, e.err) }
func (e *connError) Unwrap() error { return e.err }

func (c *Conn) errorOf(err error) error {
	if named := (*connError)(nil); errors.As(err, &named) {
		return err
	}
	return &connError{c.name, err}
}
