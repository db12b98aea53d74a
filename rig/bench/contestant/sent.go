package contestant

import (
	"bytes"
	"context"
	"net"
	"strings"
	"sync/atomic"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/resp"
)

// Sent counts the commands that a contestant sends, to all nodes together: what
// its client library writes to its connections, or this library hands to its
// nodes. Servers cannot tell: their own counts include what scripts call, as many
// as the branch that they took has.
//
// What client libraries say of themselves is not counted: PING, by which they see
// whether a connection is alive, and what they say when they connect.
type Sent struct{ atomic.Int64 }

// watch counts what is written to a connection.
func (s *Sent) watch(conn net.Conn) net.Conn {
	socket, ok := conn.(*net.TCPConn)
	if !ok {
		return conn
	}
	return &counted{TCPConn: socket, sent: s}
}

// counted is a connection whose commands are counted. It is still a socket for
// client libraries that look whether one is alive.
type counted struct {
	*net.TCPConn
	sent *Sent
	scan scanner // of the one goroutine at a time that writes
}

// Write counts.
func (c *counted) Write(p []byte) (int, error) {
	if n := c.scan.feed(p); n > 0 {
		c.sent.Add(int64(n))
	}
	return c.TCPConn.Write(p)
}

// upkeep are the commands that are not counted.
func upkeep(name string) bool {
	switch strings.ToUpper(name) {
	case "PING", "HELLO", "AUTH", "CLIENT", "SELECT":
		return true
	}
	return false
}

// scanner follows the commands in a stream, in pieces as they come: an array of
// bulk strings each.
type scanner struct {
	line []byte // of a header that has not come to its end
	skip int    // bytes of a string yet to come, its CRLF included
	name []byte // of a command, as far as it has come
	next bool   // the next string is a name, or this one
}

// feed reads on, and returns how many commands have been named.
func (s *scanner) feed(p []byte) (commands int) {
	for len(p) > 0 {
		if s.skip > 0 {
			n := min(s.skip, len(p))
			if s.next {
				s.name = append(s.name, p[:n]...)
			}
			s.skip -= n
			p = p[n:]
			if s.next && s.skip == 0 {
				if !upkeep(string(s.name[:len(s.name)-len("\r\n")])) {
					commands++
				}
				s.name, s.next = s.name[:0], false
			}
			continue
		}
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			s.line = append(s.line, p...)
			return commands
		}
		line := p[:end]
		if len(s.line) > 0 {
			s.line = append(s.line, line...)
			line = s.line
		}
		if line[0] == '*' {
			s.next = true
		} else {
			s.skip = length(line) + len("\r\n")
		}
		s.line = s.line[:0]
		p = p[end+1:]
	}
	return commands
}

// length is the number in a header, without a call.
func length(header []byte) (n int) {
	for _, d := range header[1:] {
		if d < '0' || d > '9' {
			break // the CR
		}
		n = 10*n + int(d-'0')
	}
	return n
}

// node is this library's node, with its batches counted. The connections below
// are made by the adapters, and cannot be shown to us.
type node struct {
	adapter
	sent *Sent
}

// adapter is what both adapters are.
type adapter interface {
	redlock.Node
	redlock.Epocher
	redlock.Subscriber
}

// Do counts.
func (n *node) Do(ctx context.Context, batch []resp.Command) ([]resp.Reply, error) {
	n.sent.batch(batch)
	return n.adapter.Do(ctx, batch)
}

// Subscribe counts as the one command that it is.
func (n *node) Subscribe(ctx context.Context, channel string, ready func(), receive func(message string)) error {
	n.sent.Add(1)
	return n.adapter.Subscribe(ctx, channel, ready, receive)
}

// exchanger is a node that is one.
type exchanger struct {
	*node
	direct redlock.Exchanger
}

// Exchange counts.
func (n exchanger) Exchange(batch []resp.Command, room []resp.Reply) ([]resp.Reply, error) {
	n.sent.batch(batch)
	return n.direct.Exchange(batch, room)
}

func (s *Sent) batch(batch []resp.Command) {
	n := 0
	for _, command := range batch {
		if !upkeep(command[0]) {
			n++
		}
	}
	s.Add(int64(n))
}

// count counts what is sent to the node.
func (s *Sent) count(a adapter) redlock.Node {
	n := &node{a, s}
	if direct, ok := a.(redlock.Exchanger); ok {
		return exchanger{n, direct}
	}
	return n
}
