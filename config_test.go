package redlock_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/redlocktest"
)

func TestConfigIsRefused(t *testing.T) {
	twice := redlocktest.NewNodes(2)
	for _, tc := range []struct {
		name   string
		change func(*redlock.Config)
		want   string
	}{
		{"no nodes", func(c *redlock.Config) { c.Nodes = nil }, "Config.Nodes is empty"},
		{"a nil node", func(c *redlock.Config) { c.Nodes[1] = nil }, "Config.Nodes[1] is nil"},
		{"the same node twice", func(c *redlock.Config) { c.Nodes = append(c.Nodes, twice[0], twice[0].Connect()) }, "n1 twice"},
		{"a TTL below the least", func(c *redlock.Config) { c.TTL = 99 * time.Millisecond }, "at least 100ms"},
		{"a TTL below the resolution", func(c *redlock.Config) { c.TTL = 500 * time.Microsecond }, "Config.TTL is 500µs"},
		{"a negative TTL", func(c *redlock.Config) { c.TTL = -time.Second }, "Config.TTL is -1s"},
		{"a node timeout above a quarter of the TTL", func(c *redlock.Config) { c.NodeTimeout = 3 * time.Second }, "Config.NodeTimeout is 3s"},
		{"a negative node timeout", func(c *redlock.Config) { c.NodeTimeout = -1 }, "Config.NodeTimeout"},
		{"a longest TTL below the TTL", func(c *redlock.Config) { c.LongestTTL = time.Second }, "Config.LongestTTL is 1s"},
		{"a retention below the TTL", func(c *redlock.Config) { c.TokenRetention = time.Second }, "Config.TokenRetention is 1s"},
		{"an owner too long", func(c *redlock.Config) { c.Owner = strings.Repeat("x", 129) }, "Config.Owner is 129 bytes"},
		{"an owner that is no text", func(c *redlock.Config) { c.Owner = "me\x1b[2J" }, "printable"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			nodes := redlocktest.NewNodes(3)
			cfg := redlock.Config{Nodes: nodes.Connect(), Logger: quiet}
			tc.change(&cfg)
			l, err := redlock.New(cfg)
			if err == nil {
				_ = l.Close()
				t.Fatal("New took it")
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("New = %v, want it to say %q", err, tc.want)
			}
		})
	}
}

// All that is wrong is said at once.
func TestConfigErrorsAreJoined(t *testing.T) {
	_, err := redlock.New(redlock.Config{TTL: time.Millisecond, Owner: strings.Repeat("x", 200)})
	for _, field := range []string{"Config.Nodes", "Config.TTL", "Config.Owner"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("the error does not name %s: %v", field, err)
		}
	}
}

func TestConfigWarns(t *testing.T) {
	for n, want := range map[int]string{1: "a single node", 2: "2 of 2 must agree", 3: "", 4: "3 of 4 must agree", 5: ""} {
		var log strings.Builder
		l, err := redlock.New(redlock.Config{
			Nodes:  redlocktest.NewNodes(n).Connect(),
			Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		lease := acquire(t, l, "k")
		if err := lease.Release(t.Context()); err != nil {
			t.Error(err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if got := log.String(); (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%d nodes: logged %q, want %q", n, got, want)
		}
	}
}

func TestConfigString(t *testing.T) {
	s := redlock.Config{Nodes: redlocktest.NewNodes(2).Connect(), TTL: time.Second, Owner: "me"}.String()
	for _, want := range []string{"n1 n2", "TTL: 1s", `Owner: "me"`} {
		if !strings.Contains(s, want) {
			t.Errorf("%s does not say %s", s, want)
		}
	}
}

func TestBadNamesAndOptions(t *testing.T) {
	nodes := redlocktest.NewNodes(3)
	l := open(t, nodes)
	for _, tc := range []struct {
		name string
		opts []redlock.Option
		want string
	}{
		{"", nil, "is empty"},
		{strings.Repeat("x", 1025), nil, "1025 bytes long: at most 1024"},
		{"k", []redlock.Option{redlock.WithMaxHold(0)}, "must be positive"},
	} {
		if _, err := l.Acquire(t.Context(), tc.name, tc.opts...); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("Acquire = %v, want it to say %q", err, tc.want)
		}
		if _, err := l.TryAcquire(t.Context(), tc.name, tc.opts...); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("TryAcquire = %v, want it to say %q", err, tc.want)
		}
	}
	if got := keysOf(nodes); len(got) != 0 {
		t.Errorf("on the nodes: %v", got)
	}
}

// A prefix of one's own, and none: to share a key with another client.
func TestPrefix(t *testing.T) {
	for prefix, want := range map[string]string{"": "redlock:k", "app/": "app/k", redlock.NoPrefix: "k"} {
		nodes := redlocktest.NewNodes(3)
		lease := acquire(t, open(t, nodes, func(c *redlock.Config) { c.Prefix = prefix }), "k")
		if lease.Key() != want {
			t.Errorf("prefix %q: key %q", prefix, lease.Key())
		}
	}
}
