package cluster

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

func start(t *testing.T, o Options) *Cluster {
	t.Helper()
	c, err := Start(o)
	ok(t, err)
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestPersistentNodeKeepsItsDataUntilRestartedEmpty(t *testing.T) {
	n := start(t, Options{Nodes: 1, Persistent: true}).Nodes[0]
	_, err := n.Do("SET", "k", "v")
	ok(t, err)
	n.Kill()
	if n.Reachable() {
		t.Fatal("a killed node accepts connections")
	}
	ok(t, n.Restart())
	keys, err := n.Keys("*", time.Second)
	ok(t, err)
	if len(keys) != 1 || keys[0] != "k" {
		t.Fatalf("after kill and restart: %q", keys)
	}
	ok(t, n.RestartEmpty())
	if keys, err = n.Keys("*", time.Second); err != nil || len(keys) != 0 {
		t.Fatalf("restarted empty: %q, %v", keys, err)
	}
}

func TestFailedStartLeavesNothing(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	if _, err := Start(Options{Nodes: 2, Args: []string{"--no-such-option", "1"}}); err == nil {
		t.Fatal("started")
	}
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	ok(t, err)
	if len(left) != 0 {
		t.Fatalf("left behind: %v", left)
	}
}

func TestProxyFaults(t *testing.T) {
	n := start(t, Options{Nodes: 1, Proxied: true}).Nodes[0]
	const soon, late = 2 * time.Second, 60 * time.Millisecond

	check := func(name string, want bool, err error) {
		t.Helper()
		ok(t, err)
		within := late
		if want {
			within = soon
		}
		if took, err := ping(n, within); (err == nil) != want {
			t.Fatalf("%s: %v after %v", name, err, took)
		}
		ok(t, n.Proxy.Heal())
		if _, err := ping(n, soon); err != nil {
			t.Fatalf("healed after %s: %v", name, err)
		}
	}
	check("nothing", true, nil)
	check("requests held", false, n.Proxy.Hold(Requests))
	check("replies held", false, n.Proxy.Hold(Replies))
	check("silence", false, n.Proxy.Silence())
	check("requests dropped", false, n.Proxy.Drop(Requests))
	check("replies dropped", false, n.Proxy.Drop(Replies))
	check("slow", true, n.Proxy.SlowBytes(Replies, time.Millisecond))

	ok(t, n.Proxy.Latency(Replies, 80*time.Millisecond, 0))
	if took, err := ping(n, soon); err != nil || took < 80*time.Millisecond {
		t.Fatalf("with 80 ms of latency: %v after %v", err, took)
	}
	ok(t, n.Proxy.Latency(Replies, 30*time.Millisecond, 0))
	if took, err := ping(n, soon); err != nil || took < 30*time.Millisecond {
		t.Fatalf("with 30 ms of latency: %v after %v", err, took)
	}
	ok(t, n.Proxy.Heal())

	ok(t, n.Proxy.Reset())
	if _, err := ping(n, soon); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) {
		t.Fatalf("reset: %v", err)
	}
	ok(t, n.Proxy.Heal())

	n.Proxy.Refuse()
	if _, err := ping(n, soon); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Fatalf("refused: %v", err)
	}
	ok(t, n.Proxy.Heal())
	if _, err := ping(n, soon); err != nil {
		t.Fatal(err)
	}
}

// TestOneWay: the request arrives although nothing comes back, and the other way
// round nothing arrives until the partition ends.
func TestOneWay(t *testing.T) {
	n := start(t, Options{Nodes: 1, Proxied: true}).Nodes[0]
	count := func() int {
		keys, err := n.Keys("k*", time.Second)
		ok(t, err)
		return len(keys)
	}
	ok(t, n.Proxy.Hold(Requests))
	first := dial(t, n)
	_, err := first.Write([]byte("SET k1 v\r\n"))
	ok(t, err)

	other := start(t, Options{Nodes: 1, Proxied: true}).Nodes[0]
	ok(t, other.Proxy.Drop(Replies))
	conn := dial(t, other)
	_, err = conn.Write([]byte("SET k v\r\n"))
	ok(t, err)
	until(t, func() bool {
		keys, err := other.Keys("k", time.Second)
		return err == nil && len(keys) == 1
	})
	ok(t, conn.SetReadDeadline(time.Now().Add(20*time.Millisecond)))
	if _, err := conn.Read(make([]byte, 10)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("a reply came through: %v", err)
	}

	if count() != 0 {
		t.Fatal("a held request arrived")
	}
	ok(t, n.Proxy.Heal())
	until(t, func() bool { return count() == 1 })
}

// TestHealDoesNotWaitForWhoHasLeft: what was kept from a client that has gone, or
// does not read, is thrown away, and others are served at once.
func TestHealDoesNotWaitForWhoHasLeft(t *testing.T) {
	n := start(t, Options{Nodes: 1, Proxied: true}).Nodes[0]
	conn := dial(t, n)
	_, err := conn.Write([]byte("ECHO first\r\n"))
	ok(t, err)
	read(t, conn)
	ok(t, n.Proxy.Hold(Replies))
	for i := range 20 {
		_, err := conn.Write([]byte("SET k" + strings.Repeat("k", i) + " v\r\n"))
		ok(t, err)
		// Each reply is a packet of its own.
		until(t, func() bool {
			keys, err := n.Keys("k*", time.Second)
			return err == nil && len(keys) == i+1
		})
	}
	ok(t, conn.Close())
	begin := time.Now()
	ok(t, n.Proxy.Heal())
	if _, err := ping(n, 2*time.Second); err != nil || time.Since(begin) > 2*time.Second {
		t.Fatalf("after %v: %v", time.Since(begin), err)
	}
}

// TestDelayHoldsOneConnectionOnly: as a pooled client needs it to be overtaken.
func TestDelayHoldsOneConnectionOnly(t *testing.T) {
	n := start(t, Options{Nodes: 1, Proxied: true}).Nodes[0]
	ok(t, n.Proxy.Delay(Requests, "SLOW", 100*time.Millisecond, 1))
	slow, quick := dial(t, n), dial(t, n)
	begin := time.Now()
	_, err := slow.Write([]byte("ECHO SLOW\r\n"))
	ok(t, err)
	_, err = quick.Write([]byte("ECHO quick\r\n"))
	ok(t, err)
	read(t, quick)
	if took := time.Since(begin); took >= 100*time.Millisecond {
		t.Fatalf("the other connection waited for %v", took)
	}
	read(t, slow)
	if took := time.Since(begin); took < 100*time.Millisecond {
		t.Fatalf("the packet was held for %v only", took)
	}
	until(t, func() bool { return n.Proxy.Delayed(Requests) == 1 })
	begin = time.Now()
	_, err = slow.Write([]byte("ECHO SLOW\r\n"))
	ok(t, err)
	read(t, slow)
	if took := time.Since(begin); took >= 100*time.Millisecond {
		t.Fatalf("a second packet was held, for %v", took)
	}
}

func dial(t *testing.T, n *Node) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", n.ClientAddr())
	ok(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func read(t *testing.T, conn net.Conn) {
	t.Helper()
	ok(t, conn.SetReadDeadline(time.Now().Add(5*time.Second)))
	if _, err := conn.Read(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
}

// ping asks the node as a client does, on a new connection.
func ping(n *Node, within time.Duration) (time.Duration, error) {
	begin := time.Now()
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(n.URL(), "redis://"), within)
	if err != nil {
		return time.Since(begin), err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(within)); err != nil {
		return 0, err
	}
	if _, err := io.WriteString(conn, "PING\r\n"); err != nil {
		return time.Since(begin), err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && line != "+PONG\r\n" {
		err = errors.New(line)
	}
	return time.Since(begin), err
}

func until(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !done(); {
		if time.Now().After(deadline) {
			t.Fatal("it did not come about")
		}
		time.Sleep(time.Millisecond)
	}
}
