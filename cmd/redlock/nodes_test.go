//go:build unix

package main

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/redlock-go/redlock/cmd/redlock/internal/devcluster"
	"github.com/redlock-go/redlock/internal/redisd"
	"github.com/redlock-go/redlock/internal/script"
)

// node is a node that a script can do things to.
type node interface {
	URL() string
	Freeze() error
	Thaw() error
	Kill()
	Forget() error
}

// cluster redis|miniredis N: start N nodes and put them into REDLOCK_NODES.
func cmdCluster(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 2, "cluster redis|miniredis N")
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	w := worldOf(ts)
	var urls []string
	for range n {
		var one node
		switch args[0] {
		case "redis":
			server, err := redisd.Start()
			ts.Check(err)
			ts.Defer(func() { ts.Check(server.Close()) })
			admit(ts, server)
			one = realNode{server}
		case "miniredis":
			m, err := devcluster.StartMini()
			ts.Check(err)
			ts.Defer(m.Kill)
			one = miniNode{m}
		default:
			ts.Fatalf("no nodes called %s", args[0])
		}
		w.nodes = append(w.nodes, one)
		urls = append(urls, one.URL())
	}
	ts.Setenv("REDLOCK_NODES", strings.Join(urls, ","))
}

// node kill|freeze|thaw|forget I…: do it to the nodes of these numbers, from 1.
func cmdNode(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) >= 2, "node kill|freeze|thaw|forget I…")
	for _, arg := range args[1:] {
		i, err := strconv.Atoi(arg)
		ts.Check(err)
		n := worldOf(ts).nodes[i-1]
		switch args[0] {
		case "kill":
			n.Kill()
		case "freeze":
			ts.Check(n.Freeze())
		case "thaw":
			ts.Check(n.Thaw())
		case "forget":
			ts.Check(n.Forget())
		default:
			ts.Fatalf("a node cannot %s", args[0])
		}
	}
}

// reserve KEY: all nodes, which must be real ones, keep the key for some waiter, for twenty
// seconds.
func cmdReserve(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 1, "reserve KEY")
	kept := script.ProcessID{1}.Waiter(1, 1).Reservation()
	for _, n := range worldOf(ts).nodes {
		_, err := n.(realNode).Do("SET", args[0], kept, "PX", "20000")
		ts.Check(err)
	}
}

type miniNode struct{ *devcluster.MiniNode }

func (m miniNode) Freeze() error { m.MiniNode.Freeze(); return nil }
func (m miniNode) Thaw() error   { m.MiniNode.Thaw(); return nil }
func (m miniNode) Forget() error { m.MiniNode.Forget(); return nil }

type realNode struct{ *redisd.Server }

func (r realNode) URL() string { return "redis://" + r.Addr() }

func (r realNode) Forget() error {
	_, err := r.Do("FLUSHALL")
	return err
}

// admit vouches for a new server, see script.FreshKey.
func admit(ts *testscript.TestScript, server *redisd.Server) {
	info, err := server.Do("INFO", "server")
	ts.Check(err)
	_, runID, _ := strings.Cut(info.Text, "run_id:")
	runID, _, _ = strings.Cut(runID, "\r")
	_, err = server.Do(script.Admit(runID)[0]...)
	ts.Check(err)
}

// heartbeat FILE: a command that ignores TERM and writes the time, in nanoseconds
// since 1970, into the file again and again, until it is killed.
func heartbeat() {
	// Ignored, not caught, so that its own children would ignore it as well.
	signal.Ignore(syscall.SIGTERM)
	f, err := os.Create(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for {
		if _, err := f.WriteAt(fmt.Appendf(nil, "%d\n", time.Now().UnixNano()), 0); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		time.Sleep(time.Millisecond)
	}
}
