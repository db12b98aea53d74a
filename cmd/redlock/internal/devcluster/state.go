package devcluster

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// State is what a running cluster writes down for others to find it.
type State struct {
	Pid    int         `json:"pid"`
	Engine Engine      `json:"engine"`
	Nodes  []NodeState `json:"nodes"`
}

// NodeState is one node of it.
type NodeState struct {
	URL   string `json:"url"`
	RunID string `json:"run_id"`
}

// URLs returns the addresses of the nodes, in order.
func (s State) URLs() []string {
	urls := make([]string, len(s.Nodes))
	for i, n := range s.Nodes {
		urls[i] = n.URL
	}
	return urls
}

// answerWithin is how long a node may take to say who it is.
const answerWithin = 500 * time.Millisecond

// stateFile is the user's own file, in a folder that is theirs alone to write.
func stateFile() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "redlock", "dev.json"), nil
}

// Find returns the cluster that runs on this machine for this user. ok is false
// if there is none, or no majority of its nodes answers as who they are.
func Find() (s State, ok bool) {
	name, err := stateFile()
	if err != nil {
		return State{}, false
	}
	text, err := os.ReadFile(name)
	if err != nil || json.Unmarshal(text, &s) != nil {
		return State{}, false
	}
	var asking sync.WaitGroup
	is := make([]bool, len(s.Nodes))
	for i, n := range s.Nodes {
		asking.Go(func() { is[i] = n.RunID != "" && whois(n.URL) == n.RunID })
	}
	asking.Wait()
	alive := 0
	for _, yes := range is {
		if yes {
			alive++
		}
	}
	return s, alive > len(s.Nodes)/2
}

// Register writes down the cluster for Find, and returns the function that
// removes that again.
func (c *Cluster) Register() (remove func() error, err error) {
	name, err := stateFile()
	if err != nil {
		return nil, err
	}
	s := State{Pid: os.Getpid(), Engine: c.Engine}
	for _, n := range c.Nodes {
		s.Nodes = append(s.Nodes, NodeState{URL: n.URL, RunID: n.RunID})
	}
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return nil, err
	}
	temp := fmt.Sprintf("%s.%d", name, s.Pid)
	if err := os.WriteFile(temp, text, 0o600); err != nil {
		return nil, err
	}
	if err := os.Rename(temp, name); err != nil {
		return nil, errors.Join(err, os.Remove(temp))
	}
	return func() error {
		if now, err := os.ReadFile(name); err != nil || string(now) != string(text) {
			return nil // another has taken our place
		}
		return os.Remove(name)
	}, nil
}

// whois asks the server who it is, and returns its run_id, "" if it does not
// say. It speaks to the nodes of a dev cluster only: no password, no TLS.
func whois(url string) string {
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(url, "redis://"), answerWithin)
	if err != nil {
		return ""
	}
	defer func() { _ = conn.Close() }()
	if conn.SetDeadline(time.Now().Add(answerWithin)) != nil {
		return ""
	}
	if _, err := io.WriteString(conn, "*2\r\n$4\r\nINFO\r\n$6\r\nserver\r\n"); err != nil {
		return ""
	}
	in := bufio.NewReader(conn)
	head, err := in.ReadString('\n')
	if err != nil || head[0] != '$' {
		return ""
	}
	size, err := strconv.Atoi(strings.TrimSpace(head[1:]))
	if err != nil || size < 0 || size > 1<<20 {
		return ""
	}
	info := make([]byte, size)
	if _, err := io.ReadFull(in, info); err != nil {
		return ""
	}
	runID, _ := findRunID(string(info))
	return runID
}
