package goredis_test

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/redlock-go/redlock/goredis"
	"github.com/redlock-go/redlock/internal/redisserver"
	"github.com/redlock-go/redlock/resp"
)

// A server's machine was gone without a word, and is back: each connection in the pool
// is found out by sending on it. What Do says then is the connection's own error, and
// the epoch is as before, so that the lock can tell it from a node that is down.
func TestDeadPool(t *testing.T) {
	relay := newRelay(t, redisserver.Start(t).Addr())
	n, err := goredis.Open("redis://" + relay.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	ping := []resp.Command{{"PING"}}
	var crowd sync.WaitGroup
	for range 100 {
		crowd.Go(func() { _, _ = n.Do(t.Context(), ping) })
	}
	crowd.Wait()

	relay.boots.Add(1)
	opened := n.Epoch()
	broken := uint64(0)
	for {
		_, err := n.Do(t.Context(), ping)
		if err == nil {
			break
		}
		broken++
		if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) && !errors.Is(err, io.EOF) {
			t.Fatalf("a connection broke, and Do says: %v", err)
		}
		if now := n.Epoch(); now != opened {
			t.Fatalf("a connection broke, and the epoch went from %d to %d", opened, now)
		}
		if broken > opened {
			t.Fatalf("%d connections were opened, and %d broke", opened, broken)
		}
	}
	if broken == 0 {
		t.Error("no connection broke: this shows nothing")
	}
}

// relay passes connections on to a server. After a boot it knows those from before no
// more, and resets each when something comes over it.
type relay struct {
	listener net.Listener
	boots    atomic.Int64
}

func newRelay(t *testing.T, server string) *relay {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{listener: listener}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			up, err := net.Dial("tcp", server)
			if err != nil {
				_ = client.Close()
				continue
			}
			all.Go(func() { _, _ = io.Copy(client, up) })
			all.Go(func() { r.pass(client.(*net.TCPConn), up) })
		}
	})
	t.Cleanup(all.Wait)
	t.Cleanup(func() { _ = listener.Close() })
	return r
}

// pass passes on what the client says, until it is found to be of another boot.
func (r *relay) pass(client *net.TCPConn, up net.Conn) {
	defer up.Close() // which ends the other direction
	defer client.Close()
	boot := r.boots.Load()
	for room := make([]byte, 4096); ; {
		n, err := client.Read(room)
		switch {
		case err != nil:
			return
		case r.boots.Load() != boot:
			_ = client.SetLinger(0) // to close is to reset
			return
		}
		if _, err := up.Write(room[:n]); err != nil {
			return
		}
	}
}
