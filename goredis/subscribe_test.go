package goredis_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/redlock-go/redlock/internal/adaptertest"
)

// logs collects what go-redis says to its log.
type logs struct {
	mu    sync.Mutex
	lines []string
}

// Printf keeps the line.
func (l *logs) Printf(_ context.Context, format string, v ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, v...))
}

// A subscription that breaks, or that cannot be made, says so by its error, and
// go-redis nothing to the program's stderr.
func TestSubscriptionsAreQuiet(t *testing.T) {
	server := adaptertest.Start(t)
	said := &logs{}
	redis.SetLogger(said)
	t.Cleanup(func() { redis.SetLogger(&logs{}) })
	nodes := adapter.Nodes(t, server)
	subscriptions := map[string]<-chan error{}
	for name, n := range nodes {
		subscriptions[name] = adaptertest.Subscribe(t, n, func(string) {})
	}
	server.Kill()
	for name, n := range nodes {
		_ = adaptertest.Ended(t, name, subscriptions[name])
		for range 3 {
			_ = adaptertest.SubscribeInVain(t, name, n)
		}
	}
	said.mu.Lock()
	defer said.mu.Unlock()
	if len(said.lines) > 0 {
		t.Errorf("go-redis said:\n%s", strings.Join(said.lines, "\n"))
	}
}
