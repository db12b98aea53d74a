package goredis

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/redlock-go/redlock/internal/nodeurl"
)

// dial connects, or returns a connection that fails at once and says why. For
// when a dial itself fails, go-redis writes a line to stderr each time, and
// after a few refuses to dial for a second, in which a node that is back would
// still look dead.
func dial(ctx context.Context, target *nodeurl.Target) net.Conn {
	conn, err := target.Dial(ctx)
	if err != nil {
		return failed{fmt.Errorf("%w", err)} // go-redis takes one wrapping off
	}
	return conn
}

// failed is a connection that could not be made. go-redis sets a deadline
// before it writes, and so finds out.
type failed struct{ err error }

// Read fails.
func (f failed) Read([]byte) (int, error) { return 0, f.err }

// Write fails.
func (f failed) Write([]byte) (int, error) { return 0, f.err }

// SetDeadline fails.
func (f failed) SetDeadline(time.Time) error { return f.err }

// SetReadDeadline fails.
func (f failed) SetReadDeadline(time.Time) error { return f.err }

// SetWriteDeadline fails.
func (f failed) SetWriteDeadline(time.Time) error { return f.err }

// LocalAddr is none.
func (f failed) LocalAddr() net.Addr { return nil }

// RemoteAddr is none.
func (f failed) RemoteAddr() net.Addr { return nil }

// Close has nothing to close.
func (f failed) Close() error { return nil }
