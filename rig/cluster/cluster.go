// Package cluster runs a number of independent redis-servers on this machine,
// each behind a proxy if that is wanted, for tests and for programs.
//
// Whatever happens to the process, its servers die with it (on Linux), and
// Close leaves neither processes nor files behind.
package cluster

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/redlock-go/redlock/internal/redisd"
)

// Options say what a cluster is like. The zero value is one of five nodes that
// keep nothing on disk, without proxies, and admitted as new.
type Options struct {
	// Nodes is their number, 5 if it is 0.
	Nodes int

	// Persistent nodes write each command to disk before they answer
	// (appendfsync always), so that they have their data after a kill.
	Persistent bool

	// Fsync is each node's own appendfsync policy, in place of Persistent: "" keeps
	// nothing on disk.
	Fsync []string

	// Clocks lets Node.SetClock set the wall clock of each node, by libfaketime.
	// Not every system has it: see ClocksSupported.
	Clocks bool

	// Proxied puts a proxy in front of each node: URL is then the proxy's.
	Proxied bool

	// Strangers are nodes of which nobody vouches that they never granted
	// anything: clients let them vote only when their quarantine is over.
	Strangers bool

	// Args are more arguments for each redis-server.
	Args []string
}

// Cluster is a number of nodes. Its methods may be called from any goroutine.
type Cluster struct {
	Nodes []*Node
}

// Start starts a cluster and returns when all its nodes answer. After an error
// nothing is left.
func Start(o Options) (*Cluster, error) {
	if o.Nodes == 0 {
		o.Nodes = 5
	}
	if o.Persistent {
		o.Fsync = slices.Repeat([]string{"always"}, o.Nodes)
	}
	c := &Cluster{Nodes: make([]*Node, o.Nodes)}
	errs := make([]error, o.Nodes)
	var starting sync.WaitGroup
	for i := range c.Nodes {
		starting.Go(func() { c.Nodes[i], errs[i] = startNode(i, o) })
	}
	starting.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func startNode(index int, o Options) (_ *Node, err error) {
	n := &Node{Index: index}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("cluster: node %d: %w", index, err), n.Close())
		}
	}()
	args := o.Args
	if index < len(o.Fsync) && o.Fsync[index] != "" {
		n.fsync = o.Fsync[index]
		args = append([]string{"--appendonly", "yes", "--appendfsync", n.fsync}, args...)
		outliveFullDisk()
	}
	var env []string
	if o.Clocks {
		if n.clock, err = newWallClock(); err != nil {
			return nil, err
		}
		env = n.clock.env
	}
	if n.Server, err = redisd.StartWith(env, args...); err != nil {
		return nil, err
	}
	if !o.Strangers {
		if err = n.Admit(); err != nil {
			return nil, err
		}
	}
	if o.Proxied {
		if n.Proxy, err = StartProxy(fmt.Sprintf("node%d", index), n.Addr()); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// URLs returns the addresses of all nodes for clients, in order.
func (c *Cluster) URLs() []string {
	urls := make([]string, len(c.Nodes))
	for i, n := range c.Nodes {
		urls[i] = n.URL()
	}
	return urls
}

// Close kills all nodes, frozen ones too, and removes what they left on disk.
func (c *Cluster) Close() error {
	var errs []error
	for _, n := range c.Nodes {
		if n != nil {
			errs = append(errs, n.Close())
		}
	}
	return errors.Join(errs...)
}
