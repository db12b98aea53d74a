package goredis_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/goredis"
	"github.com/redlock-go/redlock/internal/adaptertest"
	"github.com/redlock-go/redlock/redlocktest"
	"github.com/redlock-go/redlock/resp"
)

// wrap wraps a client that is closed with the test.
func wrap(t *testing.T, o *redis.Options) *goredis.Node {
	t.Helper()
	client := redis.NewClient(o)
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Errorf("the client did not stay open: %v", err)
		}
	})
	return goredis.Wrap(client)
}

func TestWrappedClientConformsOnUnixSocket(t *testing.T) {
	server := adaptertest.Start(t)
	redlocktest.Conformance(t, func(t *testing.T) redlock.Node {
		return wrap(t, &redis.Options{Network: "unix", Addr: server.Socket()})
	})
}

func TestWrapNamesTheServer(t *testing.T) {
	for addr, want := range map[string]string{"LocalHost:6379": "localhost:6379", "/run/redis.sock": "/run/redis.sock"} {
		if got := wrap(t, &redis.Options{Addr: addr}).Name(); got != want {
			t.Errorf("%s became %s, want %s", addr, got, want)
		}
	}
	client := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: "m", SentinelAddrs: []string{"127.0.0.1:1"}})
	defer client.Close()
	if _, err := goredis.Wrap(client).Do(t.Context(), []resp.Command{{"PING"}}); err == nil || !strings.Contains(err.Error(), "failover") {
		t.Errorf("Do on a failover client: %v", err)
	}
}

func TestWrappedClientCountsConnections(t *testing.T) {
	server := adaptertest.Start(t)
	n := wrap(t, &redis.Options{Addr: server.Addr()})
	if err := adaptertest.Ping(t, n); err != nil {
		t.Fatal(err)
	}
	before := n.Epoch()
	server.Restart()
	if err := errors.Join(adaptertest.Ping(t, n), adaptertest.Ping(t, n)); err != nil && adaptertest.Ping(t, n) != nil {
		t.Fatal(err)
	}
	if after := n.Epoch(); before == 0 || after <= before {
		t.Errorf("the epoch was %d, and is %d after the server's restart", before, after)
	}
}

// A client with retries does not send a batch twice when the connection breaks.
func TestWrappedClientSendsOnce(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var sent atomic.Int64
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				in := bufio.NewReader(conn)
				for {
					line, err := in.ReadString('\n')
					if err != nil {
						return
					}
					switch strings.ToUpper(strings.TrimSpace(line)) {
					case "HELLO", "SETINFO", "MAINT_NOTIFICATIONS":
						_, _ = io.WriteString(conn, "-ERR unknown command\r\n")
					case "INCR":
						sent.Add(1)
						return
					}
				}
			})
		}
	})
	t.Cleanup(wg.Wait)
	t.Cleanup(func() { l.Close() })
	n := wrap(t, &redis.Options{Addr: l.Addr().String(), MaxRetries: 5, MinRetryBackoff: time.Millisecond, ReadTimeout: time.Second})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if replies, err := n.Do(ctx, []resp.Command{{"INCR", "n"}, {"INCR", "n"}}); err == nil {
		t.Errorf("Do says %v", replies)
	}
	if got := sent.Load(); got != 1 {
		t.Errorf("the batch was sent %d times", got)
	}
}
