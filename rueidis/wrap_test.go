package rueidis_test

import (
	"context"
	"errors"
	"testing"
	"time"

	client "github.com/redis/rueidis"

	"github.com/redlock-go/redlock/internal/adaptertest"
	"github.com/redlock-go/redlock/resp"
	"github.com/redlock-go/redlock/rueidis"
)

// wrap wraps a client that is closed with the test.
func wrap(t *testing.T, o client.ClientOption) *rueidis.Wrapped {
	t.Helper()
	c, err := client.NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Do(context.Background(), c.B().Ping().Build()).Error(); errors.Is(err, client.ErrClosing) {
			t.Errorf("the client did not stay open: %v", err)
		}
		c.Close()
	})
	return rueidis.Wrap(c)
}

func TestWrappedClientOnAFrozenServer(t *testing.T) {
	for name, with := range map[string]func(context.Context) (context.Context, context.CancelFunc){
		"deadline": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 20*time.Millisecond)
		},
		"cancel long before the deadline": func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithTimeout(ctx, time.Hour)
			time.AfterFunc(20*time.Millisecond, cancel)
			return ctx, cancel
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := adaptertest.Start(t)
			n := wrap(t, client.ClientOption{InitAddress: []string{server.Addr()}, ForceSingleClient: true, DisableCache: true})
			if n.Name() != server.Addr() {
				t.Errorf("the name is %s, want %s", n.Name(), server.Addr())
			}
			server.Freeze()
			ctx, cancel := with(t.Context())
			defer cancel()
			begin := time.Now()
			_, err := n.Do(ctx, []resp.Command{{"PING"}})
			took := time.Since(begin)
			<-ctx.Done() // rueidis may have noticed a moment before
			if !errors.Is(err, ctx.Err()) || took > 2*time.Second {
				t.Errorf("Do: %v after %v, want %v at once", err, took, ctx.Err())
			}
			server.Thaw()
		})
	}
}

func TestWrappedClientCountsConnections(t *testing.T) {
	server := adaptertest.Start(t)
	n := wrap(t, client.ClientOption{InitAddress: []string{server.Addr()}, ForceSingleClient: true, DisableCache: true})
	ping := func() error { return adaptertest.Ping(t, n) }
	if err := errors.Join(ping(), ping()); err != nil {
		t.Fatal(err)
	}
	before := n.Epoch()
	if before == 0 {
		t.Error("no connection was counted")
	}
	if err := ping(); err != nil || n.Epoch() != before {
		t.Errorf("the epoch rose from %d to %d on a connection that lasts (%v)", before, n.Epoch(), err)
	}
	server.Restart()
	deadline := time.Now().Add(5 * time.Second)
	for ping() != nil && time.Now().Before(deadline) {
	}
	if after := n.Epoch(); after <= before {
		t.Errorf("the epoch was %d, and is %d after the server's restart", before, after)
	}
}
