package contestant

import (
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

// compareAndDelete is the release that Redis's own page on Redlock shows.
const compareAndDelete = `if redis.call("get",KEYS[1]) == ARGV[1] then return redis.call("del",KEYS[1]) else return 0 end`

func floor() Contestant {
	return floorOf(Floor, "floor, no library", false, "no lock library: SET NX PX and an EVALSHA that compares and deletes, each to all nodes at once, on rueidis without retries and with one connection a node (faster here than its default of four); "+
		"what callers ask of a node while it answers others goes there together, in one DoMulti; back as soon as a majority has said yes; no deadline, token, guard or renewal. "+
		"Under contention it spins: who gets no majority releases on all nodes, waits for a majority's answers, and tries again at once. In S3 a sync.Mutex stands in front of it")
}

// FloorPlain is the name of the floor without batches.
const FloorPlain = "floor-plain"

func floorPlain() Contestant {
	return floorOf(FloorPlain, "floor, without batches", true, "as floor, but each call is a Do of its own, from a goroutine for each caller and node, and rueidis pipelines what meets: how one would write it at first")
}

func floorOf(name, label string, plain bool, settings string) Contestant {
	return Contestant{
		Name: name, Label: label, Modules: []string{"github.com/redis/rueidis"}, Settings: settings,
		Key: func(lock string) string { return lock },
		Open: func(s Setup) (Locker, error) {
			clients, err := openRueidis(s, func(o *rueidis.ClientOption) { o.DisableRetry = true; o.PipelineMultiplex = -1 })
			if err != nil {
				return nil, err
			}
			return newFloor(clients, s, plain)
		},
	}
}

// floorLocker is the least that a lock over N nodes can do.
type floorLocker struct {
	clients rueidisClients
	need    int
	ttl     time.Duration
	sha     string
	prefix  string
	count   atomic.Uint64

	plain bool
	nodes []chan floorAsk  // to each node's goroutine, if all callers share it
	idle  chan *floorRound // rounds to use again
	done  chan struct{}

	local bool
	mu    sync.Mutex
	gates map[string]*sync.Mutex
}

func newFloor(clients rueidisClients, s Setup, plain bool) (*floorLocker, error) {
	f := &floorLocker{
		clients: clients, need: len(clients)/2 + 1, ttl: s.TTL, prefix: rand.Text()[:8],
		idle: make(chan *floorRound, 1024), done: make(chan struct{}),
		local: s.Local, gates: make(map[string]*sync.Mutex),
	}
	for _, c := range clients {
		sha, err := c.Do(context.Background(), c.B().ScriptLoad().Script(compareAndDelete).Build()).ToString()
		if err != nil {
			clients.close()
			return nil, err
		}
		f.sha = sha
	}
	f.plain = plain
	if !plain {
		f.nodes = f.serveAll(floorBatch)
	}
	return f, nil
}

// Acquire spins until it has a majority, or ctx is done.
func (f *floorLocker) Acquire(ctx context.Context, lock string) (Lease, error) {
	if f.local {
		f.gate(lock).Lock()
	}
	r := f.round()
	r.key = lock
	for {
		r.value = f.prefix + strconv.FormatUint(f.count.Add(1), 36)
		if r.run(floorSet, f.need) {
			return r, nil
		}
		r.run(floorRelease, f.need) // each node gets it before the next try
		if err := ctx.Err(); err != nil {
			f.back(r)
			if f.local {
				f.gate(lock).Unlock()
			}
			return nil, err
		}
	}
}

func (f *floorLocker) gate(lock string) *sync.Mutex {
	f.mu.Lock()
	defer f.mu.Unlock()
	g := f.gates[lock]
	if g == nil {
		g = new(sync.Mutex)
		f.gates[lock] = g
	}
	return g
}

// Close ends the connections.
func (f *floorLocker) Close() error {
	close(f.done)
	f.clients.close()
	return nil
}

// round returns one that is idle, or a new one.
func (f *floorLocker) round() *floorRound {
	select {
	case r := <-f.idle:
		return r
	default:
	}
	// Room for the votes of stragglers, which nobody reads before the next round.
	r := &floorRound{floor: f, nodes: f.nodes, votes: make(chan floorVote, 64*len(f.clients))}
	if f.plain {
		r.nodes = f.serveAll(1)
	}
	return r
}

// serveAll starts a goroutine for each node; a single node is served by whoever
// asks.
func (f *floorLocker) serveAll(batch int) []chan floorAsk {
	var nodes []chan floorAsk
	if len(f.clients) == 1 {
		return nil
	}
	for _, c := range f.clients {
		asks := make(chan floorAsk, floorBacklog)
		nodes = append(nodes, asks)
		go f.serve(c, asks, batch)
	}
	return nodes
}

func (f *floorLocker) back(r *floorRound) {
	select {
	case f.idle <- r:
	default:
	}
}

// floorRound is what a caller asks of all nodes.
type floorRound struct {
	floor *floorLocker
	key   string
	value string
	turn  uint64
	nodes []chan floorAsk
	votes chan floorVote
}

// floorBacklog is how many commands may wait for a node; one that does not answer
// is left out after that.
const floorBacklog = 1024

type floorOp int

const (
	floorSet floorOp = iota
	floorRelease
)

type floorAsk struct {
	op         floorOp
	turn       uint64
	key, value string
	votes      chan<- floorVote
}

type floorVote struct {
	turn uint64
	yes  bool
}

// serve sends to one node, in one write what has come together while the node
// answered what was sent before.
func (f *floorLocker) serve(c rueidis.Client, asks <-chan floorAsk, most int) {
	batch := make([]floorAsk, 0, most)
	commands := make(rueidis.Commands, 0, most)
	for {
		batch, commands = batch[:0], commands[:0]
		select {
		case ask := <-asks:
			batch = append(batch, ask)
		case <-f.done:
			return
		}
		for more := true; more && len(batch) < most; {
			select {
			case ask := <-asks:
				batch = append(batch, ask)
			default:
				more = false
			}
		}
		if len(batch) == 1 {
			batch[0].vote(c.Do(context.Background(), f.command(c, batch[0])))
			continue
		}
		for _, ask := range batch {
			commands = append(commands, f.command(c, ask))
		}
		for i, result := range c.DoMulti(context.Background(), commands...) {
			batch[i].vote(result)
		}
	}
}

// floorBatch is the most that is sent in one write.
const floorBatch = 128

func (f *floorLocker) command(c rueidis.Client, ask floorAsk) rueidis.Completed {
	if ask.op == floorSet {
		return c.B().Set().Key(ask.key).Value(ask.value).Nx().Px(f.ttl).Build()
	}
	return c.B().Evalsha().Sha1(f.sha).Numkeys(1).Key(ask.key).Arg(ask.value).Build()
}

// vote tells the caller. A nil reply, an error of its own kind, is a refusal.
func (ask floorAsk) vote(result rueidis.RedisResult) {
	select {
	case ask.votes <- floorVote{ask.turn, result.Error() == nil}:
	default: // nobody has read for very long
	}
}

// run asks all nodes at once and returns when need of them have said yes, or so
// many cannot any more.
func (r *floorRound) run(op floorOp, need int) bool {
	r.turn++
	ask := floorAsk{op, r.turn, r.key, r.value, r.votes}
	if c := r.floor.clients[0]; len(r.nodes) == 0 {
		return c.Do(context.Background(), r.floor.command(c, ask)).Error() == nil
	}
	waiting := 0
	for _, asks := range r.nodes {
		select {
		case asks <- ask:
			waiting++
		default:
		}
	}
	for yes := 0; yes+waiting >= need; {
		vote := <-r.votes
		if vote.turn != r.turn {
			continue
		}
		waiting--
		if vote.yes {
			if yes++; yes >= need {
				return true
			}
		}
	}
	return false
}

var errFloorRelease = errors.New("floor: no majority answered the release")

// Release returns when a majority has answered.
func (r *floorRound) Release(context.Context) error {
	ok := r.run(floorRelease, r.floor.need)
	f, lock := r.floor, r.key
	f.back(r)
	if f.local {
		f.gate(lock).Unlock()
	}
	if !ok {
		return errFloorRelease
	}
	return nil
}
