package redlocktest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

var discard = slog.New(slog.DiscardHandler)

// await fails the test if wait does not return soon.
func await(t *testing.T, what string, wait func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		wait()
	}()
	select {
	case <-done:
	case <-time.After(soon):
		t.Fatalf("waited %v for %s", soon, what)
	}
}

// wireServer is a server that does as its commands tell it, over TCP:
//
//	WIRE SAY id raw    replies with the raw bytes
//	WIRE HANG id       replies ":1", but not before the server is told to go on
//	WIRE CUT id        closes the connection
//
// What clients say when they connect is answered as an old Redis does. A
// SUBSCRIBE is confirmed, and PINGs on it answered, unless the channel is one
// that script was called for.
type wireServer struct {
	t    *testing.T
	addr string

	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]int
	log      []wireEntry
	scripts  map[string]wireScript
	goOn     chan struct{} // closed: nothing hangs
	wg       sync.WaitGroup
}

// wireEntry is one command as it arrived.
type wireEntry struct {
	conn int
	id   string
}

func newWireServer(t *testing.T) *wireServer {
	t.Helper()
	s := &wireServer{t: t, addr: "127.0.0.1:0", conns: map[net.Conn]int{}, scripts: map[string]wireScript{}}
	s.start()
	t.Cleanup(s.stop)
	return s
}

// start listens, after a stop on the same port.
func (s *wireServer) start() {
	s.t.Helper()
	listener, err := net.Listen("tcp", s.addr)
	for deadline := time.Now().Add(soon); err != nil && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond) // another process may have it for a moment
		listener, err = net.Listen("tcp", s.addr)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.addr = listener.Addr().String()
	s.mu.Lock()
	s.listener = listener
	s.goOn = make(chan struct{})
	s.mu.Unlock()
	s.wg.Go(func() { s.accept(listener) })
}

// stop closes the port and all connections, and waits for their goroutines.
func (s *wireServer) stop() {
	s.mu.Lock()
	_ = s.listener.Close()
	for conn := range s.conns {
		_ = conn.Close()
	}
	select {
	case <-s.goOn: // stopped before
	default:
		close(s.goOn)
	}
	s.mu.Unlock()
	s.wg.Wait()
}

// resume lets what hangs go on; what comes later hangs again.
func (s *wireServer) resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.goOn)
	s.goOn = make(chan struct{})
}

// entries returns the commands so far, in the order of their arrival.
func (s *wireServer) entries() []wireEntry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log)
}

// seen returns how often a command has arrived.
func (s *wireServer) seen(id string) int {
	n := 0
	for _, e := range s.entries() {
		if e.id == id {
			n++
		}
	}
	return n
}

// awaitSeen waits until a command has arrived.
func (s *wireServer) awaitSeen(id string) {
	s.t.Helper()
	for deadline := time.Now().Add(soon); s.seen(id) == 0; {
		if time.Now().After(deadline) {
			s.t.Fatalf("the command %s did not arrive within %v", id, soon)
		}
		time.Sleep(time.Millisecond)
	}
}

func (s *wireServer) accept(listener net.Listener) {
	for number := 1; ; number++ {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns[conn] = number
		s.mu.Unlock()
		s.wg.Go(func() {
			s.serve(conn, number)
			s.mu.Lock()
			delete(s.conns, conn)
			s.mu.Unlock()
			_ = conn.Close()
		})
	}
}

// serve reads commands as they come, also while a reply to an earlier one hangs,
// as the kernel does for a server that was stopped.
func (s *wireServer) serve(conn net.Conn, number int) {
	replies := make(chan func() bool, 10_000)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for reply := range replies {
			if !reply() {
				_ = conn.Close()
			}
		}
	}()
	defer func() { <-done }()
	defer close(replies)
	in := bufio.NewReader(conn)
	c := &wireConn{Conn: conn}
	for {
		args, err := readCommand(in)
		if err != nil {
			return
		}
		if id := idOf(args); id != "" {
			s.mu.Lock()
			s.log = append(s.log, wireEntry{number, id})
			s.mu.Unlock()
		}
		replies <- func() bool { return s.reply(c, args) }
	}
}

// idOf is by what the log names a command, "" if it is not logged.
func idOf(args []string) string {
	switch strings.ToUpper(args[0]) {
	case "WIRE":
		return args[2]
	case "SUBSCRIBE":
		return args[1]
	}
	return ""
}

// wireConn is a connection with what it is subscribed to, of the one goroutine
// that replies.
type wireConn struct {
	net.Conn
	subscribed, deaf bool
}

// reply answers a command; false ends the connection.
func (s *wireServer) reply(conn *wireConn, args []string) bool {
	if conn.deaf {
		return true
	}
	say := func(raw string) bool {
		_, err := io.WriteString(conn, raw)
		return err == nil
	}
	switch strings.ToUpper(args[0]) {
	case "SUBSCRIBE":
		return s.subscribe(conn, args[1])
	case "PING":
		if conn.subscribed {
			return say("*2\r\n$4\r\npong\r\n$0\r\n\r\n")
		}
		return say("+PONG\r\n")
	case "AUTH", "SELECT", "CLIENT":
		return say("+OK\r\n")
	case "WIRE":
	default:
		return say("-ERR unknown command '" + args[0] + "'\r\n")
	}
	switch args[1] {
	case "SAY":
		return say(args[3])
	case "HANG":
		s.mu.Lock()
		goOn := s.goOn
		s.mu.Unlock()
		<-goOn
		return say(":1\r\n")
	}
	return false
}

func readCommand(in *bufio.Reader) ([]string, error) {
	n, err := readHeader(in, '*')
	if err != nil {
		return nil, err
	}
	args := make([]string, n)
	for i := range args {
		length, err := readHeader(in, '$')
		if err != nil {
			return nil, err
		}
		text := make([]byte, length+2)
		if _, err := io.ReadFull(in, text); err != nil {
			return nil, err
		}
		args[i] = string(text[:length])
	}
	if n == 0 {
		return nil, errors.New("an empty command")
	}
	return args, nil
}

func readHeader(in *bufio.Reader, kind byte) (int, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return 0, err
	}
	if line[0] != kind {
		return 0, fmt.Errorf("%q where a %q was due", line, kind)
	}
	return strconv.Atoi(strings.TrimSpace(line[1:]))
}
