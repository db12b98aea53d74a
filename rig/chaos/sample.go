package chaos

import (
	"context"
	"slices"
	"sync"
	"time"

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
	queues  []string // keys of those who wait

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
	s := &sampler{cluster: c, owners: make(map[string]func(string) string), seen: make(map[sightingOf]*check.Sighting), mute: make(map[int]clock.Instant)}
	for _, contestant := range contestants {
		for _, lock := range locksOf(contestant.Name) {
			for _, key := range contestant.Keys(lock) {
				s.keys = append(s.keys, key)
				s.owners[key] = contestant.Owner
				if contestant.Queue != nil {
					s.queues = append(s.queues, contestant.Queue(key))
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
		value, left := replies[2*i], replies[2*i+1]
		if value.Kind != resp.Text {
			continue
		}
		of := sightingOf{n.Index, key, value.Text}
		if s.seen[of] == nil {
			s.seen[of] = &check.Sighting{Node: n.Index, Key: key, Value: value.Text, Owner: s.owners[key](value.Text), First: at}
		}
		s.seen[of].Last = at
		s.seen[of].Forever = s.seen[of].Forever || left.Equal(resp.OfInt(-1))
	}
	for i, queue := range s.queues {
		if left := replies[2*len(s.keys)+i]; left.Equal(resp.OfInt(-1)) {
			s.seen[sightingOf{n.Index, queue, ""}] = &check.Sighting{Node: n.Index, Key: queue, First: at, Last: at, Forever: true}
		}
	}
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
	for _, n := range s.cluster.Nodes {
		replies, err := n.DoAll(5*time.Second, append([]string{"MGET"}, s.keys...))
		if err != nil {
			return nil, err
		}
		for i, item := range replies[0].Items {
			if item.Kind == resp.Text {
				left[s.keys[i]] = true
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
