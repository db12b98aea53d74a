// Package peer opens the other lock libraries as their own documentation shows
// them: the same for the chaos, which looks for what goes wrong, and for the
// benchmark, which looks at what it costs.
package peer

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
	"time"

	"github.com/bsm/redislock"
	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"
	"github.com/redis/rueidis/rueidislock"
)

// Watch sees each connection that a client library makes, and may put itself in
// front of it; nil leaves it alone.
type Watch func(net.Conn) net.Conn

// Address is the host and port of a redis:// URL.
func Address(url string) string { return strings.TrimPrefix(url, "redis://") }

// Goredis opens a go-redis client with its defaults.
func Goredis(url string, watch Watch) *redis.Client {
	client := redis.NewClient(&redis.Options{Addr: Address(url)})
	if watch != nil {
		client.AddHook(dials(watch))
	}
	return client
}

// dials shows the connections that go-redis makes.
type dials Watch

// DialHook shows each connection.
func (watch dials) DialHook(dial redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return watch(conn), nil
	}
}

// ProcessHook leaves commands alone.
func (dials) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

// ProcessPipelineHook leaves pipelines alone.
func (dials) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// Rueidis are the options of a rueidis client: its defaults.
func Rueidis(url string, watch Watch) rueidis.ClientOption {
	o := rueidis.ClientOption{InitAddress: []string{Address(url)}}
	if watch != nil {
		o.DialCtxFn = func(ctx context.Context, address string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
			conn, err := d.DialContext(ctx, "tcp", address)
			if err != nil {
				return nil, err
			}
			return watch(conn), nil
		}
	}
	return o
}

// RedislockSettings say how bsm/redislock is used.
const RedislockSettings = "on go-redis with its defaults; LinearBackoff(100ms), as in its examples (the default is not to wait); it knows one node"

// RedislockOptions are the same for all calls: a LinearBackoff has no state.
var RedislockOptions = &redislock.Options{RetryStrategy: redislock.LinearBackoff(100 * time.Millisecond)}

// RueidislockSettings say how rueidislock is used.
const RueidislockSettings = "on rueidis with its defaults; KeyMajority 1 and NoLoopTracking, as its README says for one Redis of at least 7.0.5; KeyValidity(TTL) (the default is 5 s); it renews by itself, every TTL/2; all its keys are of one node"

// RueidislockKey is the one key of a lock.
func RueidislockKey(lock string) string { return "rueidislock:0:" + lock }

// Rueidislock opens one.
func Rueidislock(url string, ttl time.Duration, watch Watch) (rueidislock.Locker, error) {
	return rueidislock.NewLocker(rueidislock.LockerOption{
		ClientOption:   Rueidis(url, watch),
		KeyMajority:    1,
		NoLoopTracking: true,
		KeyValidity:    ttl,
	})
}
