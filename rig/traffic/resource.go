package traffic

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/redlock-go/redlock/fence"
	"github.com/redlock-go/redlock/goredis"
	"github.com/redlock-go/redlock/resp"
)

// resource is what the lock protects: two counters in a Redis that is not one of
// the nodes and suffers nothing. One believes everybody, the other refuses stale
// tokens. A value is the count and who wrote it, so that no two writes are alike.
type resource struct{ node *goredis.Node }

func openResource(url string) (*resource, error) {
	node, err := goredis.Open(url)
	if err != nil {
		return nil, err
	}
	return &resource{node}, nil
}

// readPlain reads the counter that nobody guards.
func (r *resource) readPlain(ctx context.Context, lock string) (string, error) {
	return textOf(r.plain(ctx, resp.Command{"GET", "plain:" + lock}))
}

func (r *resource) writePlain(ctx context.Context, lock, value string) error {
	_, err := r.plain(ctx, resp.Command{"SET", "plain:" + lock, value})
	return err
}

func (r *resource) plain(ctx context.Context, c resp.Command) ([]resp.Reply, error) {
	replies, err := r.node.Do(ctx, []resp.Command{c})
	if err == nil && replies[0].Kind == resp.Error {
		err = errors.New(replies[0].Text)
	}
	return replies, err
}

// readGuarded reads the guarded counter, and shows the token, which is a reader's if it is shared.
func (r *resource) readGuarded(ctx context.Context, lock string, token uint64, shared bool) (string, error) {
	key := "guarded:" + lock
	do := fence.Redis{Doer: r.node}.Do
	if shared {
		do = fence.Redis{Doer: r.node}.DoRead
	}
	return textOf(do(ctx, key, token, resp.Command{"GET", key}))
}

func (r *resource) writeGuarded(ctx context.Context, lock string, token uint64, value string) error {
	key := "guarded:" + lock
	_, err := fence.Redis{Doer: r.node}.Do(ctx, key, token, resp.Command{"SET", key, value})
	return err
}

func (r *resource) close() error { return r.node.Close() }

func textOf(replies []resp.Reply, err error) (string, error) {
	if err != nil {
		return "", err
	}
	return replies[0].Text, nil
}

// valueOf makes the value of a counter.
func valueOf(count int64, writer string, n int) string {
	return fmt.Sprintf("%d %s/%d", count, writer, n)
}

// countOf reads it.
func countOf(value string) (int64, error) {
	if value == "" {
		return 0, nil // nobody has written yet
	}
	digits, _, _ := strings.Cut(value, " ")
	return strconv.ParseInt(digits, 10, 64)
}
