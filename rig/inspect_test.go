package rig

import (
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redlock-go/redlock/rig/cluster"
)

// calls reads from INFO commandstats how often the server has executed a command.
func calls(stats, command string) int {
	_, after, found := strings.Cut(stats, "cmdstat_"+command+":calls=")
	if !found {
		return 0
	}
	digits, _, _ := strings.Cut(after, ",")
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return n
}

// through asks the node for a sign of life, through its proxy.
func through(n *cluster.Node) error {
	conn, err := net.DialTimeout("tcp", n.ClientAddr(), 5*time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return err
	}
	_, err = conn.Read(make([]byte, 16))
	return err
}

// remaining is for how long the key stays on the node if nobody removes it.
func remaining(t testing.TB, n *cluster.Node, key string) time.Duration {
	t.Helper()
	reply, err := n.Do("PTTL", key)
	ok(t, err)
	return time.Duration(max(reply.Int, 0)) * time.Millisecond
}
