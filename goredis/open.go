package goredis

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/internal/nodeurl"
)

// An Option of [Open].
type Option func(*nodeurl.Target) error

// WithTLS replaces what a rediss:// URL says about TLS. The server's name is the
// URL's host if the configuration has none.
func WithTLS(c *tls.Config) Option {
	return func(t *nodeurl.Target) error { return t.WithTLS(c) }
}

// WithCredentials asks f for the user and the password at each new connection,
// so that they need not stand in the URL and may change. An empty user is the
// default user. f may be called from many goroutines at once.
func WithCredentials(f func() (user, password string)) Option {
	return func(t *nodeurl.Target) error { return t.WithCredentials(f) }
}

// How long things may take, at most. The lock has deadlines of its own, which
// come earlier; these are what frees a connection if nothing else does.
const (
	dialTimeout = 5 * time.Second
	ioTimeout   = 30 * time.Second
)

// poolSize bounds the connections to one node. A batch has one to itself for
// one round trip.
const poolSize = 32

// Open makes a node of a URL:
//
//	redis://[user:password@]host[:port][/db]
//	rediss://…?ca=FILE&cert=FILE&key=FILE&servername=NAME&insecure=true
//	unix://[user:password@]/path/to/socket[?db=N]
//
// It does not connect: a node that is down is no error here. Connections are
// made when they are needed. A password may also come from [WithCredentials]. No
// error ever holds it.
//
// While a node is down, go-redis itself writes no line to its log; for the rest
// of what it logs there is its redis.SetLogger.
func Open(url string, opts ...Option) (*Node, error) {
	target, err := nodeurl.ParseWith(url, opts)
	if err != nil {
		return nil, fmt.Errorf("goredis: %w", err)
	}
	client := redis.NewClient(&redis.Options{
		Network: target.Network(),
		Addr:    target.Name(),
		// The connection comes ready: TLS, user and database are the target's.
		Dialer: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, target), nil },

		Protocol:              2,
		DisableIdentity:       true, // CLIENT SETINFO would need a right of its own
		ContextTimeoutEnabled: true,
		MaxRetries:            -1,
		DialerRetries:         1,
		DialTimeout:           dialTimeout,
		ReadTimeout:           ioTimeout,
		WriteTimeout:          ioTimeout,
		PoolSize:              poolSize,
		PipelinePoolSize:      -1, // no second pool
		PoolTimeout:           ioTimeout,
		ReadBufferSize:        4096,
		WriteBufferSize:       4096,
		MaintNotificationsConfig: &maintnotifications.Config{
			Mode: maintnotifications.ModeDisabled,
		},
	})
	n := newNode(target.Name(), client, true, target.Epoch)
	n.target = target
	return n, nil
}

// OpenAll opens a node for each URL, for redlock.Config.Nodes. On an error it
// closes those that it has opened.
func OpenAll(urls ...string) ([]redlock.Node, error) {
	return nodeurl.OpenAll(urls, func(url string) (redlock.Node, error) { return Open(url) })
}
