package rueidis

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/redlock-go/redlock/internal/nodeurl"
	"github.com/redlock-go/redlock/resp"
)

// link is one connection to a node: a rueidis client that connects once.
type link struct {
	client rueidis.Client
	conn   *conn

	// unanswered counts the batches that somebody waits for. Those that nobody
	// waits for any more are abandoned, and still take room in the ring until
	// they are answered, which is for sweep to notice.
	unanswered atomic.Int64
	abandoned  atomic.Int64
	sweeping   atomic.Bool
}

var (
	errGone = errors.New("the connection was lost before the batch was sent")
	errBusy = errors.New("too many batches are under way to this node: it does not answer")
)

// What rueidis is told. It asks for a sign of life after pingAfter without a
// reply, and gives the connection up if there is none within silence: that frees
// what a hung server holds.
const (
	pingAfter = 2 * time.Second
	silence   = 3 * time.Second

	// ringScale makes room for 2^10 batches under way. Beyond that, rueidis
	// would let a call wait without regard to its context.
	ringScale  = 10
	mostFlying = 1<<ringScale - 24 // rueidis's own pings need some

	bufferSize = 32 << 10
)

func open(ctx context.Context, target *nodeurl.Target) (*link, error) {
	l := &link{}
	var once atomic.Bool
	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress:       []string{target.Name()},
		ForceSingleClient: true,
		// The connection comes ready: TLS, user and database are the target's.
		DialCtxFn: func(context.Context, string, *net.Dialer, *tls.Config) (net.Conn, error) {
			if once.Swap(true) {
				return nil, errGone
			}
			c, err := target.Dial(ctx)
			if err != nil {
				return nil, err
			}
			l.conn = &conn{Conn: c}
			return l.conn, nil
		},
		Dialer:              net.Dialer{Timeout: dialTimeout, KeepAlive: pingAfter},
		ConnWriteTimeout:    silence,
		AlwaysRESP2:         true,
		DisableCache:        true, // no CLIENT TRACKING
		DisableRetry:        true,
		ClientSetInfo:       []string{}, // CLIENT SETINFO would need a right of its own
		PipelineMultiplex:   -1,         // one connection,
		BlockingPipeline:    -1,         // for large batches too
		RingScaleEachConn:   ringScale,
		ReadBufferEachConn:  bufferSize,
		WriteBufferEachConn: bufferSize,
	})
	if err != nil {
		if client != nil {
			client.Close()
		}
		return nil, err
	}
	l.client = client
	return l, nil
}

// do sends a batch. errGone is said of a batch that was not sent.
//
// rueidis has two ways. As long as calls come one after another, the caller writes
// and reads itself, without regard to cancellation; from the first that comes while
// another is under way, or can be cancelled, goroutines of its own do that for good.
// The second way costs two hand-overs more.
func (l *link) do(ctx context.Context, batch []resp.Command, room []resp.Reply) ([]resp.Reply, error) {
	if l.unanswered.Add(1)+l.abandoned.Load() > mostFlying {
		l.unanswered.Add(-1)
		return nil, errBusy
	}
	held := scratch.Get().(*[]rueidis.Completed)
	commands := (*held)[:0]
	for _, cmd := range batch {
		commands = append(commands, l.client.B().Arbitrary(cmd[0]).Args(cmd[1:]...).Build())
	}
	var replies []resp.Reply
	var err error
	if len(commands) == 1 {
		replies, err = appendReply(room, l.client.Do(ctx, commands[0]))
	} else {
		replies, err = appendReplies(room, l.client.DoMulti(ctx, commands...))
	}
	if err == nil { // or else rueidis may not be done with it
		*held = commands
		scratch.Put(held)
	}
	if err != nil && ctx.Err() != nil {
		l.abandoned.Add(1)
		if l.sweeping.CompareAndSwap(false, true) {
			go l.sweep()
		}
	}
	l.unanswered.Add(-1)
	return replies, err
}

// scratch holds slices for the commands of a batch, which rueidis is done with when
// it has given the replies.
var scratch = sync.Pool{New: func() any { return new([]rueidis.Completed) }}

// sweep finds out when what was abandoned has been answered: replies come in
// order, so it is when a later command has its own. Nobody else might send one,
// since what was abandoned can be all that there is room for. It ends when
// nothing is abandoned, or with the connection.
func (l *link) sweep() {
	for {
		before := l.abandoned.Load()
		if before == 0 {
			l.sweeping.Store(false)
			if l.abandoned.Load() == 0 || !l.sweeping.CompareAndSwap(false, true) {
				return
			}
			continue
		}
		if err := l.client.Do(context.Background(), l.client.B().Ping().Build()).NonRedisError(); err != nil {
			return // the connection is gone: nobody will ask for room in it
		}
		l.abandoned.Add(-before)
	}
}

// undated is a context that can be cancelled and does not tell when it will be: then
// rueidis heeds the cancellation.
type undated struct{ context.Context }

// Deadline is not told.
func (undated) Deadline() (time.Time, bool) { return time.Time{}, false }

func (l *link) broken() bool { return l.conn.closed.Load() }

// close cuts the connection, so that rueidis has nothing to wait for when it
// closes in its turn.
func (l *link) close() {
	_ = l.conn.Close()
	l.client.Close()
}

// conn knows when rueidis gave it up.
type conn struct {
	net.Conn
	closed atomic.Bool
	until  atomic.Int64 // the deadline, in ns since 1970
	once   sync.Once
	err    error
}

// SetDeadline is called before each batch that a caller of rueidis writes and reads
// itself, to set it to silence from now on: not again if it was set just now.
func (c *conn) SetDeadline(t time.Time) error {
	const justNow = silence / 10
	at := int64(0)
	if !t.IsZero() {
		at = t.UnixNano()
		if later := at - c.until.Load(); later >= 0 && later < int64(justNow) {
			return nil
		}
	}
	c.until.Store(at)
	return c.Conn.SetDeadline(t)
}

// Close closes the connection, once.
func (c *conn) Close() error {
	c.closed.Store(true)
	c.once.Do(func() { c.err = c.Conn.Close() })
	return c.err
}
