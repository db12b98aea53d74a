package nodeurl

import (
	"bytes"
	"errors"
	"math"
	"net"
	"strconv"
	"sync/atomic"
	"syscall"
)

// guard watches over the protocol (RESP2) on a connection: every reply is well
// formed, of sane size, and was asked for. Client libraries take that for
// granted: a length of 10^15 in a reply, or a reply too many, is a panic in a
// goroutine of theirs, and the end of our user's process. One broken node must
// not do that. It costs a look at the header of each reply.
//
// Not for a connection in subscribe mode, where the server speaks unasked.
type guard struct {
	net.Conn
	asked   atomic.Int64 // commands sent
	out, in scanner      // of the one goroutine that writes, and the one that reads
}

// Write counts the commands before they leave, so that no reply can be faster.
func (g *guard) Write(p []byte) (int, error) {
	if err := g.out.feed(p, noLimit); err != nil {
		return 0, err
	}
	g.asked.Store(g.out.whole)
	return g.Conn.Write(p)
}

// Read gives nothing of what breaks the protocol, and closes the connection.
func (g *guard) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	if bad := g.in.feed(p[:n], g.asked.Load); bad != nil {
		_ = g.Close()
		return 0, bad
	}
	return n, err
}

// openGuard is a guard that shows its socket, for a client library that looks
// whether an idle connection is still alive before it uses it. Under TLS the
// socket tells nothing of use.
type openGuard struct {
	*guard
	syscall.Conn
}

func watch(conn net.Conn) net.Conn {
	g := &guard{Conn: conn}
	if socket, ok := conn.(syscall.Conn); ok {
		return openGuard{g, socket}
	}
	return g
}

// What a reply to a lock may be at most. A real one is below a kilobyte, but for
// what a script's failure says.
const (
	mostLine  = 64 << 10
	mostBulk  = 64 << 20
	mostItems = 1 << 20
	mostDepth = 8
)

// scanner follows a stream of RESP2 values, in pieces as they come.
type scanner struct {
	line  []byte  // of a header that has not come to its end
	skip  int64   // bytes of a bulk string yet to come, its CRLF included
	open  []int64 // for each array that is open, how many items are yet to come
	whole int64   // values that are complete
}

// noLimit is the limit of what we send ourselves.
func noLimit() int64 { return math.MaxInt64 }

// feed reads on. It is an error if a value begins beyond the limit.
func (s *scanner) feed(p []byte, limit func() int64) error {
	for len(p) > 0 {
		if s.skip > 0 {
			n := min(s.skip, int64(len(p)))
			p = p[n:]
			if s.skip -= n; s.skip == 0 {
				s.end()
			}
			continue
		}
		if len(s.line) == 0 && len(s.open) == 0 && s.whole >= limit() {
			return errors.New("a reply that nobody asked for: what answers there does not speak as a Redis server does")
		}
		end := bytes.IndexByte(p, '\n')
		whole := end >= 0
		if !whole {
			end = len(p)
		}
		if len(s.line)+end > mostLine {
			return errNotRedis
		}
		if !whole {
			s.line = append(s.line, p...)
			return nil
		}
		line := p[:end+1]
		if len(s.line) > 0 {
			s.line = append(s.line, line...)
			line = s.line
		}
		if err := s.header(line); err != nil {
			return err
		}
		s.line = s.line[:0]
		p = p[end+1:]
	}
	return nil
}

func (s *scanner) header(line []byte) error {
	if len(line) < 3 || line[len(line)-2] != '\r' {
		return errNotRedis
	}
	kind, rest := line[0], line[1:len(line)-2]
	switch kind {
	case '+', '-':
		s.end()
		return nil
	case ':', '$', '*':
	default:
		return errNotRedis
	}
	n, ok := number(rest)
	switch {
	case !ok:
		return errNotRedis
	case kind == ':', n == -1, kind == '*' && n == 0:
		s.end()
	case kind == '$' && n >= 0 && n <= mostBulk:
		s.skip = n + 2
	case kind == '*' && n > 0 && n <= mostItems && len(s.open) < mostDepth:
		s.open = append(s.open, n)
	default:
		return errNotRedis
	}
	return nil
}

// number reads what most headers hold, a few digits, without a call.
func number(digits []byte) (n int64, ok bool) {
	if len(digits) == 0 || len(digits) > 9 || digits[0] < '0' {
		n, err := strconv.ParseInt(string(digits), 10, 64)
		return n, err == nil
	}
	for _, d := range digits {
		if d < '0' || d > '9' {
			return 0, false
		}
		n = 10*n + int64(d-'0')
	}
	return n, true
}

// end marks the end of a value, and of the arrays that it completes.
func (s *scanner) end() {
	for len(s.open) > 0 {
		last := len(s.open) - 1
		if s.open[last]--; s.open[last] > 0 {
			return
		}
		s.open = s.open[:last]
	}
	s.whole++
}
