package redlock_test

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/redlocktest"
	"github.com/redlock-go/redlock/resp"
)

// log is a writer for a logger whose text can be read meanwhile.
type log struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// A node whose clock steps ahead is reported, and does not vote for as long as
// it may have forgotten leases.
func TestClockJump(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		var ahead time.Duration
		var mu sync.Mutex
		nodes[1].Hook(func(ctx context.Context, batch []resp.Command, next func(context.Context, []resp.Command) ([]resp.Reply, error)) ([]resp.Reply, error) {
			replies, err := next(ctx, batch)
			if err == nil && batch[0][0] == "TIME" {
				mu.Lock()
				defer mu.Unlock()
				seconds, _ := strconv.ParseInt(replies[0].Items[0].Text, 10, 64)
				replies[0].Items[0].Text = strconv.FormatInt(seconds+int64(ahead.Seconds()), 10)
			}
			return replies, err
		})
		var said log
		l := open(t, nodes, func(c *redlock.Config) { c.Logger = slog.New(slog.NewTextHandler(&said, nil)) })
		lease := acquire(t, l, "k")
		time.Sleep(30 * time.Second)
		if got := said.String(); strings.Contains(got, "clock") {
			t.Fatalf("reported though nothing happened: %s", got)
		}
		mu.Lock()
		ahead = time.Hour
		mu.Unlock()
		time.Sleep(7 * time.Second) // a renewal comes every 3.3 s, a sample with each second one
		if got := said.String(); strings.Count(got, "went ahead by 1h0m0") != 1 || !strings.Contains(got, "node=n2") {
			t.Fatalf("logged %q", got)
		}
		if lease.Context().Err() != nil {
			t.Errorf("the lease: %v", context.Cause(lease.Context()))
		}
		nodes[2].Kill()
		_, err := l.TryAcquire(t.Context(), "other")
		if !errors.Is(err, redlock.ErrNoQuorum) || !strings.Contains(err.Error(), "abstains") {
			t.Errorf("TryAcquire on the word of a node whose clock jumped: %v", err)
		}
		time.Sleep(15 * time.Second)
		if _, err := l.TryAcquire(t.Context(), "other"); err != nil {
			t.Errorf("after the quarantine: %v", err)
		}
	})
}
