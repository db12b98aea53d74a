// Package devcluster is a cluster of nodes on 127.0.0.1 to try the lock out
// with: real redis-servers where there are any, or else nodes that live in this
// process. It keeps nothing on disk and ends with the process.
package devcluster

import (
	"errors"
	"fmt"
	"sync"

	"github.com/redlock-go/redlock/cmd/redlock/internal/exit"
	"github.com/redlock-go/redlock/internal/redisd"
)

// Engine is what the nodes are made of.
type Engine string

// The engines.
const (
	Auto  Engine = "auto"      // Redis if redis-server is on PATH, else Mini
	Redis Engine = "redis"     // processes of redis-server
	Mini  Engine = "miniredis" // in this process
)

// most bounds the nodes: more than anyone needs, and few enough for any machine.
const most = 99

// Cluster is a number of nodes.
type Cluster struct {
	Engine Engine
	Nodes  []Node
}

// Node is one node.
type Node struct {
	URL   string
	RunID string // who it is, as INFO says
	close func() error
}

// Start starts n nodes and returns when all answer. After an error nothing is
// left.
//
// On Linux the redis-servers die with this process, however it dies. Elsewhere
// they outlive it if it is killed with -9.
func Start(n int, engine Engine) (*Cluster, error) {
	if n < 1 || n > most {
		return nil, exit.Failuref("", "%d nodes: want 1 to %d", n, most)
	}
	c := &Cluster{Engine: engine, Nodes: make([]Node, n)}
	switch engine {
	case Mini:
		return c, c.startAll(startMini)
	case Redis:
		return c, c.startAll(startRedis)
	case Auto:
		c.Engine = Redis
		err := c.startAll(startRedis)
		if errors.Is(err, redisd.ErrNotFound) {
			c.Engine = Mini
			err = c.startAll(startMini)
		}
		return c, err
	}
	return nil, exit.Failuref("", "engine %q: want auto, redis or miniredis", string(engine))
}

func (c *Cluster) startAll(start func() (Node, error)) error {
	errs := make([]error, len(c.Nodes))
	var starting sync.WaitGroup
	for i := range c.Nodes {
		starting.Go(func() { c.Nodes[i], errs[i] = start() })
	}
	starting.Wait()
	for _, err := range errs {
		if err != nil {
			return errors.Join(fmt.Errorf("dev cluster: %w", err), c.Close())
		}
	}
	return nil
}

func startMini() (Node, error) {
	m, err := StartMini()
	if err != nil {
		return Node{}, err
	}
	return Node{URL: m.URL(), RunID: m.runID, close: func() error { m.Kill(); return nil }}, nil
}

func startRedis() (Node, error) {
	server, err := redisd.Start()
	if err != nil {
		return Node{}, err
	}
	n := Node{URL: "redis://" + server.Addr(), close: server.Close}
	if n.RunID, err = admit(server); err != nil {
		return Node{}, errors.Join(err, server.Close())
	}
	return n, nil
}

// URLs returns the addresses of the nodes, in order.
func (c *Cluster) URLs() []string {
	urls := make([]string, len(c.Nodes))
	for i, n := range c.Nodes {
		urls[i] = n.URL
	}
	return urls
}

// Close ends the nodes, and leaves nothing of them.
func (c *Cluster) Close() error {
	var errs []error
	for _, n := range c.Nodes {
		if n.close != nil {
			errs = append(errs, n.close())
		}
	}
	return errors.Join(errs...)
}
