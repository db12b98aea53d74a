package goredis_test

import (
	"strings"
	"testing"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/goredis"
	"github.com/redlock-go/redlock/internal/redisserver"
	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/redlocktest"
)

func open(t *testing.T, url string, opts ...goredis.Option) redlock.Node {
	t.Helper()
	n, err := goredis.Open(url, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// start starts a server that votes at once: it is noted to be a new one, in each
// of the databases that the tests use.
func start(t *testing.T, args ...string) *redisserver.Server {
	t.Helper()
	server := redisserver.Start(t, args...)
	_, info, _ := strings.Cut(server.Do("INFO", "server").Text, "run_id:")
	runID, _, _ := strings.Cut(info, "\r\n")
	for _, db := range []string{"0", "2", "3"} {
		server.DoAll([]string{"SELECT", db}, script.Admit(runID)[0])
	}
	return server
}

func TestConformsOnRedis(t *testing.T) {
	server := start(t)
	redlocktest.Conformance(t, func(t *testing.T) redlock.Node { return open(t, "redis://"+server.Addr()) })
}

func TestConformsOnTheWire(t *testing.T) {
	redlocktest.WireConformance(t, func(t *testing.T, addr string) redlock.Node { return open(t, "redis://"+addr) })
}
