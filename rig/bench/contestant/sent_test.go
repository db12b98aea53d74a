package contestant

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/redlock-go/redlock/rig/cluster"
	"github.com/redlock-go/redlock/rig/peer"
)

// observer is what servers say that clients sent: MONITOR tells what a script calls
// from what clients send. It slows a server down, and so is no way to count while
// something is measured.
type observer struct {
	conns   []net.Conn
	reading sync.WaitGroup
	sent    atomic.Int64
	lines   atomic.Int64
}

func observe(t *testing.T, c *cluster.Cluster) *observer {
	t.Helper()
	o := &observer{}
	for _, n := range c.Nodes {
		conn, err := net.DialTimeout("unix", n.Socket(), 2*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		o.conns = append(o.conns, conn)
		if _, err := conn.Write([]byte("MONITOR\r\n")); err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReaderSize(conn, 1<<16)
		if line, err := in.ReadString('\n'); err != nil || line != "+OK\r\n" {
			t.Fatalf("MONITOR: %q: %v", line, err)
		}
		o.reading.Go(func() {
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				o.lines.Add(1)
				o.sent.Add(topLevel(line))
			}
		})
	}
	t.Cleanup(func() {
		for _, conn := range o.conns {
			_ = conn.Close()
		}
		o.reading.Wait()
	})
	return o
}

// topLevel is 1 for a line that tells of a command which a client sent and which is
// to be counted: `+1339518083.107412 [0 127.0.0.1:60866] "GET" "k"`, and not
// `[0 lua] "get" …`.
func topLevel(line string) int64 {
	_, rest, _ := strings.Cut(line, " [")
	from, command, found := strings.Cut(rest, "] \"")
	name, _, _ := strings.Cut(command, "\"")
	if !found || strings.HasSuffix(from, " lua") || upkeep(name) {
		return 0
	}
	return 1
}

// settled is what clients have sent, once nothing more comes.
func (o *observer) settled(t *testing.T) int64 {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for quiet, last := 0, o.lines.Load(); quiet < 10; {
		time.Sleep(10 * time.Millisecond)
		now := o.lines.Load()
		if quiet++; now != last {
			quiet, last = 0, now
		}
		if time.Now().After(deadline) {
			t.Fatal("the servers do not come to rest")
		}
	}
	return o.sent.Load()
}

func start(t *testing.T, nodes int) *cluster.Cluster {
	t.Helper()
	c, err := cluster.Start(cluster.Options{Nodes: nodes})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// branching calls as many commands as it is told to: taking a constant off for each
// call of a script would be wrong.
const branching = `for i = 1, tonumber(ARGV[1]) do redis.call('GET', KEYS[1]) end return 0`

// TestSentIsWhatClientsSend: not what scripts call.
func TestSentIsWhatClientsSend(t *testing.T) {
	c := start(t, 1)
	o := observe(t, c)
	sent := new(Sent)
	ctx := t.Context()
	g := peer.Goredis(c.URLs()[0], sent.watch)
	defer g.Close()
	r, err := rueidis.NewClient(peer.Rueidis(c.URLs()[0], sent.watch))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := g.Set(ctx, "k", strings.Repeat("v\r\n*9\r\n$3\r\n", 10_000), 0).Err(); err != nil {
		t.Fatal(err)
	}
	arrived, before := o.settled(t), sent.Load()
	if arrived != before {
		t.Fatalf("after one SET %d commands are counted, and %d arrived", before, arrived)
	}
	const each = 50
	for range each {
		if err := g.Eval(ctx, branching, []string{"k"}, rand.IntN(20)).Err(); err != nil {
			t.Fatal(err)
		}
		pipe := g.Pipeline()
		pipe.Set(ctx, "other", "", 0)
		pipe.Get(ctx, "other")
		pipe.Ping(ctx) // is not counted
		if _, err := pipe.Exec(ctx); err != nil {
			t.Fatal(err)
		}
		for _, result := range r.DoMulti(ctx,
			r.B().Eval().Script(branching).Numkeys(1).Key("k").Arg(fmt.Sprint(rand.IntN(20))).Build(),
			r.B().Get().Key("other").Build()) {
			if err := result.Error(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := sent.Load() - before; n != 5*each {
		t.Errorf("%d commands are counted, and %d were sent", n, 5*each)
	}
	if n := o.settled(t) - arrived; n != 5*each {
		t.Errorf("the servers say that %d commands were sent, not %d", n, 5*each)
	}
}

// TestSentOfEachContestant: what is counted is what arrives, whatever the library,
// alone and in a crowd, where scripts branch this way and that.
func TestSentOfEachContestant(t *testing.T) {
	three, one := start(t, 3), start(t, 1)
	for _, contestant := range All() {
		if contestant.Etcd {
			continue
		}
		t.Run(contestant.Name, func(t *testing.T) {
			c := three
			if contestant.Nodes == 1 {
				c = one
			}
			sent := new(Sent)
			l, err := contestant.Open(Setup{URLs: c.URLs(), TTL: 10 * time.Second, Sent: sent})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			together := func(int) string { return contestant.Name }
			apart := func(i int) string { return fmt.Sprint(contestant.Name, i) }
			cycles(t, l, apart, 1) // till all nodes have been asked who they are
			o := observe(t, c)
			arrived, before := o.settled(t), sent.Load()
			cycles(t, l, together, 5)
			cycles(t, l, apart, 50)
			arrived = o.settled(t) - arrived
			if counted := sent.Load() - before; arrived == 0 || counted != arrived {
				t.Errorf("%d commands are counted, and %d arrived", counted, arrived)
			}
		})
	}
}

// cycles has goroutines take locks and give them back, for a few seconds at the most:
// what was sent counts, and not what came of it.
func cycles(t *testing.T, l Locker, lock func(i int) string, each int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	var working sync.WaitGroup
	for i := range 6 {
		working.Go(func() {
			for range each {
				lease, err := l.Acquire(ctx, lock(i))
				if err == nil {
					err = lease.Release(ctx)
				}
				if err != nil {
					t.Logf("on a busy machine a call may fail: %v", err)
				}
				if ctx.Err() != nil {
					return
				}
			}
		})
	}
	working.Wait()
}

func TestScanner(t *testing.T) {
	const stream = "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n" + "*1\r\n$4\r\nPING\r\n" + "*3\r\n$3\r\nSET\r\n$0\r\n\r\n$12\r\n*2\r\n$1\r\n*2\r\n\r\n" + "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"
	for piece := 1; piece <= len(stream); piece++ {
		var s scanner
		n := 0
		for at := 0; at < len(stream); at += piece {
			n += s.feed([]byte(stream[at:min(at+piece, len(stream))]))
		}
		if n != 3 || len(s.line) != 0 || s.skip != 0 {
			t.Fatalf("in pieces of %d: %d commands, want 3", piece, n)
		}
	}
}

// BenchmarkScanner is what the counting adds to a SET.
func BenchmarkScanner(b *testing.B) {
	command := []byte("*6\r\n$3\r\nSET\r\n$8\r\nS1/5/100\r\n$16\r\n0123456789abcdef\r\n$2\r\nNX\r\n$2\r\nPX\r\n$5\r\n10000\r\n")
	var s scanner
	for b.Loop() {
		if s.feed(command) != 1 {
			b.Fatal("lost count")
		}
	}
}
