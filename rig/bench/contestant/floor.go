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
	return Contestant{
		Name: Floor, Modules: []string{"github.com/redis/rueidis"},
		Settings: "no lock library: SET NX PX and an EVALSHA that compares and deletes, each to all nodes at once, on rueidis without retries and with one connection a node (faster here than its default of four); back as soon as a majority has said yes; no deadline, token, guard or renewal. " +
			"Under contention it spins: who gets no majority releases on all nodes, waits for a majority's answers, and tries again at once. In S3 a sync.Mutex stands in front of it",
		Key: func(lock string) string { return lock },
		Open: func(s Setup) (Locker, error) {
			clients, err := openRueidis(s, func(o *rueidis.ClientOption) { o.DisableRetry = true; o.PipelineMultiplex = -1 })
			if err != nil {
				return nil, err
			}
			return newFloor(clients, s)
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

	idle chan *floorRound // rounds to use again
	done chan struct{}

	local bool
	mu    sync.Mutex
	gates map[string]*sync.Mutex
}

func newFloor(clients rueidisClients, s Setup) (*floorLocker, error) {
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
	r := &floorRound{floor: f, votes: make(chan floorVote, 4*floorBacklog*len(f.clients))}
	if len(f.clients) == 1 {
		return r
	}
	for _, c := range f.clients {
		asks := make(chan floorAsk, floorBacklog)
		r.asks = append(r.asks, asks)
		go r.serve(c, asks)
	}
	return r
}

func (f *floorLocker) back(r *floorRound) {
	select {
	case f.idle <- r:
	default:
	}
}

// floorRound is a caller's goroutine for each node, which stays there for later
// rounds: cheaper than a new one for each command.
type floorRound struct {
	floor *floorLocker
	key   string
	value string
	turn  uint64
	asks  []chan floorAsk
	votes chan floorVote
}

// floorBacklog is how many commands of one caller may be under way to a node; a
// node that does not answer is left out after that.
const floorBacklog = 64

type floorOp int

const (
	floorSet floorOp = iota
	floorRelease
)

type floorAsk struct {
	op         floorOp
	turn       uint64
	key, value string
}

type floorVote struct {
	turn uint64
	yes  bool
}

// serve sends to one node and waits for its reply, one command after the other.
func (r *floorRound) serve(c rueidis.Client, asks <-chan floorAsk) {
	for {
		var ask floorAsk
		select {
		case ask = <-asks:
		case <-r.floor.done:
			return
		}
		vote := floorVote{ask.turn, r.send(c, ask)}
		select {
		case r.votes <- vote:
		default: // nobody has read for very long
		}
	}
}

// send sends to one node and says whether it agreed.
func (r *floorRound) send(c rueidis.Client, ask floorAsk) bool {
	ctx := context.Background()
	if ask.op == floorSet {
		// A nil reply, an error of its own kind, is a refusal.
		return c.Do(ctx, c.B().Set().Key(ask.key).Value(ask.value).Nx().Px(r.floor.ttl).Build()).Error() == nil
	}
	return c.Do(ctx, c.B().Evalsha().Sha1(r.floor.sha).Numkeys(1).Key(ask.key).Arg(ask.value).Build()).Error() == nil
}

// run asks all nodes at once and returns when need of them have said yes, or so
// many cannot any more.
func (r *floorRound) run(op floorOp, need int) bool {
	r.turn++
	if len(r.asks) == 0 { // a single node needs no other goroutine
		return r.send(r.floor.clients[0], floorAsk{op, r.turn, r.key, r.value})
	}
	waiting := 0
	for _, asks := range r.asks {
		select {
		case asks <- floorAsk{op, r.turn, r.key, r.value}:
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
