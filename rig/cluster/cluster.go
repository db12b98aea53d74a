// Package cluster runs a number of independent redis-servers on this machine,
// each behind a proxy if that is wanted, for tests and for programs.
//
// Whatever happens to the process, its servers die with it (on Linux), and
// Close leaves neither processes nor files behind.
package cluster

import (
	"errors"
	"fmt"
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
	args := o.Args
	if o.Persistent {
		args = append([]string{"--appendonly", "yes", "--appendfsync", "always"}, args...)
	}
	c := &Cluster{Nodes: make([]*Node, o.Nodes)}
	errs := make([]error, o.Nodes)
	var starting sync.WaitGroup
	for i := range c.Nodes {
		starting.Go(func() { c.Nodes[i], errs[i] = startNode(i, o, args) })
	}
	starting.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func startNode(index int, o Options, args []string) (*Node, error) {
	d, err := redisd.Start(args...)
	if err != nil {
		return nil, fmt.Errorf("cluster: node %d: %w", index, err)
	}
	n := &Node{Index: index, Server: d}
	if !o.Strangers {
		err = n.Admit()
	}
	if err == nil && o.Proxied {
		n.Proxy, err = StartProxy(fmt.Sprintf("node%d", index), d.Addr())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cluster: node %d: %w", index, err), d.Close())
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
