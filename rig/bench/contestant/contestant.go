// Package contestant has the lock libraries that the benchmark compares, each
// behind the same two calls, and the floor below them.
//
// Package traffic has some of the same libraries, for the faults' sake: there every
// lease keeps books of how long it was valid, which would be measured here as a
// part of the library. So here a contestant is the library's own calls and nothing
// else: no wrapper that allocates, no clock that is read.
package contestant

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"

	"github.com/redlock-go/redlock/rig/peer"
)

// Contestant is a lock library and how it is used.
type Contestant struct {
	Name string
	// Label is the name in charts.
	Label string
	// Ours are held against the targets.
	Ours bool
	// Crowd: it is for many goroutines that want one lock, and otherwise as another.
	Crowd bool
	// Nodes are how many servers it can use: 0 is any number, 1 just one.
	Nodes int
	// Etcd: the one server is etcd's.
	Etcd bool
	// Modules are those whose versions the report states.
	Modules []string
	// Settings say what was set beyond the documented defaults, and why.
	Settings string
	// Key is the key on the nodes of a lock, nil if it is not known.
	Key  func(lock string) string
	Open func(Setup) (Locker, error)
}

// Setup is what a library is opened with.
type Setup struct {
	URLs []string // redis://host:port of each node; of etcd http://host:port
	TTL  time.Duration
	// Local puts a mutex of the process in front of each key, for the floor alone.
	Local bool
	// Sent counts what is sent from then on. Nothing of etcd's is counted.
	Sent *Sent
}

// Locker takes locks. Its methods may be called from many goroutines at once.
type Locker interface {
	// Acquire waits for the lock until ctx is done, or for as long as the library
	// does.
	Acquire(ctx context.Context, lock string) (Lease, error)
	Close() error
}

// Lease is a lock that is held.
type Lease interface {
	Release(ctx context.Context) error
}

// All are all of them, in the order of the report; the first is the floor.
func All() []Contestant {
	return []Contestant{
		floor(), floorPlain(), oursOnRueidis(), oursOnGoredis(), oursByNodes(),
		redsyncOnGoredis(), redsyncOnRueidis(), redsyncFailFast(),
		rueidislocks(), redislocks(), etcd(),
	}
}

// Floor is the name of the one that others are compared with.
const Floor = "floor"

// Named finds those of the names, in the order of All; all if there are no names.
func Named(names []string) ([]Contestant, error) {
	all := All()
	if len(names) == 0 {
		return all, nil
	}
	var known []string
	for _, c := range all {
		known = append(known, c.Name)
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("there is no contestant %q: there are %s", name, strings.Join(known, ", "))
		}
	}
	return slices.DeleteFunc(all, func(c Contestant) bool { return !slices.Contains(names, c.Name) }), nil
}

// silence keeps go-redis from writing a line to the terminal for each of its
// attempts to connect.
type silence struct{}

// Printf does nothing.
func (silence) Printf(context.Context, string, ...any) {}

func init() { redis.SetLogger(silence{}) }

// openGoredis opens a go-redis client for each node, with its defaults.
func openGoredis(s Setup) goredisClients {
	var clients goredisClients
	for _, url := range s.URLs {
		clients = append(clients, peer.Goredis(url, s.Sent.watch))
	}
	return clients
}

type goredisClients []*redis.Client

func (all goredisClients) close() error {
	var errs []error
	for _, c := range all {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// openRueidis opens a rueidis client for each node. Its defaults, but for the
// client-side cache, which nobody here uses.
func openRueidis(s Setup, change func(*rueidis.ClientOption)) (rueidisClients, error) {
	var clients rueidisClients
	for _, url := range s.URLs {
		option := peer.Rueidis(url, s.Sent.watch)
		option.DisableCache, option.ForceSingleClient = true, true
		if change != nil {
			change(&option)
		}
		c, err := rueidis.NewClient(option)
		if err != nil {
			clients.close()
			return nil, err
		}
		clients = append(clients, c)
	}
	return clients, nil
}

type rueidisClients []rueidis.Client

func (all rueidisClients) close() {
	for _, c := range all {
		c.Close()
	}
}
