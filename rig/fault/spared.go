package fault

import (
	"errors"
	"time"

	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/resp"
	"github.com/redlock-go/redlock/rig/cluster"
)

// Spared keeps a loss of memory within what a quorum survives. That one node of
// five forgets is a minority only if a majority of the others remembers: a lease
// that was granted by just three, as the other two were slow, is lost with the
// first of them. So before a node is made to forget, every lock on it must be on
// a majority of the others.
type Spared struct {
	Cluster *cluster.Cluster
	// Lock tells the keys that are locks on a quorum from others.
	Lock func(key string) bool
}

// spareWithin bounds the reading of one node.
const spareWithin = 200 * time.Millisecond

// flushIfSame flushes the node if it has no other values than the given ones.
//
// ARGV     the key that is the node's own; key, value, key, value, …
// returns  1 flushed | 0 there is a value that is not among them
const flushIfSame = `
local known = {}
for i = 2, #ARGV, 2 do known[ARGV[i]] = ARGV[i + 1] end
for _, key in ipairs(redis.call('KEYS', '*')) do
  if key ~= ARGV[1] and redis.call('TYPE', key).ok == 'string' and redis.call('GET', key) ~= known[key] then
    return 0
  end
end
redis.call('FLUSHALL')
return 1`

// flush flushes the node in the same step in which it sees that it has nothing but
// what the others were seen to have.
func (s *Spared) flush(n *cluster.Node) (done bool, err error) {
	values, ok := s.remembered(n)
	if !ok {
		return false, nil
	}
	args := []string{"EVAL", flushIfSame, "0", script.FreshKey}
	for key, value := range values {
		args = append(args, key, value)
	}
	reply, err := n.Do(args...)
	return reply.Equal(resp.OfInt(1)), ofReply(reply, err)
}

// whilePaused calls do while the node takes no writes and has nothing but what the
// others have.
func (s *Spared) whilePaused(n *cluster.Node, do func() error) (done bool, err error) {
	if _, ok := s.remembered(n); !ok {
		return false, nil
	}
	reply, err := n.Do("CLIENT", "PAUSE", "500", "WRITE")
	if err := ofReply(reply, err); err != nil {
		return false, err
	}
	begin := time.Now()
	if _, ok := s.remembered(n); ok && time.Since(begin) < 400*time.Millisecond {
		done, err = true, do()
	}
	reply, unpaused := n.Do("CLIENT", "UNPAUSE")
	return done, errors.Join(err, ofReply(reply, unpaused))
}

// remembered reads the strings on the node, and reports whether each lock among
// them is on a majority of the cluster without counting this node.
func (s *Spared) remembered(n *cluster.Node) (values map[string]string, ok bool) {
	values, err := n.Strings(spareWithin)
	if err != nil {
		return nil, false
	}
	count := make(map[string]int)
	for _, other := range s.Cluster.Nodes {
		if other == n || !other.Running() {
			continue
		}
		theirs, err := other.Strings(spareWithin)
		if err != nil {
			continue
		}
		for key, value := range theirs {
			if values[key] == value {
				count[key]++
			}
		}
	}
	for key := range values {
		if s.Lock(key) && count[key] < len(s.Cluster.Nodes)/2+1 {
			return nil, false
		}
	}
	return values, true
}
