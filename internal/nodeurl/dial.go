package nodeurl

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/redlock-go/redlock/internal/script"
)

// Dial connects, as a net.Dialer does, and makes the connection ready: TLS,
// user and password, database, and a PING that shows that a Redis server is at
// the other end and lets us in. So a client library needs to know none of these,
// and what goes wrong with them is said in one way. ctx bounds it all.
//
// The connection refuses to go on with a server that does not keep to the
// protocol; see guard.
func (t *Target) Dial(ctx context.Context) (net.Conn, error) {
	conn, err := t.connect(ctx)
	if err != nil {
		return nil, err
	}
	t.epoch.Add(1)
	if conn, err = t.prepare(ctx, conn); err != nil {
		return nil, err
	}
	return watch(conn), nil
}

func (t *Target) connect(ctx context.Context) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, t.network, t.addr)
}

// prepare makes a new connection ready, or closes it.
func (t *Target) prepare(ctx context.Context, conn net.Conn) (net.Conn, error) {
	if t.tls != nil {
		secured := tls.Client(conn, t.tls)
		if err := secured.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, fmt.Errorf("TLS: %w", err)
		}
		conn = secured
	}
	if err := t.login(ctx, conn); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// login says who we are and asks for a sign of life, in one write.
func (t *Target) login(ctx context.Context, conn net.Conn) error {
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	err := t.greet(conn)
	if !stop() || ctx.Err() != nil {
		// The deadline may be, or become, the past one.
		return context.Cause(ctx)
	}
	if err != nil {
		return err
	}
	return conn.SetDeadline(time.Time{})
}

func (t *Target) greet(conn net.Conn) error {
	var commands [][]string
	if t.credentials != nil {
		switch user, password := t.credentials(); {
		case user != "":
			commands = append(commands, []string{"AUTH", user, password})
		case password != "":
			commands = append(commands, []string{"AUTH", password})
		}
	}
	if t.db != 0 {
		commands = append(commands, []string{"SELECT", strconv.Itoa(t.db)})
	}
	commands = append(commands, []string{"PING"})

	var out strings.Builder
	for _, args := range commands {
		fmt.Fprintf(&out, "*%d\r\n", len(args))
		for _, arg := range args {
			fmt.Fprintf(&out, "$%d\r\n%s\r\n", len(arg), arg)
		}
	}
	if _, err := io.WriteString(conn, out.String()); err != nil {
		return err
	}
	for range commands {
		line, err := readLine(conn)
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(line, "-"):
			return script.ServerError(line[1:])
		case !strings.HasPrefix(line, "+"):
			return errNotRedis
		}
	}
	return nil
}

var errNotRedis = errors.New("what answers there does not speak as a Redis server does")

// readLine reads a status reply, and not a byte more. The handshake is so short
// that it may be read byte by byte.
func readLine(conn net.Conn) (string, error) {
	const most = 1024
	line := make([]byte, 0, 64)
	for one := make([]byte, 1); len(line) < most; {
		if _, err := conn.Read(one); err != nil {
			if errors.Is(err, io.EOF) {
				return "", errors.New("the server closed the connection")
			}
			return "", err
		}
		line = append(line, one[0])
		if one[0] == '\n' {
			return strings.TrimRight(string(line), "\r\n"), nil
		}
	}
	return "", errNotRedis
}
