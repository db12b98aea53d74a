package redlocktest_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/resp"
)

// pushing is a plain node that can push, in the simplest way.
type pushing struct{ *plain }

var _ redlock.Subscriber = pushing{}

func (p pushing) Subscribe(ctx context.Context, channel string, ready func(), receive func(string)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := p.listen(ctx, channel, ready, receive)
	if p.wrong == "resubscribe" && ctx.Err() == nil && errors.Is(err, io.EOF) {
		err = p.listen(ctx, channel, func() {}, receive)
	}
	p.mu.Lock()
	closed := p.closed
	p.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case closed && p.wrong == "end":
		return io.EOF
	case closed:
		return net.ErrClosed
	}
	return err
}

func (p pushing) listen(ctx context.Context, channel string, ready func(), receive func(string)) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", p.addr)
	if err != nil {
		return err
	}
	if p.wrong != "stay" {
		defer conn.Close()
	}
	if err := p.register(conn); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := io.WriteString(conn, wire("SUBSCRIBE", channel)); err != nil {
		return err
	}
	if p.wrong == "early" {
		ready()
	}
	var alive, crowd sync.WaitGroup
	defer crowd.Wait() // all that is wrong with them is that they come at once
	done := make(chan struct{})
	alive.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(500 * time.Millisecond):
				_, _ = io.WriteString(conn, wire("PING"))
			}
		}
	})
	if p.wrong != "goroutine" {
		defer alive.Wait()
		defer close(done)
	}
	in := bufio.NewReader(patience{conn, ctx, p.wrong == "patience"})
	confirmed := false
	for n := 0; ; {
		said, err := p.read(in)
		switch {
		case err != nil:
			return err
		case said.Kind == resp.Error:
			if p.wrong == "words" {
				return errors.New("refused")
			}
			return errors.New(said.Text)
		case said.Kind != resp.Array || len(said.Items) < 2:
			return errors.New("nonsense")
		}
		switch kind := said.Items[0].Text; {
		case kind == "pong" && confirmed:
		case len(said.Items) != 3 || said.Items[1].Text != channel && p.wrong != "channel":
			return errors.New("nonsense")
		case kind == "subscribe" && !confirmed:
			confirmed = true
			if p.wrong != "early" {
				ready()
			}
		case kind == "message" && confirmed:
			if n++; p.wrong == "loss" && n%1000 == 0 {
				continue
			}
			if p.wrong == "crowd" {
				crowd.Go(func() { receive(said.Items[2].Text) })
				continue
			}
			receive(said.Items[2].Text)
		default:
			return errors.New("nonsense")
		}
	}
}

// register makes Close close the connection.
func (p pushing) register(conn net.Conn) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return net.ErrClosed
	}
	if p.conns == nil {
		p.conns = map[net.Conn]bool{}
	}
	p.conns[conn] = true
	return nil
}

func wire(args ...string) string {
	var out strings.Builder
	writeCommand(&out, args)
	return out.String()
}

// patience ends with two seconds of silence, unless it has no end.
type patience struct {
	net.Conn
	ctx     context.Context
	endless bool
}

func (p patience) Read(b []byte) (int, error) {
	if p.endless {
		return p.Conn.Read(b)
	}
	if err := p.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return 0, err
	}
	if p.ctx.Err() != nil { // which may have set its deadline before
		return 0, os.ErrDeadlineExceeded
	}
	return p.Conn.Read(b)
}
