package adaptertest

import (
	"context"
	"testing"
	"time"

	"github.com/redlock-go/redlock/internal/redisserver"
	"github.com/redlock-go/redlock/internal/script"
)

// BenchmarkDo is the batch of an acquire, from one goroutine and from many.
func (a Adapter[N, Option]) BenchmarkDo(b *testing.B) {
	server := redisserver.Start(b)
	n := a.open(b, "redis://"+server.Addr())
	batch := script.Params{Key: "redlock:k", TTL: 10_000, Retention: 60_000}.Acquire("v", 1, false)
	do := func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if _, err := n.Do(ctx, batch); err != nil {
			b.Error(err)
		}
	}
	b.Run("one", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			do()
		}
	})
	b.Run("many", func(b *testing.B) {
		b.ReportAllocs()
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				do()
			}
		})
	})
}
