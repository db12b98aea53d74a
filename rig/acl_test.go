package rig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/redisserver"
	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/resp"
)

// documented is a user of docs/ACL.md, as the arguments behind ACL SETUSER.
func documented(t *testing.T, name string) []string {
	t.Helper()
	page, err := os.ReadFile("../docs/ACL.md")
	ok(t, err)
	for line := range strings.Lines(string(page)) {
		if rest, found := strings.CutPrefix(strings.TrimSpace(line), "ACL SETUSER "+name+" "); found {
			return append([]string{name}, strings.Fields(rest)...)
		}
	}
	t.Fatalf("docs/ACL.md has no line ACL SETUSER %s", name)
	return nil
}

// admit notes that the server is new, so that it votes at once.
func admit(server *redisserver.Server) {
	_, info, _ := strings.Cut(server.Do("INFO", "server").Text, "run_id:")
	runID, _, _ := strings.Cut(info, "\r\n")
	for _, cmd := range script.Admit(runID) {
		server.Do(cmd...)
	}
}

func setUser(t *testing.T, server *redisserver.Server, user []string) {
	t.Helper()
	server.Do("ACL", "DELUSER", user[0])
	if got := server.Do(append([]string{"ACL", "SETUSER"}, user...)...); got.Text != "OK" {
		t.Fatalf("ACL SETUSER %v: %v", user, got)
	}
}

// The lock works with the rights of docs/ACL.md, and never tries for more.
func TestLeastRights(t *testing.T) {
	user := documented(t, "redlock")
	eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
		var servers []*redisserver.Server
		var urls []string
		for range 3 {
			server := redisserver.Start(t)
			setUser(t, server, user)
			admit(server)
			servers = append(servers, server)
			urls = append(urls, "redis://redlock:PASSWORD@"+server.Addr())
			nodes, err := open(urls[len(urls)-1])
			ok(t, err)
			defer nodes[0].Close()
			ok(t, hearOneself(t, nodes[0], "redlock:wake:x"))
			ok(t, hearOneself(t, nodes[0], script.LeaderChannel("redlock:k")))
		}
		l := newLocker(t, open, redlock.Config{TTL: 3 * time.Second, NodeTimeout: 500 * time.Millisecond}, urls...)
		for i, server := range servers { // the registers disagree: a second round
			server.Do("ZADD", script.Register("redlock:k"), fmt.Sprint(uint64(1)<<52+uint64(i)), "t")
		}
		for range 3 {
			lease := acquire(t, l, "k")
			if _, err := l.TryAcquire(t.Context(), "k"); !errors.Is(err, redlock.ErrHeld) {
				t.Errorf("TryAcquire of what is held: %v", err)
			}
			ok(t, lease.Extend(t.Context()))
			text, err := lease.Handoff()
			ok(t, err)
			lease, err = l.Resume(t.Context(), text)
			ok(t, err)
			next := handOver(t, l, lease)
			ok(t, next.Release(t.Context()))
		}
		electAndWatch(t, l, "k")
		for _, server := range servers {
			if refused := server.Do("ACL", "LOG"); len(refused.Items) > 0 {
				t.Errorf("the server refused: %v", refused)
			}
		}
	})
}

// Each of the rights is needed: without it, something that the lock says to its
// nodes is refused.
func TestNoRightTooMany(t *testing.T) {
	user := documented(t, "redlock")
	eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
		server := redisserver.Start(t)
		// refused says what is refused to the user, "" if nothing is.
		refused := func(user []string) string {
			setUser(t, server, user)
			server.Do("FLUSHALL")
			server.Do("SCRIPT", "FLUSH")
			nodes, err := open("redis://redlock:PASSWORD@" + server.Addr())
			ok(t, err)
			defer nodes[0].Close()
			for _, batch := range everyBatch() {
				replies, err := nodes[0].Do(t.Context(), batch)
				if err != nil {
					return err.Error()
				}
				if why := refusal(replies); why != "" {
					return why
				}
			}
			for _, channel := range []string{"redlock:wake:x", script.LeaderChannel("redlock:k")} {
				if err := hearOneself(t, nodes[0], channel); err != nil {
					return err.Error()
				}
			}
			return ""
		}
		if why := refused(user); why != "" {
			t.Fatalf("with all rights: %s", why)
		}
		tried := 0
		for i, right := range user {
			if !strings.ContainsAny(right[:1], "+~&") {
				continue
			}
			tried++
			without := slices.Delete(slices.Clone(user), i, i+1)
			why := refused(without)
			if why == "" {
				t.Errorf("%s is not needed", right)
				continue
			}
			if said := script.ServerError(why).Error(); !strings.Contains(said, "docs/ACL.md") {
				t.Errorf("without %s the error does not say where to look: %s", right, said)
			}
		}
		if tried != 31 {
			t.Errorf("docs/ACL.md has %d rights, where 31 were expected: was the page changed?", tried)
		}
		// And it gives no more: neither other keys nor other commands.
		setUser(t, server, user)
		nodes, err := open("redis://redlock:PASSWORD@" + server.Addr())
		ok(t, err)
		defer nodes[0].Close()
		for _, cmd := range []resp.Command{
			{"GET", "app:secret"},
			{"SET", "redlock", "v"},
			{"EVAL", "return redis.call('GET', 'app:secret')", "0"},
			{"FLUSHALL"},
			{"KEYS", "*"},
			{"CONFIG", "GET", "requirepass"},
			{"SELECT", "1"},
			{"PUBLISH", "app:news", "m"},
		} {
			replies, err := nodes[0].Do(t.Context(), []resp.Command{cmd})
			ok(t, err)
			if replies[0].Kind != resp.Error {
				t.Errorf("%v: %v", cmd, replies[0])
			}
		}
		if err := hearOneself(t, nodes[0], "app:news"); err == nil || !strings.Contains(err.Error(), "NOPERM") {
			t.Errorf("SUBSCRIBE app:news: %v", err)
		}
	})
}

// With a prefix of one's own, one key more is read.
func TestLeastRightsOfAnotherPrefix(t *testing.T) {
	server := redisserver.Start(t)
	admit(server)
	var user []string
	for _, right := range documented(t, "redlock") {
		if strings.HasPrefix(right, "~") {
			right = strings.Replace(right, "redlock:", "app:", 1)
		}
		user = append(user, right)
	}
	eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
		cfg := redlock.Config{TTL: 3 * time.Second, NodeTimeout: 500 * time.Millisecond, Prefix: "app:"}
		url := "redis://redlock:PASSWORD@" + server.Addr()
		setUser(t, server, user)
		_, err := newLocker(t, open, cfg, url).TryAcquire(t.Context(), "k")
		if err == nil || !strings.Contains(err.Error(), "docs/ACL.md") {
			t.Errorf("without redlock:fresh: %v", err)
		}
		setUser(t, server, append(slices.Clone(user), "~redlock:fresh"))
		l := newLocker(t, open, cfg, url)
		lease := acquire(t, l, "k")
		ok(t, lease.Extend(t.Context()))
		ok(t, lease.Release(t.Context()))
	})
}

// electAndWatch has one be elected, and sees it told.
func electAndWatch(t *testing.T, l *redlock.Locker, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	ok(t, l.Elect(ctx, name, func(ctx context.Context) error {
		token, _ := redlock.TokenFrom(ctx)
		for leader, err := range l.Watch(ctx, name) {
			if err != nil {
				return err
			}
			if leader.Token == token {
				return nil
			}
		}
		return ctx.Err()
	}))
}

// refusal is the first error among the replies and within them, "" if there is none.
// That a server does not know a script is none, nor that it does not know what only newer
// ones do.
func refusal(replies []resp.Reply) string {
	for _, r := range replies {
		older := strings.HasPrefix(r.Text, "ERR unknown command 'DELEX'") || strings.HasPrefix(r.Text, "ERR unknown command 'DELIFEQ'")
		if r.Kind == resp.Error && r.Code() != "NOSCRIPT" && !older {
			return r.Text
		}
		if why := refusal(r.Items); why != "" {
			return why
		}
	}
	return ""
}

// hearOneself subscribes, publishes, and waits for the message.
func hearOneself(t *testing.T, node redlock.Node, channel string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var refused error
	heard := false
	err := node.(redlock.Subscriber).Subscribe(ctx, channel, func() {
		replies, err := node.Do(ctx, []resp.Command{{"PUBLISH", channel, "m"}})
		if err == nil && replies[0].Kind == resp.Error {
			err = errors.New(replies[0].Text)
		}
		if refused = err; err != nil {
			cancel()
		}
	}, func(string) {
		heard = true
		cancel()
	})
	if heard {
		return nil
	}
	return errors.Join(refused, err)
}

// everyBatch is everything that the lock says to a node. The scripts are sent
// by SHA, whole, and by SHA again.
func everyBatch() [][]resp.Command {
	p := script.Params{Key: "redlock:k", TTL: 10_000, Retention: 60_000}
	mine, yours := script.Value(script.ID{1}, "a"), script.Value(script.ID{2}, "b")
	waits := p
	waits.Waiter = script.ProcessID{3}.Waiter(1_700_000_000_000_000, 1)
	many, _ := script.Fold([]resp.Command{p.Extend(mine, 6)[0], p.Extend(mine, 6)[0]})
	several := script.NewSeveral([]string{p.Key, p.Key + "2"})
	free := []resp.Command{script.Release(p.Key, mine, "", false, script.Next)}

	slots := p
	slots.Kind, slots.Slot = script.Slots{K: 2}, core.AnySlot
	slots.Waiter = waits.Waiter.For(slots.Kind)
	slot := func(op core.Op, value string, token uint64) []resp.Command {
		at := core.AnySlot
		if op != core.Ask {
			at = 0
		}
		return slots.Batch(core.Effect{Op: op, Token: token, Slot: at}, value, false)
	}

	batches := [][]resp.Command{script.Verify(), script.Probe(), script.Clock(), p.Acquire(mine, 5, true), script.Sight(p.Key), script.Resign(p.Key, 5)}
	for _, batch := range [][]resp.Command{
		p.Raise(mine, 5), p.Raise(mine, 6), p.Extend(mine, 6), many.Batch,
		waits.Take(yours, 7), // refused: it stands in the queue, and marks the holder's value
		free,                 // reserves the key for it, but for that nobody listens
		waits.Take(yours, 8), // granted
		waits.Take(mine, 9),  // refused
		script.Announce(p.Key, yours, 8, p.Retention),
		{script.Release(p.Key, yours, waits.Waiter, true, script.Last)},
		{script.ReleaseToOthers(p.Key, yours, waits.Waiter, script.Last)},
		{script.Leave(p.Key, waits.Waiter)},
		several.Ask(&waits, yours, 10), several.Raise(&waits, yours, 11), several.Extend(&waits, yours, 11),
		several.Ask(&waits, mine, 12), // refused
		{several.Release("", yours, waits.Waiter, false, script.Both)},

		script.Reader.Ask(&p, mine, 10),
		script.Reader.Ask(&p, yours, 10), // both read
		script.Reader.Raise(&p, mine, 11), script.Reader.Extend(&p, mine, 11),
		waits.Take(script.Value(script.ID{3}, "c"), 12), // refused
		script.Reader.Ask(&p, script.Value(script.ID{4}, "d"), 13),
		{script.Reader.Release(p.Key, mine, "", false, script.Next)},
		{script.Reader.Release(p.Key, yours, "", false, script.Next)},
		slot(core.Ask, mine, 7), slot(core.Raise, mine, 7), slot(core.Extend, mine, 7),
		{slots.Release(mine, true, script.Both)},
		{script.Leave(slots.Key, slots.Waiter)},
	} {
		whole, _ := script.Eval(batch[0])
		batches = append(batches, batch, []resp.Command{whole}, batch)
	}
	return batches
}
