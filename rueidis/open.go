package rueidis

import (
	"crypto/tls"
	"errors"
	"fmt"

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
// default user.
func WithCredentials(f func() (user, password string)) Option {
	return func(t *nodeurl.Target) error { return t.WithCredentials(f) }
}

// Open makes a node of a URL:
//
//	redis://[user:password@]host[:port][/db]
//	rediss://…?ca=FILE&cert=FILE&key=FILE&servername=NAME&insecure=true
//	unix://[user:password@]/path/to/socket[?db=N]
//
// It does not connect: a node that is down is no error here. The connection is
// made by the first call of Do, and again after it broke. A password may also
// come from [WithCredentials]. No error ever holds it.
func Open(url string, opts ...Option) (*Node, error) {
	target, err := nodeurl.Parse(url)
	if err != nil {
		return nil, fmt.Errorf("rueidis: %w", err)
	}
	for _, opt := range opts {
		if err := opt(target); err != nil {
			return nil, fmt.Errorf("rueidis: %w", err)
		}
	}
	return newNode(target), nil
}

// OpenAll opens a node for each URL, for redlock.Config.Nodes. On an error it
// closes those that it has opened.
func OpenAll(urls ...string) ([]redlock.Node, error) {
	nodes := make([]redlock.Node, 0, len(urls))
	for i, url := range urls {
		n, err := Open(url)
		if err != nil {
			err = fmt.Errorf("URL %d of %d: %w", i+1, len(urls), err)
			for _, n := range nodes {
				err = errors.Join(err, n.Close())
			}
			return nil, err
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}
