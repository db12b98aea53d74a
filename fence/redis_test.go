package fence_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redlock-go/redlock/fence"
	"github.com/redlock-go/redlock/fence/fencetest"
	"github.com/redlock-go/redlock/internal/redisserver"
	"github.com/redlock-go/redlock/resp"
)

// doer is a server as a fence.Doer; it counts what it sends.
type doer struct {
	server *redisserver.Server
	sent   []string
}

func (d *doer) Do(_ context.Context, batch []resp.Command) ([]resp.Reply, error) {
	replies := make([]resp.Reply, len(batch))
	for i, command := range batch {
		d.sent = append(d.sent, command[0])
		replies[i] = d.server.Do(command...)
	}
	return replies, nil
}

// plain is a server as a fence.Doer for many goroutines.
type plain struct{ server *redisserver.Server }

func (d plain) Do(_ context.Context, batch []resp.Command) ([]resp.Reply, error) {
	commands := make([][]string, len(batch))
	for i, command := range batch {
		commands[i] = command
	}
	return d.server.DoAll(commands...), nil
}

func TestRedis(t *testing.T) {
	server := redisserver.Start(t)
	d := &doer{server: server}
	guard := fence.Redis{Doer: d}
	ctx := t.Context()

	t.Run("conformance", func(t *testing.T) {
		fencetest.Conformance(t, fence.Redis{Doer: plain{server}})
	})

	t.Run("the commands of a token that is not stale are run, in order", func(t *testing.T) {
		replies, err := guard.Do(ctx, "a", 33,
			resp.Command{"GET", "a"}, resp.Command{"SET", "a", "x\x00y"}, resp.Command{"GET", "a"},
			resp.Command{"HSET", "a:h", "f", "1", "g", "2"}, resp.Command{"HGETALL", "a:h"})
		want := resp.OfArray(
			resp.Reply{}, resp.OfText("OK"), resp.OfText("x\x00y"),
			resp.OfInt(2), resp.OfArray(resp.OfText("f"), resp.OfText("1"), resp.OfText("g"), resp.OfText("2")))
		if got := resp.OfArray(replies...); err != nil || !got.Equal(want) {
			t.Fatalf("Do = %v, %v, want %v", got, err, want)
		}
	})

	t.Run("a stale token does nothing, neither writes nor reads", func(t *testing.T) {
		if _, err := guard.Do(ctx, "b", 34, resp.Command{"SET", "b", "B"}); err != nil {
			t.Fatal(err)
		}
		replies, err := guard.Do(ctx, "b", 33, resp.Command{"SET", "b", "A"}, resp.Command{"GET", "b"})
		var stale *fence.StaleError
		if !errors.As(err, &stale) || *stale != (fence.StaleError{Resource: "b", Token: 33, Newest: 34}) || replies != nil {
			t.Errorf("Do = %v, %v", replies, err)
		}
		if got := server.Do("GET", "b"); got.Text != "B" {
			t.Errorf("b holds %v", got)
		}
	})

	t.Run("a read shows the token", func(t *testing.T) {
		if _, err := guard.Do(ctx, "c", 34, resp.Command{"GET", "c"}); err != nil {
			t.Fatal(err)
		}
		if _, err := guard.Do(ctx, "c", 33, resp.Command{"SET", "c", "A"}); !errors.Is(err, fence.ErrStale) {
			t.Errorf("an older holder wrote after a newer one had read: %v", err)
		}
	})

	t.Run("a command that fails stops those after it and is the error", func(t *testing.T) {
		server.Do("SET", "d", "text")
		_, err := guard.Do(ctx, "d", 33,
			resp.Command{"SET", "d:before", "1"}, resp.Command{"INCR", "d"}, resp.Command{"SET", "d:after", "1"})
		if err == nil || !strings.Contains(err.Error(), "not an integer") {
			t.Errorf("Do = %v", err)
		}
		if got := server.Do("EXISTS", "d:before", "d:after"); got.Int != 1 || server.Do("EXISTS", "d:after").Int != 0 {
			t.Errorf("%v of the two keys around the failure exist", got)
		}
	})

	t.Run("the script is sent once", func(t *testing.T) {
		server.Do("SCRIPT", "FLUSH")
		d.sent = nil
		for range 3 {
			if err := guard.Admit(ctx, "e", 33); err != nil {
				t.Fatal(err)
			}
		}
		if got := strings.Join(d.sent, " "); got != "EVALSHA EVAL EVALSHA EVALSHA" {
			t.Errorf("sent %s", got)
		}
	})

	t.Run("the register is kept for the retention, or for ever", func(t *testing.T) {
		if err := guard.Admit(ctx, "f", 33); err != nil {
			t.Fatal(err)
		}
		if got := server.Do("PTTL", "{f}:fence"); got.Int != -1 {
			t.Errorf("without a retention the register lives %v ms", got)
		}
		hour := fence.Redis{Doer: d, Retention: time.Hour}
		if err := hour.Admit(ctx, "f", 33); err != nil {
			t.Fatal(err)
		}
		if got := server.Do("PTTL", "{f}:fence"); got.Int < 3_590_000 || got.Int > 3_600_000 {
			t.Errorf("with a retention of an hour the register lives %v ms", got)
		}
		brief := fence.Redis{Doer: d, Retention: time.Nanosecond}
		if err := brief.Admit(ctx, "f", 33); err != nil {
			t.Errorf("a retention below a millisecond: %v", err)
		}
	})

	t.Run("a broken register admits nothing", func(t *testing.T) {
		for _, set := range [][]string{{"SET", "{g}:fence", "rubbish"}, {"RPUSH", "{g2}:fence", "1"}} {
			server.Do(set...)
			resource := strings.Trim(strings.TrimSuffix(set[1], ":fence"), "{}")
			if _, err := guard.Do(ctx, resource, 33, resp.Command{"SET", resource, "A"}); err == nil || errors.Is(err, fence.ErrStale) {
				t.Errorf("with %v as the register: %v", set, err)
			}
			if got := server.Do("EXISTS", resource); got.Int != 0 {
				t.Errorf("with %v as the register the write was done", set)
			}
		}
	})

	t.Run("a command without a key is refused before it is sent", func(t *testing.T) {
		d.sent = nil
		if _, err := guard.Do(ctx, "h", 33, resp.Command{"PING"}); err == nil || d.sent != nil {
			t.Errorf("Do = %v, sent %q", err, d.sent)
		}
	})

	t.Run("an error of the connection is passed on", func(t *testing.T) {
		broken := errors.New("broken pipe")
		_, err := fence.Redis{Doer: doerFunc(func() ([]resp.Reply, error) { return nil, broken })}.Do(ctx, "i", 33)
		if !errors.Is(err, broken) {
			t.Errorf("Do = %v", err)
		}
		for _, replies := range [][]resp.Reply{nil, {resp.OfText("OK")}, {resp.OfArray()}, {resp.OfArray(resp.OfText("33"))}} {
			guard := fence.Redis{Doer: doerFunc(func() ([]resp.Reply, error) { return replies, nil })}
			if _, err := guard.Do(ctx, "i", 33, resp.Command{"GET", "i"}); err == nil {
				t.Errorf("the replies %v are taken for success", replies)
			}
		}
	})

	t.Run("racing holders", func(t *testing.T) {
		guard := fence.Redis{Doer: plain{server}}
		accepted := fencetest.Race(t, 8, 40, func(token uint64) error {
			_, err := guard.Do(ctx, "race", token, resp.Command{"RPUSH", "race", fence.Format(token)})
			return err
		})
		if err := fencetest.InOrder(tokens(t, server.Do("LRANGE", "race", "0", "-1")), accepted); err != nil {
			t.Error(err)
		}
	})
}

// TestRedisCluster runs on a server that checks the slots of keys as every node
// of a cluster does.
func TestRedisCluster(t *testing.T) {
	t.Parallel() // a server needs two seconds to believe that it is a cluster
	server := redisserver.Start(t, "--cluster-enabled", "yes")
	server.Do("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
	deadline := time.Now().Add(10 * time.Second)
	for !strings.Contains(server.Do("CLUSTER", "INFO").Text, "cluster_state:ok") {
		if time.Now().After(deadline) {
			t.Fatal("the cluster of one node does not come up")
		}
		time.Sleep(10 * time.Millisecond)
	}
	guard := fence.Redis{Doer: plain{server}}
	for _, resource := range []string{"accounts:7", "{user:7}:account", "a{b}c", "{{a}b", "a{b"} {
		if _, err := guard.Do(t.Context(), resource, 33, resp.Command{"SET", resource, "1"}); err != nil {
			t.Errorf("the register of %q is in another slot: %v", resource, err)
		}
	}
	if _, err := guard.Do(t.Context(), "{7}", 33, resp.Command{"SET", "{7}:a", "1"}, resp.Command{"SET", "{7}:b", "1"}); err != nil {
		t.Errorf("two keys with the tag of the resource: %v", err)
	}
	_, err := guard.Do(t.Context(), "7", 33, resp.Command{"SET", "8", "1"})
	if err == nil || !strings.Contains(err.Error(), "CROSSSLOT") {
		t.Errorf("a key in another slot: %v", err)
	}
}

type doerFunc func() ([]resp.Reply, error)

func (f doerFunc) Do(context.Context, []resp.Command) ([]resp.Reply, error) { return f() }

func tokens(t *testing.T, list resp.Reply) []uint64 {
	t.Helper()
	out := make([]uint64, len(list.Items))
	for i, item := range list.Items {
		token, err := strconv.ParseUint(item.Text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		out[i] = token
	}
	return out
}
