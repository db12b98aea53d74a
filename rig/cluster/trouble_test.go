package cluster

import (
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redlock-go/redlock/resp"
)

// TestClockOfANodeCanBeSet: its keys end when the clock goes ahead, and live on
// when it goes back; the other nodes see nothing of it.
func TestClockOfANodeCanBeSet(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip(ClocksSupported())
	}
	c := start(t, Options{Nodes: 2, Clocks: true})
	n, other := c.Nodes[0], c.Nodes[1]
	for _, node := range c.Nodes {
		_, err := node.Do("SET", "k", "v", "PX", "20000")
		ok(t, err)
	}
	ok(t, n.SetClock(30*time.Second))
	if off := offset(t, n); off < 29*time.Second || off > 31*time.Second {
		t.Fatalf("set 30 s ahead, the clock is %v off", off)
	}
	has := func(n *Node) bool {
		reply, err := n.Do("EXISTS", "k")
		ok(t, err)
		return reply.Equal(resp.OfInt(1))
	}
	if has(n) || !has(other) {
		t.Fatalf("30 s ahead the key is there: %v; and on the other node: %v", has(n), has(other))
	}
	ok(t, n.RestartEmpty())
	if off := offset(t, n); off < 29*time.Second {
		t.Fatalf("after a restart the clock is %v off", off)
	}
	_, err := n.Do("SET", "k", "v", "PX", "1")
	ok(t, err)
	ok(t, n.SetClock(0))
	if !has(n) {
		t.Fatal("set back 30 s, the key has ended")
	}
}

func offset(t *testing.T, n *Node) time.Duration {
	t.Helper()
	reply, err := n.Do("TIME")
	ok(t, err)
	seconds, err := strconv.ParseInt(reply.Items[0].Text, 10, 64)
	ok(t, err)
	return time.Duration(seconds-time.Now().Unix()) * time.Second
}

// TestFullDisk: what a server does whose disk is full depends on its policy, and
// when there is room again it is as before.
func TestFullDisk(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip(DiskSupported())
	}
	c := start(t, Options{Nodes: 2, Fsync: []string{"everysec", "always"}})
	refuses, ends := c.Nodes[0], c.Nodes[1]
	for _, n := range c.Nodes {
		_, err := n.Do("SET", "k", "v")
		ok(t, err)
		ok(t, n.FillDisk())
		_, _ = n.Do("SET", "lost", "v") // it fails, or the reply comes before the write
	}
	until(t, func() bool {
		reply, err := refuses.Do("SET", "lost", "v")
		return err == nil && strings.HasPrefix(reply.Text, "MISCONF")
	})
	until(t, func() bool { return !ends.Alive() })
	for _, n := range c.Nodes {
		ok(t, n.FreeDisk())
	}
	ok(t, ends.Restart())
	for _, n := range c.Nodes {
		until(t, func() bool {
			reply, err := n.Do("SET", "k2", "v")
			return err == nil && reply.Kind != resp.Error
		})
		if reply, err := n.Do("GET", "k"); err != nil || reply.Text != "v" {
			t.Errorf("after a full disk: %v, %v", reply, err)
		}
	}
}
