package devcluster_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/cmd/redlock/internal/devcluster"
	"github.com/redlock-go/redlock/resp"
	"github.com/redlock-go/redlock/rueidis"
)

func start(t *testing.T, n int, engine devcluster.Engine) *devcluster.Cluster {
	t.Helper()
	c, err := devcluster.Start(n, engine)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func open(t *testing.T, urls []string, ttl time.Duration) *redlock.Locker {
	t.Helper()
	nodes, err := rueidis.OpenAll(urls...)
	if err != nil {
		t.Fatal(err)
	}
	locker, err := redlock.New(redlock.Config{Nodes: nodes, TTL: ttl})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := locker.Close(); err != nil {
			t.Error(err)
		}
	})
	return locker
}

// A lock on each engine does what a lock does, at once: new nodes need no
// quarantine.
func TestLock(t *testing.T) {
	for _, engine := range []devcluster.Engine{devcluster.Mini, devcluster.Redis} {
		t.Run(string(engine), func(t *testing.T) {
			c := start(t, 3, engine)
			a, b := open(t, c.URLs(), time.Second), open(t, c.URLs(), time.Second)
			ctx := t.Context()
			lease, err := a.TryAcquire(ctx, "x")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := b.TryAcquire(ctx, "x"); !errors.Is(err, redlock.ErrHeld) {
				t.Errorf("the second got %v, want ErrHeld", err)
			}
			if err := lease.Extend(ctx); err != nil {
				t.Errorf("Extend: %v", err)
			}
			if err := lease.Release(ctx); err != nil {
				t.Errorf("Release: %v", err)
			}
			again, err := b.TryAcquire(ctx, "x")
			if err != nil {
				t.Fatal(err)
			}
			if again.Token() <= lease.Token() {
				t.Errorf("tokens %d, then %d", lease.Token(), again.Token())
			}
		})
	}
}

// Without renewal the keys of a node in this process go away, too.
func TestMiniExpires(t *testing.T) {
	c := start(t, 3, devcluster.Mini)
	a, b := open(t, c.URLs(), 200*time.Millisecond), open(t, c.URLs(), 200*time.Millisecond)
	if _, err := a.Acquire(t.Context(), "x", redlock.WithoutRenewal()); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := b.Acquire(ctx, "x"); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took < 100*time.Millisecond {
		t.Errorf("the key of 200 ms was gone after %v", took)
	}
}

func TestMiniFaults(t *testing.T) {
	m, err := devcluster.StartMini()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Kill)
	node, err := rueidis.Open(m.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = node.Close() })
	get := func(within time.Duration) (resp.Reply, error) {
		ctx, cancel := context.WithTimeout(t.Context(), within)
		defer cancel()
		replies, err := node.Do(ctx, []resp.Command{{"INCR", "n"}})
		if err != nil {
			return resp.Reply{}, err
		}
		return replies[0], nil
	}
	if got, err := get(10 * time.Second); err != nil || got.Int != 1 {
		t.Fatalf("%v, %v", got, err)
	}
	m.Freeze()
	if got, err := get(50 * time.Millisecond); err == nil {
		t.Fatalf("a frozen node answered %v", got)
	}
	conn, err := net.Dial("tcp", m.Name())
	if err != nil {
		t.Fatalf("a frozen node refuses a connection: %v", err)
	}
	_ = conn.Close()
	m.Thaw()
	if got, err := get(10 * time.Second); err != nil || got.Int != 3 {
		t.Fatalf("after the thaw: %v, %v; want 3, as what it was sent meanwhile is executed", got, err)
	}
	m.Freeze()
	m.Kill()
	if _, err := net.Dial("tcp", m.Name()); err == nil {
		t.Fatal("a killed node accepts a connection")
	}
}

func TestStartErrors(t *testing.T) {
	for n, engine := range map[int]devcluster.Engine{0: devcluster.Mini, 100: devcluster.Redis, 3: "mysql"} {
		if _, err := devcluster.Start(n, engine); err == nil {
			t.Errorf("Start(%d, %q) did", n, engine)
		}
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := devcluster.Start(1, devcluster.Redis); err == nil || !strings.Contains(err.Error(), "PATH") {
		t.Errorf("without redis-server: %v", err)
	}
	c := start(t, 1, devcluster.Auto)
	if c.Engine != devcluster.Mini {
		t.Errorf("without redis-server auto is %q", c.Engine)
	}
}

func TestFind(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("HOME", cache)
	if _, ok := devcluster.Find(); ok {
		t.Fatal("found a cluster in an empty folder")
	}
	c := start(t, 3, devcluster.Mini)
	remove, err := c.Register()
	if err != nil {
		t.Fatal(err)
	}
	s, ok := devcluster.Find()
	if !ok || strings.Join(s.URLs(), " ") != strings.Join(c.URLs(), " ") || s.Pid != os.Getpid() {
		t.Fatalf("found %+v, %t", s, ok)
	}
	files, err := filepath.Glob(filepath.Join(cache, "*", "*", "*"))
	if err != nil || len(files) > 1 {
		t.Errorf("there are %q, %v", files, err)
	}

	// Another cluster takes the place; the first does not remove its file.
	other := start(t, 1, devcluster.Mini)
	removeOther, err := other.Register()
	if err != nil {
		t.Fatal(err)
	}
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	if s, ok := devcluster.Find(); !ok || len(s.Nodes) != 1 {
		t.Fatalf("found %+v, %t, want the other one", s, ok)
	}

	// Nobody answers any more; the file of a cluster that was killed stays.
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if s, ok := devcluster.Find(); ok {
		t.Fatalf("found %+v, which is dead", s)
	}
	if err := removeOther(); err != nil {
		t.Fatal(err)
	}
}

// A server that has taken the port of a dead node is not taken for it.
func TestFindKnowsStrangers(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("HOME", cache)
	c := start(t, 1, devcluster.Mini)
	c.Nodes[0].RunID = "somebody else"
	if _, err := c.Register(); err != nil {
		t.Fatal(err)
	}
	if s, ok := devcluster.Find(); ok {
		t.Fatalf("took a stranger for %+v", s)
	}
}
