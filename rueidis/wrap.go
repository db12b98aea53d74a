package rueidis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"

	"github.com/redis/rueidis"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/internal/nodeurl"
	"github.com/redlock-go/redlock/resp"
)

// Wrapped is a [redlock.Node] on a rueidis client of the program's own. Its
// methods may be called from many goroutines at once.
type Wrapped struct {
	name   string
	client rueidis.Client
	refuse error // why the client is no node, nil if it is one
	mark   string
	epoch  atomic.Uint64

	once   sync.Once
	closed chan struct{}
}

var (
	_ redlock.Node    = (*Wrapped)(nil)
	_ redlock.Epocher = (*Wrapped)(nil)
)

// Wrap makes a node of a client that the program already has. Close leaves the
// client open.
//
// A batch is sent once only, whatever DisableRetry says, as rueidis repeats
// nothing that it does not know to be a read. These settings are worth a look:
//
//   - ConnWriteTimeout: what a hung server holds is freed after that much
//     silence (10 s by default).
//   - ConnLifetime: 0. A connection that ends of age while the server hangs makes
//     rueidis send again what was not answered.
//   - BlockingPoolSize: Subscribe takes one of these connections, and closes it
//     when it returns.
//   - ForceSingleClient: true, and DisableCache: true where the server or the
//     user's rights have no client tracking.
//
// A client does not tell when it connects anew, which the lock must know to keep
// a server from voting that restarted without its data ([redlock.Epocher]). So
// each batch looks at the name of its connection (CLIENT GETNAME) and sets one of
// the node's own (CLIENT SETNAME): a connection that does not have it yet is
// new. The names that the program gave its connections are lost by that; those
// who mind use [Open].
//
// A client of a Redis Cluster or of Sentinel is not one primary: all calls of Do
// fail.
func Wrap(client rueidis.Client) *Wrapped {
	w := &Wrapped{client: client, mark: "redlock-" + rand.Text(), closed: make(chan struct{})}
	mode, nodes := client.Mode(), client.Nodes()
	w.name = string(mode)
	if mode != rueidis.ClientModeStandalone || len(nodes) != 1 {
		w.refuse = fmt.Errorf("a %s client is no node of a lock: use a client of each primary, independent of each other", mode)
	}
	for addr := range nodes {
		if w.refuse == nil {
			w.name = nodeurl.Address(addr)
		}
	}
	return w
}

// Name returns the server's address, "host:port" or the path of its socket.
func (w *Wrapped) Name() string { return w.name }

// Epoch is the number of connections met so far, but for those of subscriptions;
// see [redlock.Epocher].
func (w *Wrapped) Epoch() uint64 { return w.epoch.Load() }

// Do sends the batch in one write and returns the replies. It returns an error
// that is ctx.Err() as soon as ctx is done. After Close it returns an error that
// is net.ErrClosed.
func (w *Wrapped) Do(ctx context.Context, batch []resp.Command) ([]resp.Reply, error) {
	select {
	case <-w.closed:
		return nil, w.errorOf(net.ErrClosed)
	default:
	}
	if err := errors.Join(w.refuse, ctx.Err()); err != nil {
		return nil, w.errorOf(err)
	}
	if len(batch) == 0 {
		return nil, nil
	}
	commands := make([]rueidis.Completed, 0, marks+len(batch))
	commands = append(commands,
		w.client.B().ClientGetname().Build(), w.client.B().ClientSetname().ConnectionName(w.mark).Build())
	for _, cmd := range batch {
		commands = append(commands, w.client.B().Arbitrary(cmd[0]).Args(cmd[1:]...).Build())
	}
	// rueidis may connect first, or read in this goroutine, and does not heed
	// every end of a context in that.
	results := make(chan []rueidis.RedisResult, 1)
	go func() { results <- w.client.DoMulti(ctx, commands...) }()
	select {
	case r := <-results:
		all, err := appendReplies(nil, r)
		if err != nil {
			return nil, w.errorOf(err)
		}
		if err := w.meet(all[:marks]); err != nil {
			return nil, w.errorOf(err)
		}
		return all[marks:], nil
	case <-ctx.Done():
		return nil, w.errorOf(ctx.Err())
	case <-w.closed:
		return nil, w.errorOf(net.ErrClosed)
	}
}

// marks is the number of commands before each batch that tell a new connection.
const marks = 2

// meet counts the connection that the replies came over if it is a new one.
func (w *Wrapped) meet(marked []resp.Reply) error {
	for _, r := range marked {
		if r.Kind == resp.Error {
			return fmt.Errorf("the connection cannot be told from a new one: %s "+
				"(the user of a wrapped client needs +client|getname and +client|setname)", r.Text)
		}
	}
	if marked[0].Text != w.mark {
		w.epoch.Add(1)
	}
	return nil
}

// Close ends the calls of Do and Subscribe that are under way, and leaves the client
// open. It is idempotent.
func (w *Wrapped) Close() error {
	w.once.Do(func() { close(w.closed) })
	return nil
}

func (w *Wrapped) errorOf(err error) error { return fmt.Errorf("%s: %w", w.name, err) }
