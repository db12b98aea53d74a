package rueidis_test

import (
	"testing"

	client "github.com/redis/rueidis"

	"github.com/redlock-go/redlock/internal/adaptertest"
	"github.com/redlock-go/redlock/rueidis"
)

var adapter = adaptertest.Adapter[*rueidis.Node, rueidis.Option]{
	Open:            rueidis.Open,
	OpenAll:         rueidis.OpenAll,
	WithTLS:         rueidis.WithTLS,
	WithCredentials: rueidis.WithCredentials,
	// The settings are: RESP3, client tracking, retries.
	Wrap: func(t *testing.T, addr string) adaptertest.Node {
		return wrap(t, client.ClientOption{InitAddress: []string{addr}})
	},
	WrapRESP2: func(t *testing.T, addr string) adaptertest.Node {
		return wrap(t, client.ClientOption{InitAddress: []string{addr}, AlwaysRESP2: true, DisableCache: true})
	},
}

func TestConforms(t *testing.T) { adapter.TestConforms(t) }

func TestOpen(t *testing.T) { adapter.TestOpen(t) }

func TestSubscribe(t *testing.T) { adapter.TestSubscribe(t) }

func BenchmarkDo(b *testing.B) { adapter.BenchmarkDo(b) }
