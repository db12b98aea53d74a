package redlocktest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redlock-go/redlock/resp"
)

// plain is the simplest Node that speaks to a server: a connection for each
// batch. It shows that the suites ask for nothing special; and with one thing
// made wrong, it shows that they notice.
type plain struct {
	addr  string
	epoch atomic.Uint64
	wrong string

	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]bool
}

func (p *plain) Name() string { return p.addr }

// counting is a plain node that tells of its connections. A lock cannot do with
// it, as each batch has a connection of its own, which the verification of the
// last one says nothing about.
type counting struct{ *plain }

func (c counting) Epoch() uint64 {
	if c.wrong == "epoch" {
		return min(c.epoch.Load(), 1)
	}
	return c.epoch.Load()
}

func (p *plain) Do(ctx context.Context, batch []resp.Command) ([]resp.Reply, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if p.wrong == "context" {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), 2500*time.Millisecond)
		defer cancel()
	}
	if p.wrong == "connection" && len(batch) > 1 {
		first, err := p.send(ctx, batch[:1])
		if err != nil {
			return nil, err
		}
		rest, err := p.send(ctx, batch[1:])
		return append(first, rest...), err
	}
	replies, err := p.send(ctx, batch)
	switch {
	case p.wrong == "retry" && errors.Is(err, io.EOF):
		return p.send(ctx, batch)
	case p.wrong == "refusal" && err == nil && len(replies) > 0 && replies[0].Code() == "LOADING":
		return p.send(ctx, batch)
	case p.wrong == "error" && err == nil && replies[0].Kind == resp.Error:
		return nil, errors.New(replies[0].Text)
	case p.wrong == "half" && err != nil && len(replies) > 0:
		return append(replies, make([]resp.Reply, len(batch)-len(replies))...), nil
	}
	return replies, err
}

func (p *plain) send(ctx context.Context, batch []resp.Command) ([]resp.Reply, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", p.addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	p.epoch.Add(1)
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, net.ErrClosed
	}
	if p.conns == nil {
		p.conns = map[net.Conn]bool{}
	}
	p.conns[conn] = true
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.conns, conn)
		p.mu.Unlock()
	}()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()

	var out strings.Builder
	for _, cmd := range batch {
		writeCommand(&out, cmd)
	}
	if _, err := io.WriteString(conn, out.String()); err != nil {
		return nil, err
	}
	in := bufio.NewReader(conn)
	replies := make([]resp.Reply, 0, len(batch))
	for range batch {
		reply, err := p.read(in)
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		if err != nil {
			return replies, err
		}
		replies = append(replies, reply)
	}
	return replies, nil
}

func writeCommand(out *strings.Builder, cmd []string) {
	fmt.Fprintf(out, "*%d\r\n", len(cmd))
	for _, arg := range cmd {
		fmt.Fprintf(out, "$%d\r\n%s\r\n", len(arg), arg)
	}
}

func (p *plain) read(in *bufio.Reader) (resp.Reply, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return resp.Reply{}, err
	}
	if len(line) < 3 {
		return resp.Reply{}, errors.New("no reply")
	}
	rest := line[1 : len(line)-2]
	switch line[0] {
	case '+':
		return resp.OfText(rest), nil
	case '-':
		if p.wrong == "code" {
			rest = strings.TrimPrefix(rest, "ERR ")
		}
		return resp.OfError(rest), nil
	}
	n, err := strconv.ParseInt(rest, 10, 64)
	if err != nil || line[0] != ':' && (n > 1e6 || n < -1) {
		return resp.Reply{}, fmt.Errorf("no reply: %q", line)
	}
	switch {
	case line[0] == ':':
		return resp.OfInt(n), nil
	case n == -1 && p.wrong == "nil":
		return resp.OfText(""), nil
	case n == -1:
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
			if items[i], err = p.read(in); err != nil {
				return resp.Reply{}, err
			}
		}
		return resp.OfArray(items...), nil
	}
	return resp.Reply{}, fmt.Errorf("no reply: %q", line)
}

func (p *plain) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wrong == "close" {
		return nil
	}
	p.closed = true
	for conn := range p.conns {
		_ = conn.Close()
	}
	return nil
}
