package rig

import (
	"bufio"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redlock-go/redlock/rig/cluster"
)

// listener counts what clients send to a node, by MONITOR: the calls that scripts make
// are not counted, and neither is what comes over the Unix socket, as we ask ourselves.
type listener struct {
	node *cluster.Node
	out  []string // addresses of clients that are left out
	mu   sync.Mutex
	said []string
}

// listenTo listens until the end of the test.
func listenTo(t testing.TB, n *cluster.Node) *listener {
	t.Helper()
	conn, err := net.Dial("unix", n.Socket())
	ok(t, err)
	l := &listener{node: n}
	in := bufio.NewReader(conn)
	_, err = conn.Write([]byte("MONITOR\r\n"))
	ok(t, err)
	_, err = in.ReadString('\n') // +OK
	ok(t, err)
	over := make(chan struct{})
	go func() {
		defer close(over)
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			l.mu.Lock()
			l.said = append(l.said, line)
			l.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-over
	})
	return l
}

// leaveOut does not count what those clients send who are subscribed now, as many as it waits for.
func (l *listener) leaveOut(t testing.TB, many int) {
	t.Helper()
	until(t, soon, "clients are subscribed", func() bool {
		list, err := l.node.Do("CLIENT", "LIST", "TYPE", "pubsub")
		ok(t, err)
		l.out = nil
		for _, word := range strings.Fields(list.Text) {
			if addr, ok := strings.CutPrefix(word, "addr="); ok {
				l.out = append(l.out, addr)
			}
		}
		return len(l.out) == many
	})
}

// take returns what clients have sent since the last time.
func (l *listener) take(t testing.TB) (sent []string) {
	t.Helper()
	// What was sent before this is told before it.
	mark := "mark " + time.Now().String()
	_, err := l.node.Do("ECHO", mark)
	ok(t, err)
	var said []string
	until(t, 10*time.Second, "the node tells what it was sent", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		at := slices.IndexFunc(l.said, func(line string) bool { return strings.Contains(line, mark) })
		if at >= 0 {
			said, l.said = l.said[:at], slices.Clone(l.said[at+1:])
		}
		return at >= 0
	})
	for _, line := range said { // +1700000000.123456 [0 127.0.0.1:50000] "SET" …
		_, rest, _ := strings.Cut(line, "[")
		from, command, _ := strings.Cut(rest, "] ")
		_, addr, _ := strings.Cut(from, " ")
		if !strings.HasSuffix(from, " lua") && !strings.Contains(from, "unix:") && !slices.Contains(l.out, addr) {
			sent = append(sent, strings.TrimSpace(command))
		}
	}
	return sent
}

// TestListenerCountsNoCallsOfScripts, however many they are.
func TestListenerCountsNoCallsOfScripts(t *testing.T) {
	c := startCluster(t, cluster.Options{Nodes: 1})
	l := listenTo(t, c.Nodes[0])
	conn, err := net.Dial("tcp", c.Nodes[0].Addr())
	ok(t, err)
	defer conn.Close()
	in := bufio.NewReader(conn)
	for _, script := range []string{"return 0", "if redis.call('EXISTS', 'k') == 0 then for i = 1, 10 do redis.call('SET', 'k', i) end end return 1"} {
		_, err = conn.Write([]byte("EVAL \"" + script + "\" 0\r\nPING\r\n"))
		ok(t, err)
		for range 2 {
			_, err = in.ReadString('\n')
			ok(t, err)
		}
		if sent := l.take(t); len(sent) != 2 || !strings.HasPrefix(sent[1], `"PING"`) {
			t.Errorf("an EVAL and a PING count as %q", sent)
		}
	}
}
