package rig

import (
	"strings"
	"testing"

	"github.com/go-redsync/redsync/v4"
	redsyncredis "github.com/go-redsync/redsync/v4/redis"
	redsyncgoredis "github.com/go-redsync/redsync/v4/redis/goredis/v9"
	"github.com/redis/go-redis/v9"
)

// openRedis opens a go-redis client with its defaults, closed with the test.
func openRedis(t testing.TB, url string) *redis.Client {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: strings.TrimPrefix(url, "redis://")})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// openRedsync makes a redsync of go-redis clients, all with their defaults, as
// its README shows it.
func openRedsync(t testing.TB, urls ...string) *redsync.Redsync {
	t.Helper()
	var pools []redsyncredis.Pool
	for _, url := range urls {
		pools = append(pools, redsyncgoredis.NewPool(openRedis(t, url)))
	}
	return redsync.New(pools...)
}
