package redisd

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/redlock-go/redlock/resp"
)

// Do executes one command on the server, past every proxy and client under
// test, and returns the reply. It uses a connection of its own on the Unix
// socket, as the default user. An error reply is a reply; an error of Do means
// that the server is dead or frozen, or did not answer within 20 s.
func (s *Server) Do(args ...string) (resp.Reply, error) {
	replies, err := s.dialAndDo(startWithin, args)
	if err != nil {
		return resp.Reply{}, fmt.Errorf("%s on %s: %w", args[0], s.Addr(), err)
	}
	return replies[0], nil
}

// DoAll executes the commands in one write on one connection. It gives up
// after within.
func (s *Server) DoAll(within time.Duration, commands ...[]string) ([]resp.Reply, error) {
	replies, err := s.dialAndDo(within, commands...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Addr(), err)
	}
	return replies, nil
}

func (s *Server) dialAndDo(within time.Duration, commands ...[]string) ([]resp.Reply, error) {
	conn, err := net.DialTimeout("unix", s.Socket(), within)
	if err != nil {
		return nil, err
	}
	defer conn.Close() //nolint:errcheck // nothing more is expected of it
	if err := conn.SetDeadline(time.Now().Add(within)); err != nil {
		return nil, err
	}
	var out strings.Builder
	for _, args := range commands {
		fmt.Fprintf(&out, "*%d\r\n", len(args))
		for _, arg := range args {
			fmt.Fprintf(&out, "$%d\r\n%s\r\n", len(arg), arg)
		}
	}
	if _, err := io.WriteString(conn, out.String()); err != nil {
		return nil, err
	}
	in := bufio.NewReader(conn)
	replies := make([]resp.Reply, len(commands))
	for i := range replies {
		if replies[i], err = readReply(in); err != nil {
			return nil, err
		}
	}
	return replies, nil
}

// readReply reads one reply of RESP2.
func readReply(in *bufio.Reader) (resp.Reply, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return resp.Reply{}, err
	}
	if len(line) < 3 || !strings.HasSuffix(line, "\r\n") {
		return resp.Reply{}, errors.New("not RESP: " + strconv.Quote(line))
	}
	rest := line[1 : len(line)-2]
	switch line[0] {
	case '+':
		return resp.OfText(rest), nil
	case '-':
		return resp.OfError(rest), nil
	}
	n, err := strconv.ParseInt(rest, 10, 64)
	if err != nil {
		return resp.Reply{}, err
	}
	switch {
	case line[0] == ':':
		return resp.OfInt(n), nil
	case n < 0:
		return resp.Reply{}, nil
	case line[0] == '$':
		text := make([]byte, n+2)
		if _, err := io.ReadFull(in, text); err != nil {
			return resp.Reply{}, err
		}
		return resp.OfText(string(text[:n])), nil
	case line[0] == '*':
		items := make([]resp.Reply, n)
		for i := range items {
			if items[i], err = readReply(in); err != nil {
				return resp.Reply{}, err
			}
		}
		return resp.OfArray(items...), nil
	}
	return resp.Reply{}, errors.New("not RESP: " + strconv.Quote(line))
}
