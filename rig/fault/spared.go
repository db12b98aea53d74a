package fault

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/resp"
	"github.com/redlock-go/redlock/rig/clock"
	"github.com/redlock-go/redlock/rig/cluster"
)

// Spared keeps a loss of memory within what a quorum survives. That one node of
// five forgets is a minority only if a majority of the others remembers: a lease
// that was granted by just three, as the other two were slow, is lost with the
// first of them. So before a node is made to forget, every lock on it must be on
// a majority of the others, and stay there until it is done. On a machine that
// stands still in between nobody can promise that, so it is measured, and a loss
// that took too long is told as a [Lapse].
type Spared struct {
	Cluster *cluster.Cluster
	// Lock tells the keys that are locks on a quorum from others.
	Lock func(key string) bool
	// Shared are those of them that several may have at once.
	Shared []string

	one    sync.Mutex // loss at a time: two at once could both count on the other
	mu     sync.Mutex
	lapses []Lapse
}

// Lapse is a loss of memory of which it is not certain that a majority of the
// others remembered what was lost. It says nothing of what came of it.
type Lapse struct {
	From, To clock.Instant // between which it took place
	Node     int
	Why      string
}

// String is a line of the report.
func (l Lapse) String() string { return fmt.Sprintf("node %d: %s", l.Node, l.Why) }

// Lapses returns those so far.
func (s *Spared) Lapses() []Lapse {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.lapses)
}

func (s *Spared) lapsed(n *cluster.Node, from clock.Instant, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lapses = append(s.lapses, Lapse{From: from, To: clock.Now(), Node: n.Index, Why: why})
}

const (
	// spareWithin bounds the reading of one node.
	spareWithin = 200 * time.Millisecond
	// spareFor is for how long the others must still remember for a try to be made.
	spareFor = 100 * time.Millisecond
	// pauseFor is how long a node takes no writes, at most.
	pauseFor = 500 * time.Millisecond
)

// flushIfSame flushes the node if it has no other values than the given ones.
//
// ARGV     the key that is the node's own; key, value, key, value, …
// returns  1 flushed | 0 there is a value that is not among them
const flushIfSame = `
local known = {}
for i = 2, #ARGV, 2 do known[ARGV[i]] = ARGV[i + 1] end
for _, key in ipairs(redis.call('KEYS', '*')) do
  local kind = redis.call('TYPE', key).ok
  if key ~= ARGV[1] and kind == 'string' and redis.call('GET', key) ~= known[key] then
    return 0
  end
  local lock = string.match(key, '^{(.*)}:[rs]$')
  if kind == 'zset' and lock then
    for _, holder in ipairs(redis.call('ZRANGE', key, 0, -1)) do
      if string.sub(holder, 1, 4) ~= 'rl1>' and not known[lock .. ' ' .. holder] then
        return 0
      end
    end
  end
end
redis.call('FLUSHALL')
return 1`

// flush flushes the node in the same step in which it sees that it has nothing but
// what the others were seen to have.
func (s *Spared) flush(n *cluster.Node) (done bool, err error) {
	s.one.Lock()
	defer s.one.Unlock()
	from := clock.Now()
	values, until, ok := s.remembered(n)
	if !ok {
		return false, nil
	}
	args := []string{"EVAL", flushIfSame, "0", script.FreshKey}
	for key, value := range values {
		args = append(args, key, value)
	}
	reply, err := n.Do(args...)
	done = reply.Equal(resp.OfInt(1))
	if done && clock.Now() > until {
		s.lapsed(n, from, "flushed too long after it was seen that the others remember")
	}
	return done, ofReply(reply, err)
}

// whilePaused calls do while the node takes no writes and has nothing but what the
// others have.
func (s *Spared) whilePaused(n *cluster.Node, do func() error) (done bool, err error) {
	s.one.Lock()
	defer s.one.Unlock()
	if _, _, ok := s.remembered(n); !ok {
		return false, nil
	}
	from := clock.Now()
	unpaused := from.Add(pauseFor) // or later
	reply, err := n.Do("CLIENT", "PAUSE", fmt.Sprint(pauseFor.Milliseconds()), "WRITE")
	if err := ofReply(reply, err); err != nil {
		return false, err
	}
	if _, until, ok := s.remembered(n); ok && clock.Now().Add(spareFor) < unpaused {
		done, err = true, do()
		if clock.Now() > min(until, unpaused) {
			s.lapsed(n, from, "its clock was set too long after it was seen that the others remember")
		}
	}
	reply, failed := n.Do("CLIENT", "UNPAUSE")
	return done, errors.Join(err, ofReply(reply, failed))
}

// remembered reads the strings on the node, and who has slots or reads, and reports whether each lock among
// them that is held is on a majority of the cluster without counting this node, and until when
// they will have it if its holder does nothing. A holder that gives it up knows of
// it; and what ends a key before its time is done to one node after another.
func (s *Spared) remembered(n *cluster.Node) (values map[string]string, until clock.Instant, ok bool) {
	var err error
	values, _, err = s.holders(n)
	if err != nil {
		return nil, 0, false
	}
	ends := make(map[string][]clock.Instant)
	for _, other := range s.Cluster.Nodes {
		if other == n || !other.Running() {
			continue
		}
		at := clock.Now() // before: what lives for so long now lives for longer from then on
		theirs, left, err := s.holders(other)
		if err != nil {
			continue
		}
		for key, value := range theirs {
			if mine, found := values[key]; found && script.Unmarked(mine) == script.Unmarked(value) {
				ends[key] = append(ends[key], at.Add(left[key]))
			}
		}
	}
	until = math.MaxInt64
	majority := len(s.Cluster.Nodes)/2 + 1
	for key := range values {
		lock, _, _ := strings.Cut(key, " ")
		if !s.Lock(lock) || script.IsReservation(values[key]) {
			continue // nobody's lease is lost with it
		}
		if len(ends[key]) < majority {
			return nil, 0, false
		}
		slices.Sort(ends[key])
		until = min(until, ends[key][len(ends[key])-majority])
	}
	return values, until, clock.Now().Add(spareFor) < until
}

// holders are the strings on a node, and who reads the keys that are shared, or has their slots, each under
// the key, a space and his value; and how long they live yet.
func (s *Spared) holders(n *cluster.Node) (values map[string]string, left map[string]time.Duration, err error) {
	values, left, err = n.Expiring(spareWithin)
	if err != nil {
		return nil, nil, err
	}
	if values == nil {
		values, left = make(map[string]string), make(map[string]time.Duration)
	}
	views, err := n.Look(s.Shared, spareWithin)
	if err != nil {
		return nil, nil, err
	}
	for key, view := range views {
		for _, share := range slices.Concat(view.Readers, view.Slots) {
			id := key + " " + share.Value
			values[id], left[id] = fmt.Sprintf("%s %d", share.Value, share.Slot), share.Remaining // a slot's number says which lock it is
		}
	}
	return values, left, nil
}
