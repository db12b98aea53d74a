//go:build unix

package fence_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/redlock-go/redlock/fence"
	"github.com/redlock-go/redlock/fence/fencetest"
	"github.com/redlock-go/redlock/goredis"
	"github.com/redlock-go/redlock/resp"
)

// goRedis makes a [fence.Doer] of any client of go-redis, a cluster's too. The
// docs show it. For a client of one server goredis.Wrap does it.
type goRedis struct{ client redis.UniversalClient }

func (r goRedis) Do(ctx context.Context, batch []resp.Command) ([]resp.Reply, error) {
	replies := make([]resp.Reply, len(batch))
	for i, command := range batch {
		args := make([]any, len(command))
		for j, word := range command {
			args[j] = word
		}
		value, err := r.client.Do(ctx, args...).Result()
		var refused redis.Error // what the server said, nil included
		if err != nil && !errors.As(err, &refused) {
			return nil, err
		}
		if replies[i] = reply(value); err != nil && !errors.Is(err, redis.Nil) {
			replies[i] = resp.OfError(err.Error())
		}
	}
	return replies, nil
}

func reply(value any) resp.Reply {
	switch value := value.(type) {
	case nil:
		return resp.Reply{}
	case int64:
		return resp.OfInt(value)
	case string:
		return resp.OfText(value)
	case []any:
		items := make([]resp.Reply, len(value))
		for i, item := range value {
			items[i] = reply(item)
		}
		return resp.OfArray(items...)
	}
	return resp.OfError(fmt.Sprintf("ERR a reply of type %T", value))
}

func openRedis(t testing.TB) *redis.Client {
	client := redis.NewClient(&redis.Options{Addr: theRedis().Addr(), MaxRetries: -1})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestRedisThroughAClient(t *testing.T) {
	client := openRedis(t)
	for name, doer := range map[string]fence.Doer{"goredis.Wrap": goredis.Wrap(client), "any client": goRedis{client}} {
		t.Run(name, func(t *testing.T) {
			if err := client.FlushAll(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			throughAClient(t, client, fence.Redis{Doer: doer})
		})
	}
}

func throughAClient(t *testing.T, client *redis.Client, guard fence.Redis) {
	ctx := t.Context()
	t.Run("conformance", func(t *testing.T) { fencetest.Conformance(t, guard) })
	t.Run("race", func(t *testing.T) {
		accepted := fencetest.Race(t, 8, 40, func(token uint64) error {
			_, err := guard.Do(ctx, "race", token, resp.Command{"RPUSH", "race", fence.Format(token)})
			return err
		})
		var history []uint64
		if err := client.LRange(ctx, "race", 0, -1).ScanSlice(&history); err != nil {
			t.Fatal(err)
		}
		if err := fencetest.InOrder(history, accepted); err != nil {
			t.Error(err)
		}
	})
	t.Run("replies", func(t *testing.T) {
		replies, err := guard.Do(ctx, "kinds", 33,
			resp.Command{"GET", "kinds"}, resp.Command{"APPEND", "kinds", "x"}, resp.Command{"GET", "kinds"})
		if err != nil || len(replies) != 3 || replies[0].Kind != resp.Nil || replies[1].Int != 1 || replies[2].Text != "x" {
			t.Errorf("Do = %v, %v", replies, err)
		}
	})
}

// A guarded value in Redis, through go-redis.
func Example_redis() {
	client := openRedis(binary)

	fmt.Println("Without the guard:")
	check(client.Set(context.Background(), "balance:unguarded", 100, 0).Err())
	pausedClient(account{
		read: func(ctx context.Context, _ uint64) (int, error) {
			return client.Get(ctx, "balance:unguarded").Int()
		},
		write: func(ctx context.Context, _ uint64, balance int) error {
			return client.Set(ctx, "balance:unguarded", balance, 0).Err()
		},
	})

	fmt.Println("With the guard:")
	check(client.Set(context.Background(), "balance:guarded", 100, 0).Err())
	guard := fence.Redis{Doer: goredis.Wrap(client)}
	pausedClient(account{
		read: func(ctx context.Context, token uint64) (int, error) {
			replies, err := guard.Do(ctx, "balance:guarded", token, resp.Command{"GET", "balance:guarded"})
			if err != nil {
				return 0, err
			}
			return strconv.Atoi(replies[0].Text)
		},
		write: func(ctx context.Context, token uint64, balance int) error {
			_, err := guard.Do(ctx, "balance:guarded", token, resp.Command{"SET", "balance:guarded", strconv.Itoa(balance)})
			return err
		},
	})

	// Output:
	// Without the guard:
	// A reads 100, to take 10 away, and is paused
	// B reads 100, to add 50, and writes 150
	// A wakes and writes 90: accepted
	// The balance is 90.
	// With the guard:
	// A reads 100, to take 10 away, and is paused
	// B reads 100, to add 50, and writes 150
	// A wakes and writes 90: refused, for B's token is newer
	// The balance is 150.
}
