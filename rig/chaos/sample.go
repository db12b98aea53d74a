package chaos

import (
	"context"
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
	queues  []string // keys of those who wait
	shared  []string // of the keys, those that several may have at once
	beside  []string // and where it stands who they are

	mu   sync.Mutex
	here map[sightingOf]*check.Sighting
	gone []check.Sighting      // reservations that have come to an end
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
	s := &sampler{cluster: c, owners: make(map[string]func(string) string), here: make(map[sightingOf]*check.Sighting), mute: make(map[int]clock.Instant)}
	for _, contestant := range contestants {
		for _, key := range keysOf(contestant) {
			s.keys = append(s.keys, key)
			s.owners[key] = contestant.Owner
		}
		s.queues = append(s.queues, queuesOf(contestant)...)
		s.beside = append(s.beside, besideOf(contestant)...)
	}
	s.shared = sharedOf(contestants)
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
	began := clock.Now()
	replies, err := n.DoAll(sampleWithin, commands...)
	var views map[string]script.View
	if err == nil {
		views, err = n.Look(s.shared, sampleWithin)
	}
	look := looked{node: n.Index, began: began, ended: clock.Now()}
	s.mu.Lock()
	defer s.mu.Unlock()
	since, mute := s.mute[n.Index]
	if err != nil { // in trouble, or one of us is slow
		if !mute {
			s.mute[n.Index] = began
		}
		return
	}
	if mute {
		s.late = append(s.late, check.Excuse{Node: n.Index, From: since, To: look.ended})
		delete(s.mute, n.Index)
	}
	for i, key := range s.keys {
		if value := replies[2*i]; value.Kind == resp.Text && !script.IsShared(value.Text) { // whose it is then, the views tell
			s.see(look, key, value.Text, replies[2*i+1].Equal(resp.OfInt(-1)))
		}
	}
	for key, view := range views {
		for _, share := range slices.Concat(view.Readers, view.Slots) {
			s.see(look, key, share.Value, false)
		}
	}
	for i, queue := range s.queues {
		if left := replies[2*len(s.keys)+i]; left.Equal(resp.OfInt(-1)) {
			s.see(look, queue, "", true)
		}
	}
	s.leave(look)
}

// looked is a look at a node. What was seen was there at some time of it: no later than
// its end for the first time, and no earlier than its beginning for the last.
type looked struct {
	node         int
	began, ended clock.Instant
}

// see takes note of a value. It is called with the mutex held.
func (s *sampler) see(look looked, key, value string, forever bool) {
	of := sightingOf{look.node, key, value}
	seen := s.here[of]
	if seen == nil {
		seen = &check.Sighting{Node: look.node, Key: key, Value: value, First: look.ended}
		if owner := s.owners[key]; owner != nil {
			seen.Owner = owner(value)
		}
		s.here[of] = seen
	}
	seen.Last = look.began
	seen.Forever = seen.Forever || forever
}

// leave ends the reservations that a look did not find any more: who waits for several locks has one kept
// for it under the same value again and again. A lease's value does not come back, or is one that stayed.
// It is called with the mutex held.
func (s *sampler) leave(look looked) {
	for of, seen := range s.here {
		if of.node == look.node && seen.Last < look.began && script.IsReservation(of.value) {
			s.gone = append(s.gone, *seen)
			delete(s.here, of)
		}
	}
}

// sightings returns what was seen of some keys.
func (s *sampler) sightings(of func(key string) bool) []check.Sighting {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []check.Sighting
	for _, seen := range s.gone {
		if of(seen.Key) {
			all = append(all, seen)
		}
	}
	for _, seen := range s.here {
		if of(seen.Key) {
			all = append(all, *seen)
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
	keys := slices.Concat(s.keys, s.beside)
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
