package nodeurl

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redlock-go/redlock/internal/script"
)

// On a subscription, the server is asked for a sign of life every pingAfter, and
// the connection is given up after silence without any.
const (
	pingAfter = time.Second
	silence   = 3 * time.Second
)

// subscribeDialTimeout bounds the way to a connection that is ready.
const subscribeDialTimeout = 5 * time.Second

// Subscribe is the Subscribe of redlock.Subscriber, on a connection of its own
// that it makes and closes. It calls ready and receive in the caller's goroutine.
// It returns soon after ctx is done, with the cause of that, and also when no
// byte has come for three seconds; a receive that takes longer is not taken for
// the server's silence. All that it has started has ended when it returns.
//
// The connection is not counted by [Target.Epoch]: no vote comes over it, and an
// epoch that rises puts off those that do until the node is verified again.
func (t *Target) Subscribe(ctx context.Context, channel string, ready func(), receive func(message string)) error {
	conn, err := t.subscriberConn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	err = listen(conn, channel, ready, receive)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (t *Target) subscriberConn(ctx context.Context) (net.Conn, error) {
	dial, cancel := context.WithTimeoutCause(ctx, subscribeDialTimeout,
		fmt.Errorf("no connection within %v", subscribeDialTimeout))
	defer cancel()
	conn, err := t.connect(dial)
	if err == nil {
		conn, err = t.prepare(dial, conn)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		<-dial.Done() // the connection has its deadline, and may notice it first
	}
	if err != nil && dial.Err() != nil {
		err = context.Cause(dial)
	}
	return conn, err
}

func listen(conn net.Conn, channel string, ready func(), receive func(message string)) error {
	if err := writeCommand(conn, "SUBSCRIBE", channel); err != nil {
		return err
	}
	ended := make(chan struct{})
	var pinging sync.WaitGroup
	pinging.Go(func() { ping(conn, ended) })
	err := hear(conn, channel, ready, receive)
	close(ended)
	_ = conn.Close() // a ping may be under way
	pinging.Wait()
	return err
}

// ping asks for signs of life. A write that fails leaves its cause to the reader.
func ping(conn net.Conn, ended <-chan struct{}) {
	tick := time.NewTicker(pingAfter)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ended:
			return
		}
		if err := writeCommand(conn, "PING"); err != nil {
			_ = conn.Close()
			return
		}
	}
}

func writeCommand(conn net.Conn, args ...string) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, "*%d\r\n", len(args))
	for _, arg := range args {
		fmt.Fprintf(&out, "$%d\r\n%s\r\n", len(arg), arg)
	}
	if err := conn.SetWriteDeadline(time.Now().Add(silence)); err != nil {
		return err
	}
	_, err := conn.Write(out.Bytes())
	return err
}

// hear reads what the server says until that ends.
func hear(conn net.Conn, channel string, ready func(), receive func(message string)) error {
	in := bufio.NewReader(patient{conn})
	confirmed := false
	for {
		said, err := readPush(in)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return fmt.Errorf("no sign of life for %v", silence)
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return errors.New("the server closed the connection")
		case err != nil:
			return err
		}
		switch {
		case said[0] == "message" && len(said) == 3 && said[1] == channel && confirmed:
			receive(said[2])
		case said[0] == "pong" && len(said) == 2 && confirmed:
		case said[0] == "subscribe" && len(said) == 3 && said[1] == channel && !confirmed:
			confirmed = true
			ready()
		default:
			return errNotRedis
		}
	}
}

// patient waits for silence, no longer, each time that there is nothing to read.
type patient struct{ net.Conn }

// Read reads.
func (p patient) Read(b []byte) (int, error) {
	if err := p.SetReadDeadline(time.Now().Add(silence)); err != nil {
		return 0, err
	}
	return p.Conn.Read(b)
}

// readPush reads what a server says in subscribe mode: an array of strings and
// numbers, or an error, which is returned as one.
func readPush(in *bufio.Reader) ([]string, error) {
	kind, rest, err := readHeader(in)
	switch {
	case err != nil:
		return nil, err
	case kind == '-':
		return nil, script.ServerError(rest)
	case kind != '*':
		return nil, errNotRedis
	}
	const mostParts = 3
	n, err := strconv.Atoi(rest)
	if err != nil || n < 1 || n > mostParts {
		return nil, errNotRedis
	}
	parts := make([]string, n)
	for i := range parts {
		kind, rest, err := readHeader(in)
		switch {
		case err != nil:
			return nil, err
		case kind == ':':
			parts[i] = rest
		case kind == '$':
			if parts[i], err = readBulk(in, rest); err != nil {
				return nil, err
			}
		default:
			return nil, errNotRedis
		}
	}
	return parts, nil
}

func readHeader(in *bufio.Reader) (kind byte, rest string, err error) {
	line, err := in.ReadSlice('\n') // as long as the buffer, at most
	if errors.Is(err, bufio.ErrBufferFull) {
		err = errNotRedis
	}
	if err != nil {
		return 0, "", err
	}
	if len(line) < 3 || line[len(line)-2] != '\r' {
		return 0, "", errNotRedis
	}
	return line[0], string(line[1 : len(line)-2]), nil
}

// readBulk takes no more memory than has come.
func readBulk(in *bufio.Reader, length string) (string, error) {
	n, err := strconv.ParseInt(length, 10, 64)
	if err != nil || n < 0 || n > mostBulk {
		return "", errNotRedis
	}
	var text strings.Builder
	if _, err := io.CopyN(&text, in, n+2); err != nil {
		return "", err
	}
	s, ok := strings.CutSuffix(text.String(), "\r\n")
	if !ok {
		return "", errNotRedis
	}
	return s, nil
}
