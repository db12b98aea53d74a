package rig

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/rig/cluster"
)

// BenchmarkMinorityLost measures what two lost nodes of five do to the latency:
// the median of Acquire, Extend and Release in each situation, and its ratio to
// the median on a healthy cluster in the same run. The situations take turns, so
// that whatever else the machine does hits all alike. The aim is a ratio of at
// most 1.5; it is reported here and not asserted.
//
//	go test -run '^$' -bench MinorityLost -benchtime 3s .
func BenchmarkMinorityLost(b *testing.B) {
	for _, a := range adapters {
		b.Run(a.name, func(b *testing.B) {
			situations := []*situation{newSituation(b, a.open, "healthy", func(*cluster.Cluster) error { return nil })}
			for _, loss := range losses {
				situations = append(situations, newSituation(b, a.open, loss.name, loss.inject))
			}
			for b.Loop() {
				for _, s := range situations {
					s.measure(b)
				}
			}
			b.ReportMetric(0, "ns/op") // a turn of all situations says nothing
			b.Log("\n" + table(situations))
			for _, s := range situations[1:] {
				for op, name := range operations {
					ratio := float64(median(s.took[op])) / float64(median(situations[0].took[op]))
					b.ReportMetric(ratio, strings.NewReplacer(" ", "-", ",", "").Replace(name+"/"+s.name)+"-x")
				}
			}
		})
	}
}

var operations = [3]string{"Acquire", "Extend", "Release"}

// situation is a cluster with or without losses, and how long things took there.
type situation struct {
	name   string
	locker *redlock.Locker
	took   [len(operations)][]time.Duration
}

func newSituation(b *testing.B, open func(urls ...string) ([]redlock.Node, error), name string, inject func(c *cluster.Cluster) error) *situation {
	b.Helper()
	c := startCluster(b, cluster.Options{})
	s := &situation{name: name, locker: newLocker(b, open, redlock.Config{}, c.URLs()...)}
	warm(b, s.locker, c)
	ok(b, inject(c))
	// The first to notice pays for all: it is not what is measured.
	for range 20 {
		ok(b, acquire(b, s.locker, "notice").Release(context.Background()))
	}
	return s
}

func (s *situation) measure(b *testing.B) {
	ctx := context.Background()
	begin := time.Now()
	lease, err := s.locker.Acquire(ctx, "bench")
	acquired := time.Now()
	ok(b, err)
	ok(b, lease.Extend(ctx))
	extended := time.Now()
	ok(b, lease.Release(ctx))
	released := time.Now()
	for op, d := range [...]time.Duration{acquired.Sub(begin), extended.Sub(acquired), released.Sub(extended)} {
		s.took[op] = append(s.took[op], d)
	}
}

// table shows the medians, and the ratios to the first situation.
func table(situations []*situation) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%-24s", fmt.Sprintf("median of %d", len(situations[0].took[0])))
	for _, name := range operations {
		fmt.Fprintf(&out, "%18s", name)
	}
	for _, s := range situations {
		fmt.Fprintf(&out, "\n%-24s", s.name)
		for op := range operations {
			m := median(s.took[op])
			fmt.Fprintf(&out, "%10.0f µs %4.2fx", float64(m.Nanoseconds())/1e3, float64(m)/float64(median(situations[0].took[op])))
		}
	}
	return out.String()
}
