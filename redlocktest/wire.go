package redlocktest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/resp"
)

// WireConformance tests an implementation of [redlock.Node] that speaks to a
// server over a network against a server of its own, which shows what no Redis
// shows at will: that a batch goes out once, whole and on one connection, and what
// happens when the server hangs, goes away in the middle of a reply, comes back,
// or talks nonsense.
//
// What a node may lack is [redlock.Epocher] and [redlock.Subscriber]; what it has
// is tested.
//
// open returns a new node for the server at addr, "host:port". It must not need
// the server to be there. The suite closes the nodes.
func WireConformance(t *testing.T, open func(t *testing.T, addr string) redlock.Node) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, *wireServer, redlock.Node)
	}{
		{"Replies", wireReplies},
		{"OneConnection", wireOneConnection},
		{"CutIsNotRepeated", wireCut},
		{"RefusalIsNotRepeated", wireRefusal},
		{"EndOfContext", wireEndOfContext},
		{"LateReply", wireLateReply},
		{"CloseWhileHanging", wireCloseWhileHanging},
		{"ServerComesLate", wireServerComesLate},
		{"Epoch", wireEpoch},
		{"Nonsense", wireNonsense},
		{"Subscribe", wireSubscribe},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := newWireServer(t)
			node := open(t, server.addr)
			t.Cleanup(func() {
				if err := node.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			})
			c.run(t, server, node)
		})
	}
}

func say(id, raw string) resp.Command { return resp.Command{"WIRE", "SAY", id, raw} }
func hang(id string) resp.Command     { return resp.Command{"WIRE", "HANG", id} }
func cut(id string) resp.Command      { return resp.Command{"WIRE", "CUT", id} }

// wireDo executes a batch within a generous time.
func wireDo(t *testing.T, node redlock.Node, batch ...resp.Command) ([]resp.Reply, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	return node.Do(ctx, batch)
}

// mustWork wants the node in order, within a moment: after a connection was
// lost, the next call or two may still find that out.
func mustWork(t *testing.T, node redlock.Node) {
	t.Helper()
	var replies []resp.Reply
	var err error
	for deadline := time.Now().Add(soon); time.Now().Before(deadline); {
		replies, err = wireDo(t, node, say("probe", ":42\r\n"))
		if err == nil {
			if len(replies) != 1 || !replies[0].Equal(resp.OfInt(42)) {
				t.Fatalf("the reply to another batch: %v", replies)
			}
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("the node does not work again within %v: %v, %v", soon, replies, err)
}

func wireReplies(t *testing.T, _ *wireServer, node redlock.Node) {
	cases := []struct {
		raw  string
		want resp.Reply
	}{
		{":0\r\n", resp.OfInt(0)},
		{":-9007199254740993\r\n", resp.OfInt(-9007199254740993)},
		{"+OK\r\n", resp.OfText("OK")},
		{"+\r\n", resp.OfText("")},
		{"$0\r\n\r\n", resp.OfText("")},
		{"$6\r\na\r\n\x00b\xff\r\n", resp.OfText("a\r\n\x00b\xff")},
		{"$-1\r\n", resp.Reply{}},
		{"*-1\r\n", resp.Reply{}},
		{"*0\r\n", resp.OfArray()},
		{"-NOPERM this user has no permissions\r\n", resp.OfError("NOPERM this user has no permissions")},
		{"-ERR the text begins with its code\r\n", resp.OfError("ERR the text begins with its code")},
		{"-MOVED 3999 127.0.0.1:6381\r\n", resp.OfError("MOVED 3999 127.0.0.1:6381")},
		{"*4\r\n:1\r\n$-1\r\n$1\r\nx\r\n*2\r\n*0\r\n*1\r\n$0\r\n\r\n", resp.OfArray(
			resp.OfInt(1), resp.Reply{}, resp.OfText("x"), resp.OfArray(resp.OfArray(), resp.OfArray(resp.OfText(""))),
		)},
		{"*2\r\n-WRONGTYPE in an array\r\n:2\r\n", resp.OfArray(resp.OfError("WRONGTYPE in an array"), resp.OfInt(2))},
	}
	var batch []resp.Command
	for _, c := range cases {
		replies, err := wireDo(t, node, say("alone", c.raw))
		if err != nil || len(replies) != 1 || !replies[0].Equal(c.want) {
			t.Errorf("%q became %v, %v; want %v", c.raw, replies, err, c.want)
		}
		batch = append(batch, say("together", c.raw))
	}
	replies, err := wireDo(t, node, batch...)
	if err != nil || len(replies) != len(cases) {
		t.Fatalf("all in one batch: %v, %v", replies, err)
	}
	for i, c := range cases {
		if !replies[i].Equal(c.want) {
			t.Errorf("in a batch, %q became %v; want %v", c.raw, replies[i], c.want)
		}
	}
}

func wireOneConnection(t *testing.T, server *wireServer, node redlock.Node) {
	const workers, rounds, size = 20, 20, 5
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for r := range rounds {
				batch := make([]resp.Command, size)
				for i := range batch {
					batch[i] = say(fmt.Sprintf("%d/%d/%d", w, r, i), ":"+strconv.Itoa(w*rounds+r)+"\r\n")
				}
				replies, err := wireDo(t, node, batch...)
				if err != nil || len(replies) != size {
					t.Errorf("Do: %v, %v", replies, err)
					return
				}
				for _, reply := range replies {
					if !reply.Equal(resp.OfInt(int64(w*rounds + r))) {
						t.Errorf("the reply to another batch: %v", reply)
					}
				}
			}
		})
	}
	wg.Wait()

	streams := map[int][]string{}
	for _, e := range server.entries() {
		streams[e.conn] = append(streams[e.conn], e.id)
	}
	batches := 0
	for conn, ids := range streams {
		for len(ids) > 0 {
			name, first := ids[0][:strings.LastIndex(ids[0], "/")], min(size, len(ids))
			for i, id := range ids[:first] {
				if want := name + "/" + strconv.Itoa(i); id != want || first < size {
					t.Fatalf("connection %d: the command %s where %s was due: a batch is not in order, or not on one connection", conn, id, want)
				}
			}
			ids = ids[first:]
			batches++
		}
	}
	if batches != workers*rounds {
		t.Errorf("%d batches arrived of %d", batches, workers*rounds)
	}
}

func wireCut(t *testing.T, server *wireServer, node redlock.Node) {
	mustWork(t, node) // so that there is a connection that seems good
	for name, batch := range map[string][]resp.Command{
		"before":  {say("before", ":1\r\n"), cut("-"), say("-", ":1\r\n")},
		"at once": {cut("at once")},
		"half":    {say("half", "$10\r\nhalf"), cut("-")},
	} {
		replies, err := wireDo(t, node, batch...)
		if err == nil {
			t.Errorf("%s: the connection was cut, and Do says %v", name, replies)
		}
		mustWork(t, node)
		if n := server.seen(name); n != 1 {
			t.Errorf("%s: the batch was sent %d times", name, n)
		}
	}
}

func wireRefusal(t *testing.T, server *wireServer, node redlock.Node) {
	for _, text := range []string{
		"LOADING Redis is loading the dataset in memory", "READONLY You can't write against a read only replica.",
		"MASTERDOWN Link with MASTER is down", "CLUSTERDOWN The cluster is down", "TRYAGAIN Multiple keys request",
		"ERR max number of clients reached", "BUSY Redis is busy running a script", "ASK 1 127.0.0.1:1", "NOAUTH Authentication required.",
	} {
		replies, err := wireDo(t, node, say(text, "-"+text+"\r\n"), say("-", "-"+text+"\r\n"))
		if err != nil || !replies[0].Equal(resp.OfError(text)) || !replies[1].Equal(resp.OfError(text)) {
			t.Errorf("%s: %v, %v; want it as a reply", text, replies, err)
		}
		if n := server.seen(text); n != 1 {
			t.Errorf("%s: the batch was sent %d times", text, n)
		}
	}
}

func wireEndOfContext(t *testing.T, server *wireServer, node redlock.Node) {
	mustWork(t, node)
	deadline := func(ctx context.Context) (context.Context, context.CancelFunc) {
		return context.WithTimeout(ctx, 50*time.Millisecond)
	}
	for name, with := range map[string]func(context.Context) (context.Context, context.CancelFunc){
		"deadline": deadline,
		"cancel": func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(50*time.Millisecond, cancel)
			return ctx, cancel
		},
		"cancel long before the deadline": func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithTimeout(ctx, time.Hour)
			time.AfterFunc(50*time.Millisecond, cancel)
			return ctx, cancel
		},
	} {
		t.Run(name, func(t *testing.T) {
			batch := []resp.Command{hang(name), say("-", ":2\r\n")}
			ctx, cancel := with(t.Context())
			defer cancel()
			begin := time.Now()
			replies, err := node.Do(ctx, batch)
			took := time.Since(begin)
			// The batch is the caller's again. Under the race detector this tells
			// whether the node still reads it.
			batch[0], batch[1] = nil, nil
			if err == nil {
				t.Errorf("the server hangs, and Do says %v", replies)
			}
			if took > 2*time.Second {
				t.Errorf("Do returned %v after its context was done", took-50*time.Millisecond)
			}
			server.resume()
			mustWork(t, node)
			if n := server.seen(name); n != 1 {
				t.Errorf("the batch was sent %d times", n)
			}
		})
	}
}

// wireLateReply gives a batch up and looks whether the next one on the same
// connection, if it is the same, gets its own replies.
func wireLateReply(t *testing.T, server *wireServer, node redlock.Node) {
	for i := range 10 {
		id := "late" + strconv.Itoa(i)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			_, err := node.Do(ctx, []resp.Command{hang(id)})
			ended <- err
		}()
		server.awaitSeen(id)
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Do: %v", err)
		}
		next := make(chan struct{})
		go func() {
			defer close(next)
			mustWorkOnce(t, node)
		}()
		server.resume()
		await(t, "the next batch", func() { <-next })
	}
}

func mustWorkOnce(t *testing.T, node redlock.Node) {
	replies, err := wireDo(t, node, say("next", ":42\r\n"))
	if err != nil || len(replies) != 1 || !replies[0].Equal(resp.OfInt(42)) {
		t.Errorf("the batch after one that was given up: %v, %v", replies, err)
	}
}

func wireCloseWhileHanging(t *testing.T, server *wireServer, node redlock.Node) {
	var wg sync.WaitGroup
	for i := range 5 {
		wg.Go(func() {
			if replies, err := node.Do(t.Context(), []resp.Command{hang(strconv.Itoa(i))}); err == nil {
				t.Errorf("the node was closed, and Do says %v", replies)
			}
		})
	}
	for i := range 5 {
		server.awaitSeen(strconv.Itoa(i))
	}
	await(t, "Close while the server hangs", func() {
		if err := node.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	await(t, "the calls of Do to end after Close", wg.Wait)
}

func wireServerComesLate(t *testing.T, server *wireServer, node redlock.Node) {
	server.stop()
	for range 50 {
		if replies, err := wireDo(t, node, say("-", ":1\r\n")); err == nil {
			t.Fatalf("no server is there, and Do says %v", replies)
		}
	}
	server.start()
	// A call finds it at once: a node that is back has no time to lose.
	begin := time.Now()
	mustWork(t, node)
	if took := time.Since(begin); took > time.Second {
		t.Errorf("it took %v until the node worked again", took)
	}
}

// wireEpoch wants the epoch to rise with each new connection, and before the
// first command leaves on it.
func wireEpoch(t *testing.T, server *wireServer, node redlock.Node) {
	n, ok := node.(redlock.Epocher)
	if !ok {
		t.Log("no Epocher: a server that restarts without its data is not noticed")
		return
	}
	if e := n.Epoch(); e != 0 {
		t.Errorf("the epoch is %d before the first connection", e)
	}
	// at is the epoch, and the server's number of the connection in use.
	at := func() (epoch uint64, conn int) {
		mustWork(t, node)
		entries := server.entries()
		return n.Epoch(), entries[len(entries)-1].conn
	}
	epoch, conn := at()
	for range 5 {
		again, same := at()
		if (again == epoch) != (same == conn) {
			t.Errorf("the epoch went from %d to %d, from the server's connection %d to %d", epoch, again, conn, same)
		}
		_, _ = wireDo(t, node, cut("-"))
		next, another := at()
		if next <= again {
			t.Errorf("the epoch is %d, and was %d before the connection was lost", next, again)
		}
		epoch, conn = next, another
	}
	if epoch < uint64(conn) {
		t.Errorf("the epoch is %d after %d connections", epoch, conn)
	}
}

func wireNonsense(t *testing.T, server *wireServer, node redlock.Node) {
	for name, raw := range map[string]string{
		"web server":      "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
		"huge string":     "$9999999999999\r\n",
		"negative string": "$-7\r\n",
		"huge array":      "*9999999999999\r\n",
		"negative array":  "*-7\r\n",
		"no number":       ":one\r\n",
		"empty line":      "\r\n",
	} {
		replies, err := wireDo(t, node, say(name, raw), say("-", ":1\r\n"))
		if err == nil {
			t.Errorf("%s: Do says %v", name, replies)
		}
		mustWork(t, node)
		if n := server.seen(name); n != 1 {
			t.Errorf("%s: the batch was sent %d times", name, n)
		}
	}
	// Replies that nobody asked for come after the one that was due. They must
	// neither be taken for the reply to the next batch nor do harm.
	_, _ = wireDo(t, node, say("too many", ":1\r\n:2\r\n:3\r\n"))
	mustWork(t, node)
}
