package cluster

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/redlock-go/redlock/internal/redisd"
	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/resp"
)

// Node is one redis-server, and the proxy in front of it if there is one. Kill,
// Stop, Freeze, Thaw, Do and the rest are the server's own: see redisd.Server.
type Node struct {
	*redisd.Server
	Index int
	Proxy *Proxy // nil if the cluster has none

	fsync string     // "" if nothing is kept on disk
	clock *wallClock // nil if it cannot be set
}

// Persistent reports whether the node keeps its data on disk, and has it after a
// Restart.
func (n *Node) Persistent() bool { return n.fsync != "" }

// URL is the node's address for clients, through the proxy if there is one.
func (n *Node) URL() string { return "redis://" + n.ClientAddr() }

// ClientAddr is the host and port of URL, which is what adapters name the node.
func (n *Node) ClientAddr() string {
	if n.Proxy != nil {
		return n.Proxy.Addr()
	}
	return n.Addr()
}

// Admit notes on the server that this run of it never granted anything, so that
// clients need not let it sit out a quarantine. It is for who made the node.
func (n *Node) Admit() error {
	info, err := n.Do("INFO", "server")
	if err != nil {
		return err
	}
	_, after, found := strings.Cut(info.Text, "run_id:")
	runID, _, _ := strings.Cut(after, "\r\n")
	if !found || runID == "" {
		return fmt.Errorf("no run_id in its INFO: %v", info)
	}
	for _, cmd := range script.Admit(runID) {
		reply, err := n.Do(cmd...)
		if err == nil && reply.Kind == resp.Error {
			err = errors.New(reply.Text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// RestartEmpty kills the node and starts it again without its data, also if
// it is persistent. Nobody admits it again: it may have granted something.
func (n *Node) RestartEmpty() error {
	n.Kill()
	var errs []error
	for _, name := range []string{"appendonlydir", "dump.rdb"} {
		errs = append(errs, os.RemoveAll(filepath.Join(n.Dir(), name)))
	}
	return errors.Join(append(errs, n.Restart())...)
}

// Keys returns the keys on the server that match the pattern, and are not
// the node's own. It asks the server itself, past the proxy, and gives up after
// within.
func (n *Node) Keys(pattern string, within time.Duration) ([]string, error) {
	replies, err := n.DoAll(within, []string{"KEYS", pattern})
	if err != nil {
		return nil, err
	}
	if replies[0].Kind == resp.Error {
		return nil, errors.New(replies[0].Text)
	}
	var keys []string
	for _, item := range replies[0].Items {
		if item.Text != script.FreshKey {
			keys = append(keys, item.Text)
		}
	}
	return keys, nil
}

// Strings returns the keys on the server that hold strings, as locks do, with
// their values. It asks as Keys does; a key that is gone between the two commands
// that this takes is left out.
func (n *Node) Strings(within time.Duration) (map[string]string, error) {
	values, _, err := n.Expiring(within)
	return values, err
}

// forever is the time to live of a key without an expiry.
const forever = 1000 * time.Hour

// Expiring is Strings with how long each key has still to live, by the server's
// clock when it answered.
func (n *Node) Expiring(within time.Duration) (values map[string]string, left map[string]time.Duration, err error) {
	keys, err := n.Keys("*", within)
	if err != nil || len(keys) == 0 {
		return nil, nil, err
	}
	commands := [][]string{append([]string{"MGET"}, keys...)}
	for _, key := range keys {
		commands = append(commands, []string{"PTTL", key})
	}
	replies, err := n.DoAll(within, commands...)
	if err != nil {
		return nil, nil, err
	}
	if replies[0].Kind == resp.Error {
		return nil, nil, errors.New(replies[0].Text)
	}
	values, left = make(map[string]string), make(map[string]time.Duration)
	for i, item := range replies[0].Items {
		ms := replies[i+1].Int
		if item.Kind != resp.Text || ms == -2 {
			continue // no string, or gone
		}
		values[keys[i]], left[keys[i]] = item.Text, time.Duration(ms)*time.Millisecond
		if ms == -1 {
			left[keys[i]] = forever
		}
	}
	return values, left, nil
}

// Reachable reports whether the node accepts connections: a dead one does not,
// a frozen one does.
func (n *Node) Reachable() bool {
	conn, err := net.DialTimeout("tcp", n.Addr(), time.Second)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

// Close kills the server, removes its files and stops the proxy.
func (n *Node) Close() error {
	if n.Proxy != nil {
		n.Proxy.Close()
	}
	var errs []error
	if n.Server != nil {
		errs = append(errs, n.Server.Close())
	}
	if n.clock != nil {
		errs = append(errs, n.clock.close())
	}
	return errors.Join(errs...)
}
