package contestant

import (
	"context"
	"log/slog"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/goredis"
	"github.com/redlock-go/redlock/rueidis"
)

func oursOnRueidis() Contestant {
	return ours("ours-rueidis", "Redlock on rueidis", "github.com/redis/rueidis", 0,
		func(url string) (adapter, error) { return rueidis.Open(url) })
}

func oursOnGoredis() Contestant {
	return ours("ours-goredis", "Redlock on go-redis", "github.com/redis/go-redis/v9", 0,
		func(url string) (adapter, error) { return goredis.Open(url) })
}

// OursByNodes is the name of this library when each hand-over goes by the nodes.
const OursByNodes = "ours-by-nodes"

func oursByNodes() Contestant {
	c := ours(OursByNodes, "Redlock, by nodes", "github.com/redis/rueidis", -1,
		func(url string) (adapter, error) { return rueidis.Open(url) })
	c.Crowd = true
	c.Settings = "as ours-rueidis, with HandOvers -1: callers in one process do not pass a lease on between them"
	return c
}

// ours is this library. handOvers is Config.HandOvers.
func ours(name, label, module string, handOvers int, open func(url string) (adapter, error)) Contestant {
	return Contestant{
		Name: name, Label: label, Ours: true, Modules: []string{module},
		Settings: "Acquire and Release with all defaults: tokens, restart guard and renewal are on",
		Key:      func(lock string) string { return redlock.DefaultPrefix + lock },
		Open: func(s Setup) (Locker, error) {
			var nodes []redlock.Node
			for _, url := range s.URLs {
				n, err := open(url)
				if err != nil {
					return nil, err // it connects later: there is nothing to close
				}
				nodes = append(nodes, s.Sent.count(n))
			}
			l, err := redlock.New(redlock.Config{Nodes: nodes, TTL: s.TTL, HandOvers: handOvers, Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				return nil, err
			}
			return ourLocker{l}, nil
		},
	}
}

type ourLocker struct{ *redlock.Locker }

// Acquire waits until ctx is done.
func (l ourLocker) Acquire(ctx context.Context, lock string) (Lease, error) {
	lease, err := l.Locker.Acquire(ctx, lock)
	if err != nil {
		return nil, err
	}
	return lease, nil
}
