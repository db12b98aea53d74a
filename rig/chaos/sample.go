package chaos

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/resp"
	"github.com/redlock-go/redlock/rig/check"
	"github.com/redlock-go/redlock/rig/clock"
	"github.com/redlock-go/redlock/rig/cluster"
	"github.com/redlock-go/redlock/rig/traffic"
)

// sampler looks at the locks' keys on the nodes again and again, past the proxies,
// and remembers which value it saw where, from when to when.
type sampler struct {
	cluster *cluster.Cluster
	owners  map[string]func(value string) string // by key
	keys    []string
	queues  []string          // keys of those who wait
	beside  map[string]string // and those that hold who has a lock, if it is not the key alone: which one

	mu   sync.Mutex
	seen map[sightingOf]*check.Sighting
	mute map[int]clock.Instant // nodes that do not answer, since when
	late []check.Excuse        // when nodes did not answer in time
}

type sightingOf struct {
	node       int
	key, value string
}

const (
	sampleEvery  = 100 * time.Millisecond
	sampleWithin = 50 * time.Millisecond
)

func newSampler(c *cluster.Cluster, contestants []traffic.Contestant) *sampler {
	s := &sampler{cluster: c, owners: make(map[string]func(string) string), beside: make(map[string]string), seen: make(map[sightingOf]*check.Sighting), mute: make(map[int]clock.Instant)}
	for _, contestant := range contestants {
		for _, key := range keysOf(contestant) {
			s.keys = append(s.keys, key)
			s.owners[key] = contestant.Owner
		}
		s.queues = append(s.queues, queuesOf(contestant)...)
		for _, key := range keysOf(contestant) {
			if contestant.Beside != nil {
				for _, beside := range contestant.Beside(key) {
					s.beside[beside] = key
				}
			}
		}
	}
	return s
}

// run looks until ctx is done.
func (s *sampler) run(ctx context.Context) {
	for ctx.Err() == nil {
		s.look()
		sleep(ctx, sampleEvery)
	}
}

// look looks once at the nodes that answer.
func (s *sampler) look() {
	var looking sync.WaitGroup
	for _, n := range s.cluster.Nodes {
		if n.Running() {
			looking.Go(func() { s.lookAt(n) })
		}
	}
	looking.Wait()
}

func (s *sampler) lookAt(n *cluster.Node) {
	commands := make([][]string, 0, 2*len(s.keys)+len(s.queues))
	for _, key := range s.keys {
		commands = append(commands, []string{"GET", key}, []string{"PTTL", key})
	}
	for _, queue := range s.queues {
		commands = append(commands, []string{"PTTL", queue})
	}
	at := clock.Now() // before: what is seen was there then or later
	replies, err := n.DoAll(sampleWithin, commands...)
	var shares map[string][]cluster.Share
	if err == nil {
		shares, err = n.Shares(slices.Collect(maps.Keys(s.beside)), sampleWithin)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	since, mute := s.mute[n.Index]
	if err != nil { // in trouble, or one of us is slow
		if !mute {
			s.mute[n.Index] = at
		}
		return
	}
	if mute {
		s.late = append(s.late, check.Excuse{Node: n.Index, From: since, To: clock.Now()})
		delete(s.mute, n.Index)
	}
	for i, key := range s.keys {
		if value := replies[2*i]; value.Kind == resp.Text && !script.IsShared(value.Text) { // whose it is then, the shares tell
			s.see(n, key, value.Text, at, replies[2*i+1].Equal(resp.OfInt(-1)))
		}
	}
	for beside, list := range shares {
		for _, share := range list {
			if share.Left > 0 {
				s.see(n, s.beside[beside], share.Holder, at, false)
			}
		}
	}
	for i, queue := range s.queues {
		if left := replies[2*len(s.keys)+i]; left.Equal(resp.OfInt(-1)) {
			s.seen[sightingOf{n.Index, queue, ""}] = &check.Sighting{Node: n.Index, Key: queue, First: at, Last: at, Forever: true}
		}
	}
}

// see takes note of a value. It is called with the mutex held.
func (s *sampler) see(n *cluster.Node, key, value string, at clock.Instant, forever bool) {
	of := sightingOf{n.Index, key, value}
	if s.seen[of] == nil {
		s.seen[of] = &check.Sighting{Node: n.Index, Key: key, Value: value, Owner: s.owners[key](value), First: at}
	}
	s.seen[of].Last = at
	s.seen[of].Forever = s.seen[of].Forever || forever
}

// sightings returns what was seen of some keys.
func (s *sampler) sightings(of func(key string) bool) []check.Sighting {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []check.Sighting
	for _, sighting := range s.seen {
		if of(sighting.Key) {
			all = append(all, *sighting)
		}
	}
	return all
}

// silences are the times in which nodes did not answer as fast as they should: what
// was sent to them then was done late.
func (s *sampler) silences() []check.Excuse {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.late)
}

// left are the keys that are on a node now.
func (s *sampler) left() (map[string]bool, error) {
	left := make(map[string]bool)
	keys := slices.Concat(s.keys, slices.Collect(maps.Keys(s.beside)))
	var commands [][]string
	for _, key := range keys {
		commands = append(commands, []string{"EXISTS", key})
	}
	for _, n := range s.cluster.Nodes {
		replies, err := n.DoAll(5*time.Second, commands...)
		if err != nil {
			return nil, err
		}
		for i, reply := range replies {
			if reply.Equal(resp.OfInt(1)) {
				left[keys[i]] = true
			}
		}
	}
	return left, nil
}

// stale are the queues on a node now that will not be gone within the time.
func (s *sampler) stale(within time.Duration) (map[string]bool, error) {
	stale := make(map[string]bool)
	for _, n := range s.cluster.Nodes {
		for _, queue := range s.queues {
			left, err := n.Do("PTTL", queue)
			if err != nil {
				return nil, err
			}
			if left.Int == -1 || time.Duration(left.Int)*time.Millisecond > within {
				stale[queue] = true
			}
		}
	}
	return stale, nil
}
