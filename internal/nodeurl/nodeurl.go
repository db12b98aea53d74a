// Package nodeurl is the one dialect of node URLs that all adapters speak, and
// the connection that a URL leads to.
//
//	redis://[user:password@]host[:port][/db]
//	rediss://…?ca=FILE&cert=FILE&key=FILE&servername=NAME&insecure=true
//	unix://[user:password@]/path/to/socket[?db=N]
//
// No error, name or printed value of this package ever holds a password, nor a
// part of one that was not percent-encoded and so landed in another field.
package nodeurl

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
)

const defaultPort = 6379

// Target is where a URL leads. It is not to be changed after Parse, but by its
// methods before the first Dial.
type Target struct {
	network     string // "tcp" or "unix"
	addr        string // host:port in canonical form, or the path of a socket
	host        string // of TLS's server name
	db          int
	tls         *tls.Config // nil for none
	credentials func() (user, password string)
	epoch       atomic.Uint64
}

// Parse reads a node's URL, and the files of its certificates. Its errors name
// the field that is wrong.
func Parse(raw string) (*Target, error) {
	u, err := url.Parse(raw)
	// The text of url's own error holds the URL, or a part of it. And an @ behind
	// the host is the end of a password that was cut in two.
	if err != nil || strings.Contains(u.Path+u.Opaque+u.RawQuery+u.Fragment, "@") {
		return nil, errors.New("this is no URL of a node: want redis://host:port, rediss://host:port or unix:///path; " +
			"in a password, write special characters percent-encoded: @ as %40, / as %2F, # as %23, ? as %3F, % as %25")
	}
	t := &Target{}
	if err := t.parse(u); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *Target) parse(u *url.URL) error {
	secure, err := t.scheme(u)
	if err != nil {
		return err
	}
	if t.network == "unix" {
		err = t.socket(u)
	} else {
		err = t.hostPort(u)
	}
	if err != nil {
		return err
	}
	for _, part := range []func(*url.URL) error{t.user, t.database} {
		if err := part(u); err != nil {
			return t.errorOf(err)
		}
	}
	if u.Fragment != "" {
		return t.errorOf(errors.New("a # in the URL: in a password, write it as %23"))
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return t.errorOf(errors.New("the part after ? makes no sense"))
	}
	if err := checkParameters(q, secure); err != nil {
		return t.errorOf(err)
	}
	if secure {
		if t.tls, err = tlsConfig(q, t.host); err != nil {
			return t.errorOf(err)
		}
	}
	return nil
}

func (t *Target) scheme(u *url.URL) (secure bool, err error) {
	t.network = "tcp"
	switch strings.ToLower(u.Scheme) {
	case "redis", "valkey":
		return false, nil
	case "rediss", "valkeys":
		return true, nil
	case "unix":
		t.network = "unix"
		return false, nil
	case "redis+cluster", "redis-cluster", "rediss+cluster", "rediss-cluster", "cluster", "valkey+cluster", "valkey-cluster":
		return false, errors.New("scheme: a Redis Cluster is no node of a lock: list the URLs of independent primaries, redis://host:port each")
	case "redis+sentinel", "redis-sentinel", "rediss+sentinel", "rediss-sentinel", "sentinel", "valkey+sentinel", "valkey-sentinel":
		return false, errors.New("scheme: a primary that Sentinel replaces is no node of a lock, as a replica may not have its keys: " +
			"list the URLs of independent primaries, redis://host:port each")
	}
	return false, errors.New("scheme: want redis://host:port, rediss://host:port or unix:///path")
}

func (t *Target) hostPort(u *url.URL) error {
	if u.Opaque != "" {
		return errors.New("host: want two slashes after the scheme, as in redis://host:port")
	}
	if strings.Contains(u.Host, ",") {
		return errors.New("host: a URL leads to one node: give each node a URL of its own")
	}
	addr, host, err := canonical(u.Hostname(), u.Port())
	if err != nil {
		return err
	}
	t.addr, t.host = addr, host
	return nil
}

// Address brings "host:port" into the form that Target.Name has, so that the
// same server has one name whoever opens it. What is no host:port, such as the
// path of a socket, stays as it is.
func Address(hostPort string) string {
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		return hostPort
	}
	addr, _, err := canonical(host, port)
	if err != nil {
		return hostPort
	}
	return addr
}

func canonical(host, port string) (addr, canonicalHost string, err error) {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.Unmap().String()
	}
	if host == "" {
		return "", "", errors.New("host: missing, want redis://host:port")
	}
	n := defaultPort
	if port != "" {
		if n, err = strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return "", "", errors.New("port: want a number from 1 to 65535")
		}
	}
	return net.JoinHostPort(host, strconv.Itoa(n)), host, nil
}

func (t *Target) socket(u *url.URL) error {
	if u.Host != "" || u.Opaque != "" || !strings.HasPrefix(u.Path, "/") || u.Path == "/" {
		return errors.New("path: want the absolute path of a socket, with three slashes: unix:///run/redis.sock")
	}
	t.addr = filepath.Clean(u.Path)
	return nil
}

func (t *Target) user(u *url.URL) error {
	if u.User == nil {
		return nil
	}
	user := u.User.Username()
	password, _ := u.User.Password()
	if password == "" {
		return errors.New("password: missing: want redis://user:password@host, or redis://:password@host for the default user")
	}
	t.credentials = func() (string, string) { return user, password }
	return nil
}

func (t *Target) database(u *url.URL) error {
	text := u.Query().Get("db")
	if t.network == "tcp" {
		inPath := strings.Trim(u.Path, "/")
		if inPath != "" && text != "" {
			return errors.New("database: given twice, in the path and as ?db=")
		}
		text += inPath
	}
	if text == "" {
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return errors.New("database: want a number, as in redis://host:port/2 or unix:///path?db=2")
	}
	t.db = n
	return nil
}

// Name returns the node's name: its address, in canonical form, "host:port" or
// the path of the socket. It has no database, because two databases of one
// server fail together and so are one node.
func (t *Target) Name() string { return t.addr }

// String returns the name, so that a Target can be printed without its password.
func (t *Target) String() string { return t.addr }

// GoString does the same for %#v.
func (t *Target) GoString() string { return fmt.Sprintf("nodeurl.Target(%q)", t.addr) }

// Database returns the number of the database, 0 if none was given.
func (t *Target) Database() int { return t.db }

// Network returns "tcp" or "unix".
func (t *Target) Network() string { return t.network }

// Epoch is the number of connections made so far, as redlock.Epocher wants it.
func (t *Target) Epoch() uint64 { return t.epoch.Load() }

// WithTLS replaces what the URL says about TLS, whose scheme must be rediss. The
// server's name is the URL's host unless the configuration has one.
func (t *Target) WithTLS(c *tls.Config) error {
	if t.tls == nil {
		return t.errorOf(errors.New("a TLS configuration for a URL without TLS: write rediss://"))
	}
	t.tls = c.Clone()
	if t.tls.ServerName == "" {
		t.tls.ServerName = t.host
	}
	return nil
}

// WithCredentials asks f for the user and the password at each new connection.
// The URL must have none. An empty user is the default user.
func (t *Target) WithCredentials(f func() (user, password string)) error {
	if t.credentials != nil {
		return t.errorOf(errors.New("user and password are given twice: in the URL and as an option"))
	}
	t.credentials = f
	return nil
}

// errorOf says which node an error of its URL is about.
func (t *Target) errorOf(err error) error { return fmt.Errorf("%s: %w", t.addr, err) }
