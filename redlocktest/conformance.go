package redlocktest

import (
	"context"
	"crypto/rand"
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

// soon is how long what must happen soon may take on a loaded machine.
const soon = 5 * time.Second

// Conformance tests an implementation of [redlock.Node] against what the
// interface promises: the mapping of every kind of reply, order, concurrency,
// the end of a context, Close, and a lock's whole cycle. If the node is a
// [redlock.Subscriber], that is tested too.
//
// open returns a node that is ready for use, a new one at each call, all of them
// to one and the same server: a real one, which may be in use, as all keys begin
// with "redlock:" and a random part, or one in memory. The suite closes the
// nodes. [WireConformance] is the other half, for those that speak to a server
// over a network.
func Conformance(t *testing.T, open func(t *testing.T) redlock.Node) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, *fixture)
	}{
		{"Name", conformName},
		{"Replies", conformReplies},
		{"ErrorReplies", conformErrorReplies},
		{"Scripts", conformScripts},
		{"Order", conformOrder},
		{"LargeBatch", conformLargeBatch},
		{"Concurrency", conformConcurrency},
		{"DoneContext", conformDoneContext},
		{"Close", conformClose},
		{"CloseUnderWay", conformCloseUnderWay},
		{"Lock", conformLock},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, newFixture(t, open)) })
	}
	t.Run("Subscribe", func(t *testing.T) { conformSubscribe(t, open) })
}

// fixture is a node under test, and a name space on its server.
type fixture struct {
	t      *testing.T
	open   func(*testing.T) redlock.Node
	node   redlock.Node
	prefix string
}

func newFixture(t *testing.T, open func(*testing.T) redlock.Node) *fixture {
	t.Helper()
	f := &fixture{t: t, open: open, node: open(t), prefix: "redlock:conformance:" + rand.Text() + ":"}
	t.Cleanup(func() {
		if err := f.node.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return f
}

func (f *fixture) key(name string) string { return f.prefix + name }

// do executes the commands as one batch.
func (f *fixture) do(commands ...resp.Command) []resp.Reply {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), soon)
	defer cancel()
	replies, err := f.node.Do(ctx, commands)
	if err != nil {
		f.t.Fatalf("Do of a batch of %d, beginning with %.200q: %v", len(commands), commands[0], err)
	}
	if len(replies) != len(commands) {
		f.t.Fatalf("%d replies to a batch of %d commands", len(replies), len(commands))
	}
	return replies
}

func (f *fixture) want(got, want resp.Reply) {
	f.t.Helper()
	if !got.Equal(want) {
		f.t.Errorf("got %v, want %v", got, want)
	}
}

func conformName(t *testing.T, f *fixture) {
	name := f.node.Name()
	if name == "" {
		t.Fatal("Name is empty")
	}
	for _, bad := range []string{"@", "://", "?", " "} {
		if strings.Contains(name, bad) {
			t.Errorf("Name is %q: it is to be an address, without user, password or query", name)
		}
	}
	if again := f.node.Name(); again != name {
		t.Errorf("Name was %q, and is %q", name, again)
	}
}

func conformReplies(_ *testing.T, f *fixture) {
	key := f.key("k")
	binary := "\x00\xff\r\n$5\r\n\xf0\x9f\x94\x92"
	large := strings.Repeat("x", 200_000)
	replies := f.do(
		resp.Command{"GET", key},
		resp.Command{"SET", key, binary, "NX", "GET", "PX", "60000"},
		resp.Command{"SET", key, "other", "NX", "GET", "PX", "60000"},
		resp.Command{"SET", key, ""},
		resp.Command{"GET", key},
		resp.Command{"PTTL", key},
		resp.Command{"SET", key, large},
		resp.Command{"GET", key},
		resp.Command{"DEL", key},
		resp.Command{"PTTL", key},
		resp.Command{"ZADD", key, "GT", "CH", "1785000000000001", "t"},
		resp.Command{"ZSCORE", key, "t"},
		resp.Command{"ZSCORE", key, "u"},
		resp.Command{"PEXPIRE", key, "60000"},
		resp.Command{"DEL", key},
		resp.Command{"TIME"},
	)
	for i, want := range []resp.Reply{
		{},
		{},
		resp.OfText(binary), resp.OfText("OK"), resp.OfText(""), resp.OfInt(-1), resp.OfText("OK"),
		resp.OfText(large), resp.OfInt(1), resp.OfInt(-2), resp.OfInt(1), resp.OfText("1785000000000001"),
		{},
		resp.OfInt(1), resp.OfInt(1),
	} {
		f.want(replies[i], want)
	}
	if now := replies[15]; now.Kind != resp.Array || len(now.Items) != 2 || now.Items[0].Kind != resp.Text {
		f.t.Errorf("TIME: %v, want an array of two strings", now)
	}
}

func conformErrorReplies(t *testing.T, f *fixture) {
	key := f.key("k")
	replies := f.do(
		resp.Command{"SET", key, "text"},
		resp.Command{"ZADD", key, "GT", "CH", "1", "t"},
		resp.Command{"NOSUCHCOMMAND"},
		resp.Command{"GET", key},
		resp.Command{"DEL", key},
	)
	for i, code := range map[int]string{1: "WRONGTYPE", 2: "ERR"} {
		if replies[i].Code() != code {
			t.Errorf("reply %d is %v, want an error reply with the code %s", i, replies[i], code)
		}
	}
	f.want(replies[3], resp.OfText("text"))
	f.want(replies[4], resp.OfInt(1))
	// Alone and as the first of its batch, too.
	if got := f.do(resp.Command{"NOSUCHCOMMAND"}); got[0].Code() != "ERR" {
		t.Errorf("got %v, want an error reply with the code ERR", got[0])
	}
}

func conformScripts(t *testing.T, f *fixture) {
	unknown := strings.Repeat("0", 40)
	replies := f.do(resp.Command{"EVALSHA", unknown, "1", f.key("k"), "v"}, resp.Command{"PING"})
	if replies[0].Code() != "NOSCRIPT" {
		t.Errorf("EVALSHA of an unknown script: %v, want the code NOSCRIPT", replies[0])
	}
	f.want(replies[1], resp.OfText("PONG"))
}

func conformOrder(_ *testing.T, f *fixture) {
	key := f.key("k")
	var batch []resp.Command
	for i := range 20 {
		batch = append(batch, resp.Command{"SET", key, strconv.Itoa(i)}, resp.Command{"GET", key})
	}
	replies := f.do(append(batch, resp.Command{"DEL", key})...)
	for i := range 20 {
		f.want(replies[2*i+1], resp.OfText(strconv.Itoa(i)))
	}
}

func conformLargeBatch(t *testing.T, f *fixture) {
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	if replies, err := f.node.Do(ctx, nil); err != nil || len(replies) != 0 {
		t.Errorf("an empty batch: %v, %v; want no replies and no error", replies, err)
	}
	batch := make([]resp.Command, 3000)
	for i := range batch {
		batch[i] = resp.Command{"INCR", f.key("n")}
	}
	for i, r := range f.do(batch...) {
		if !r.Equal(resp.OfInt(int64(i + 1))) {
			t.Fatalf("reply %d is %v", i, r)
		}
	}
	f.do(resp.Command{"DEL", f.key("n")})
}

func conformConcurrency(t *testing.T, f *fixture) {
	const workers, rounds = 50, 20
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			own := f.key(strconv.Itoa(w))
			for i := range rounds {
				text := fmt.Sprintf("%d of %d", i, w)
				ctx, cancel := context.WithTimeout(t.Context(), soon)
				replies, err := f.node.Do(ctx, []resp.Command{
					{"SET", own, text, "PX", "60000"}, {"INCR", f.key("n")}, {"GET", own}, {"DEL", own}, {"GET", own},
				})
				cancel()
				if err != nil || len(replies) != 5 {
					t.Errorf("Do: %v, %v", replies, err)
					return
				}
				if !replies[2].Equal(resp.OfText(text)) || !replies[3].Equal(resp.OfInt(1)) || replies[4].Kind != resp.Nil {
					t.Errorf("replies of another batch: %v", replies)
					return
				}
			}
		})
	}
	wg.Wait()
	replies := f.do(resp.Command{"GET", f.key("n")}, resp.Command{"DEL", f.key("n")})
	f.want(replies[0], resp.OfText(strconv.Itoa(workers*rounds)))
}

func conformDoneContext(t *testing.T, f *fixture) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	expired, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	for _, ctx := range []context.Context{cancelled, expired} {
		replies, err := f.node.Do(ctx, []resp.Command{{"INCR", f.key("n")}})
		if !errors.Is(err, ctx.Err()) || replies != nil {
			t.Errorf("Do with a context that is done: %v, %v; want %v", replies, err, ctx.Err())
		}
	}
	f.want(f.do(resp.Command{"GET", f.key("n")})[0], resp.Reply{})
}

func conformClose(t *testing.T, f *fixture) {
	f.do(resp.Command{"PING"})
	for range 2 {
		if err := f.node.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	begin := time.Now()
	if replies, err := f.node.Do(t.Context(), []resp.Command{{"PING"}}); err == nil {
		t.Errorf("Do after Close: %v, want an error", replies)
	}
	if took := time.Since(begin); took > soon {
		t.Errorf("Do after Close took %v", took)
	}
}

func conformCloseUnderWay(t *testing.T, f *fixture) {
	var wg sync.WaitGroup
	begun := make(chan struct{}, 20)
	for range cap(begun) {
		wg.Go(func() {
			begun <- struct{}{}
			for {
				if _, err := f.node.Do(t.Context(), []resp.Command{{"PING"}}); err != nil {
					return
				}
			}
		})
	}
	for range cap(begun) {
		<-begun
	}
	if err := f.node.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	await(t, "the calls of Do to end after Close", wg.Wait)
}

// conformLock is the life of a lock on this one node.
func conformLock(t *testing.T, f *fixture) {
	locker, err := redlock.New(redlock.Config{
		Nodes:       []redlock.Node{f.node},
		Prefix:      f.prefix,
		TTL:         10 * time.Second,
		NodeTimeout: 2 * time.Second, // the machine may be loaded
		Owner:       "conformance",
		Logger:      discard,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	lease, err := locker.TryAcquire(ctx, "lock", redlock.WithoutRenewal())
	// A server that was started less than a TTL ago does not vote yet.
	for deadline := time.Now().Add(15 * time.Second); errors.Is(err, redlock.ErrNoQuorum) && time.Now().Before(deadline); {
		time.Sleep(50 * time.Millisecond)
		lease, err = locker.TryAcquire(ctx, "lock", redlock.WithoutRenewal())
	}
	if err != nil {
		t.Fatalf("TryAcquire: %v", err)
	}
	value := f.do(resp.Command{"GET", lease.Key()}, resp.Command{"PTTL", lease.Key()})
	if value[0].Kind != resp.Text || value[1].Int <= 0 || value[1].Int > 10_000 {
		t.Errorf("the key holds %v for %v ms", value[0], value[1])
	}
	var held *redlock.HeldError
	if _, err := locker.TryAcquire(ctx, "lock"); !errors.As(err, &held) || held.Holder != "conformance" {
		t.Errorf("TryAcquire of a lock that is held: %v, want a HeldError that names the holder", err)
	}
	deadline := lease.Deadline()
	if err := lease.Extend(ctx); err != nil {
		t.Errorf("Extend: %v", err)
	}
	if !lease.Deadline().After(deadline) {
		t.Error("Extend did not move the deadline")
	}
	if err := lease.Release(ctx); err != nil {
		t.Errorf("Release: %v", err)
	}
	f.want(f.do(resp.Command{"GET", lease.Key()})[0], resp.Reply{})
	again, err := locker.TryAcquire(ctx, "lock")
	if err != nil {
		t.Fatalf("TryAcquire of a lock that was released: %v", err)
	}
	if again.Token() <= lease.Token() {
		t.Errorf("the second token is %d, the first was %d", again.Token(), lease.Token())
	}
	if err := again.Release(ctx); err != nil {
		t.Errorf("Release: %v", err)
	}
	f.do(resp.Command{"DEL", "{" + lease.Key() + "}:t"})
	if err := locker.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}
