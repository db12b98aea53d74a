package rueidis

import (
	"crypto/tls"
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
	target, err := nodeurl.ParseWith(url, opts)
	if err != nil {
		return nil, fmt.Errorf("rueidis: %w", err)
	}
	return newNode(target), nil
}

// OpenAll opens a node for each URL, for redlock.Config.Nodes. On an error it
// closes those that it has opened.
func OpenAll(urls ...string) ([]redlock.Node, error) {
	return nodeurl.OpenAll(urls, func(url string) (redlock.Node, error) { return Open(url) })
}
