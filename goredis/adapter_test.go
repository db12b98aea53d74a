package goredis_test

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/redlock-go/redlock/goredis"
	"github.com/redlock-go/redlock/internal/adaptertest"
)

var adapter = adaptertest.Adapter[*goredis.Node, goredis.Option]{
	Open:            goredis.Open,
	OpenAll:         goredis.OpenAll,
	WithTLS:         goredis.WithTLS,
	WithCredentials: goredis.WithCredentials,
	// The settings are: RESP3, three retries, no regard to the deadlines of contexts.
	Wrap: func(t *testing.T, addr string) adaptertest.Node { return wrap(t, &redis.Options{Addr: addr}) },
	WrapRESP2: func(t *testing.T, addr string) adaptertest.Node {
		return wrap(t, &redis.Options{Addr: addr, Protocol: 2})
	},
}

func TestConforms(t *testing.T) { adapter.TestConforms(t) }

func TestOpen(t *testing.T) { adapter.TestOpen(t) }

func TestSubscribe(t *testing.T) { adapter.TestSubscribe(t) }

func BenchmarkDo(b *testing.B) { adapter.BenchmarkDo(b) }
