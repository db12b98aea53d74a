package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redlock-go/redlock/internal/redisserver"
	"github.com/redlock-go/redlock/resp"
)

// TestOpen tests what Open makes of a URL and its options.
func (a Adapter[N, Option]) TestOpen(t *testing.T) {
	t.Run("DatabaseIsSelected", a.databaseIsSelected)
	t.Run("ErrorsSayWhatToDo", a.errorsSayWhatToDo)
	t.Run("CredentialsAreAskedForEachTime", a.credentialsAreAskedForEachTime)
	t.Run("Refuses", a.openRefuses)
	t.Run("All", a.openAll)
	t.Run("FrozenServer", a.frozenServer)
}

func (a Adapter[N, Option]) databaseIsSelected(t *testing.T) {
	server := Start(t)
	n := a.open(t, "redis://"+server.Addr()+"/7")
	if _, err := n.Do(t.Context(), []resp.Command{{"SET", "k", "v"}}); err != nil {
		t.Fatal(err)
	}
	if got := server.Do("INFO", "keyspace").Text; !strings.Contains(got, "db7:keys=1") {
		t.Errorf("the key is elsewhere: %s", got)
	}
}

func (a Adapter[N, Option]) errorsSayWhatToDo(t *testing.T) {
	server := redisserver.Start(t, "--requirepass", password, "--user", "app", "on", ">"+password, "~*", "+@all")
	for what, c := range map[string]struct{ url, want string }{
		"no password":    {"redis://" + server.Addr(), "give it in the node's URL"},
		"wrong password": {"redis://:hunter2@" + server.Addr(), "wrong user or password"},
		"wrong user":     {"redis://hunter2:" + escaped + "@" + server.Addr(), "wrong user or password"},
		"no database":    {"redis://:" + escaped + "@" + server.Addr() + "/99", "DB index is out of range"},
		"nobody there":   {"redis://:hunter2@127.0.0.1:1", "refused"},
	} {
		n := a.open(t, c.url)
		err := Ping(t, n)
		if err == nil || !strings.HasPrefix(err.Error(), n.Name()+": ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want it to name %s, and to say %q", what, err, n.Name(), c.want)
		}
		if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), password)) {
			t.Errorf("%s: the error holds the password: %v", what, err)
		}
	}
}

func (a Adapter[N, Option]) credentialsAreAskedForEachTime(t *testing.T) {
	server := Start(t, "--user", "app", "on", ">first", "~*", "&*", "+@all")
	var current atomic.Pointer[string]
	set := func(s string) { current.Store(&s) }
	set("first")
	n := a.open(t, "redis://"+server.Addr(), a.WithCredentials(func() (string, string) { return "app", *current.Load() }))
	// The default user is let in too, so it is asked who we are.
	whoAmI := func() error {
		replies, err := n.Do(t.Context(), []resp.Command{{"ACL", "WHOAMI"}})
		if err == nil && !replies[0].Equal(resp.OfText("app")) {
			err = fmt.Errorf("ACL WHOAMI: %v, want app", replies[0])
		}
		return err
	}
	if err := whoAmI(); err != nil {
		t.Fatal(err)
	}
	server.Do("ACL", "SETUSER", "app", "resetpass", ">second")
	server.Do("CLIENT", "KILL", "USER", "app")
	set("second")
	// The first call may find out that its connection was cut.
	if err := errors.Join(whoAmI(), whoAmI()); err != nil && whoAmI() != nil {
		t.Fatal(err)
	}
}

func (a Adapter[N, Option]) openRefuses(t *testing.T) {
	if _, err := a.Open("redis://:hunter2/@h"); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("Open: %v", err)
	}
	if _, err := a.Open("redis://h", a.WithTLS(nil)); err == nil {
		t.Error("TLS for a URL without TLS")
	}
	nodes, err := a.OpenAll("redis://h1", "redis://h2:x", "redis://h3")
	if err == nil || !strings.Contains(err.Error(), "URL 2 of 3") || nodes != nil {
		t.Errorf("OpenAll: %v, %v", nodes, err)
	}
}

func (a Adapter[N, Option]) openAll(t *testing.T) {
	nodes, err := a.OpenAll("redis://H1", "redis://h2:7000/1", "unix:///run/r.sock")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"h1:6379", "h2:7000", "/run/r.sock"} {
		if got := nodes[i].Name(); got != want {
			t.Errorf("node %d is %s, want %s", i, got, want)
		}
		if err := nodes[i].Close(); err != nil {
			t.Error(err)
		}
	}
}

// frozenServer: a server that is stopped holds up neither the calls beyond their
// contexts, nor Close, and goes on where it was when it is let go.
func (a Adapter[N, Option]) frozenServer(t *testing.T) {
	server := Start(t)
	n := a.open(t, "redis://"+server.Addr())
	if err := Ping(t, n); err != nil {
		t.Fatal(err)
	}
	server.Freeze()
	for range 20 {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		begin := time.Now()
		_, err := n.Do(ctx, []resp.Command{{"INCR", "n"}})
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Do: %v", err)
		}
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("Do took %v", took)
		}
	}
	server.Thaw()
	if err := errors.Join(Ping(t, n), Ping(t, n)); err != nil && Ping(t, n) != nil {
		t.Errorf("after the thaw: %v", err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := n.Do(t.Context(), []resp.Command{{"BLPOP", "nobody pushes", "0"}})
		ended <- err
	}()
	AwaitBlocked(t, server)
	server.Freeze()
	begin := time.Now()
	if err := n.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := Ended(t, "the call under way", ended); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the call under way: %v", err)
	}
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("Close took %v", took)
	}
	server.Thaw()
}
