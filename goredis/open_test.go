package goredis_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/goredis"
	"github.com/redlock-go/redlock/internal/redisserver"
	"github.com/redlock-go/redlock/redlocktest"
	"github.com/redlock-go/redlock/resp"
)

const password = "p@ss/w#rd?"

// escaped is the password as a URL has it.
const escaped = "p%40ss%2Fw%23rd%3F"

func ping(t *testing.T, n redlock.Node) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	replies, err := n.Do(ctx, []resp.Command{{"PING"}})
	if err == nil && !replies[0].Equal(resp.OfText("PONG")) {
		err = fmt.Errorf("PING: %v", replies[0])
	}
	return err
}

func TestConformsOnUnixSocket(t *testing.T) {
	server := start(t)
	redlocktest.Conformance(t, func(t *testing.T) redlock.Node { return open(t, "unix://"+server.Socket()+"?db=3") })
	if got := server.Do("INFO", "keyspace").Text; !strings.Contains(got, "db3:keys=1,") { // the note of start
		t.Errorf("keys are left: %s", got)
	}
}

func TestConformsWithUserAndDatabase(t *testing.T) {
	server := start(t, "--user", "app", "on", ">"+password, "~*", "&*", "+@all")
	redlocktest.Conformance(t, func(t *testing.T) redlock.Node {
		return open(t, "redis://app:"+escaped+"@"+server.Addr()+"/2")
	})
}

func TestConformsWithTLS(t *testing.T) {
	files := redisserver.NewCertificates(t)
	server := start(t, files.Args()...)
	query := "?ca=" + files.CA + "&cert=" + files.ClientCert + "&key=" + files.ClientKey
	redlocktest.Conformance(t, func(t *testing.T) redlock.Node { return open(t, "rediss://"+server.Addr()+query) })

	for what, url := range map[string]string{
		"a server that no known authority vouches for": "rediss://" + server.Addr() + "?cert=" + files.ClientCert + "&key=" + files.ClientKey,
		"another name than the server's":               "rediss://" + server.Addr() + query + "&servername=other.example",
		"no certificate of ours":                       "rediss://" + server.Addr() + "?ca=" + files.CA,
		"no TLS":                                       "redis://" + server.Addr(),
	} {
		n := open(t, url)
		if err := ping(t, n); err == nil || !strings.HasPrefix(err.Error(), server.Addr()+": ") {
			t.Errorf("%s: %v, want an error that names the node", what, err)
		}
		n.Close()
	}
}

func TestDatabaseIsSelected(t *testing.T) {
	server := start(t)
	n := open(t, "redis://"+server.Addr()+"/7")
	defer n.Close()
	if _, err := n.Do(t.Context(), []resp.Command{{"SET", "k", "v"}}); err != nil {
		t.Fatal(err)
	}
	if got := server.Do("INFO", "keyspace").Text; !strings.Contains(got, "db7:keys=1") {
		t.Errorf("the key is elsewhere: %s", got)
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	server := redisserver.Start(t, "--requirepass", password, "--user", "app", "on", ">"+password, "~*", "+@all")
	for what, c := range map[string]struct{ url, want string }{
		"no password":    {"redis://" + server.Addr(), "give it in the node's URL"},
		"wrong password": {"redis://:hunter2@" + server.Addr(), "wrong user or password"},
		"wrong user":     {"redis://hunter2:" + escaped + "@" + server.Addr(), "wrong user or password"},
		"no database":    {"redis://:" + escaped + "@" + server.Addr() + "/99", "DB index is out of range"},
		"nobody there":   {"redis://:hunter2@127.0.0.1:1", "refused"},
	} {
		n := open(t, c.url)
		err := ping(t, n)
		if err == nil || !strings.HasPrefix(err.Error(), n.Name()+": ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want it to name %s, and to say %q", what, err, n.Name(), c.want)
		}
		if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), password)) {
			t.Errorf("%s: the error holds the password: %v", what, err)
		}
		n.Close()
	}
}

func TestCredentialsAreAskedForEachTime(t *testing.T) {
	server := start(t, "--user", "app", "on", ">first", "~*", "&*", "+@all")
	var current atomic.Pointer[string]
	set := func(s string) { current.Store(&s) }
	set("first")
	n := open(t, "redis://"+server.Addr(), goredis.WithCredentials(func() (string, string) { return "app", *current.Load() }))
	defer n.Close()
	if err := ping(t, n); err != nil {
		t.Fatal(err)
	}
	server.Do("ACL", "SETUSER", "app", "resetpass", ">second")
	server.Do("CLIENT", "KILL", "USER", "app")
	set("second")
	// The first call may find out that its connection was cut.
	if err := errors.Join(ping(t, n), ping(t, n)); err != nil && ping(t, n) != nil {
		t.Fatal(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	if _, err := goredis.Open("redis://:hunter2/@h"); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("Open: %v", err)
	}
	if _, err := goredis.Open("redis://h", goredis.WithTLS(nil)); err == nil {
		t.Error("TLS for a URL without TLS")
	}
	nodes, err := goredis.OpenAll("redis://h1", "redis://h2:x", "redis://h3")
	if err == nil || !strings.Contains(err.Error(), "URL 2 of 3") || nodes != nil {
		t.Errorf("OpenAll: %v, %v", nodes, err)
	}
}

func TestOpenAll(t *testing.T) {
	nodes, err := goredis.OpenAll("redis://H1", "redis://h2:7000/1", "unix:///run/r.sock")
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

// A server that is stopped holds up neither the calls beyond their contexts, nor
// Close, and goes on where it was when it is let go.
func TestFrozenServer(t *testing.T) {
	server := start(t)
	n := open(t, "redis://"+server.Addr())
	defer n.Close()
	if err := ping(t, n); err != nil {
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
	if err := errors.Join(ping(t, n), ping(t, n)); err != nil && ping(t, n) != nil {
		t.Errorf("after the thaw: %v", err)
	}
	server.Freeze()
	ended := make(chan error)
	go func() {
		_, err := n.Do(t.Context(), []resp.Command{{"PING"}})
		ended <- err
	}()
	time.Sleep(10 * time.Millisecond) // most likely under way, and right either way
	begin := time.Now()
	if err := n.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("the call under way: %v", err)
	}
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("Close took %v", took)
	}
	server.Thaw()
}
