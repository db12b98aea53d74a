package redisserver

import (
	"errors"
	"net"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/redlock-go/redlock/resp"
)

func TestStartAnswersOnBothAddresses(t *testing.T) {
	s := Start(t)
	if got := s.Do("PING"); !got.Equal(resp.OfText("PONG")) {
		t.Fatalf("PING on the Unix socket: %v", got)
	}
	if !answers(t, s, 5*time.Second) {
		t.Fatal("no answer on the TCP port")
	}
	if got := s.Do("CONFIG", "GET", "port"); got.Items[1].Text != strconv.Itoa(s.port) {
		t.Fatalf("CONFIG GET port: %v, Addr %s", got, s.Addr())
	}
}

func TestRestartIsEmptyOnTheSamePort(t *testing.T) {
	s := Start(t)
	addr, pid := s.Addr(), s.Pid()
	s.Do("SET", "k", "v")
	s.Restart("--maxclients", "77")
	if s.Addr() != addr || s.Pid() == pid {
		t.Fatalf("address %s, was %s; pid %d, was %d", s.Addr(), addr, s.Pid(), pid)
	}
	got := s.DoAll([]string{"GET", "k"}, []string{"CONFIG", "GET", "maxclients"})
	if got[0].Kind != resp.Nil || got[1].Items[1].Text != "77" {
		t.Fatalf("after the restart: %v", got)
	}
	s.Stop()
	s.Stop()
	s.Restart()
	if got := s.Do("CONFIG", "GET", "maxclients"); got.Items[1].Text != "77" {
		t.Fatalf("the former arguments were not kept: %v", got)
	}
}

func TestFreezeAndThaw(t *testing.T) {
	s := Start(t)
	s.Freeze()
	if answers(t, s, 50*time.Millisecond) {
		t.Fatal("a frozen server answered")
	}
	s.Thaw()
	if !answers(t, s, 5*time.Second) {
		t.Fatal("a thawed server does not answer")
	}
	s.Freeze()
	s.Kill()
	if _, err := net.Dial("tcp", s.Addr()); err == nil {
		t.Fatal("a killed server accepts connections")
	}
}

func TestPortTakenIsNoticed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := &Server{t: t, dir: t.TempDir(), port: l.Addr().(*net.TCPAddr).Port}
	if err := s.start(nil); !errors.Is(err, errPortTaken) {
		t.Fatalf("start on a taken port: %v", err)
	}
}

func TestCleanupLeavesNothing(t *testing.T) {
	var s *Server
	t.Run("inner", func(t *testing.T) { s = Start(t) })
	if _, err := os.Stat(s.dir); !os.IsNotExist(err) {
		t.Fatalf("the folder is still there: %v", err)
	}
	select {
	case <-s.proc.gone:
	default:
		t.Fatal("the process was not waited for")
	}
}

// answers asks on the TCP port.
func answers(t *testing.T, s *Server, within time.Duration) bool {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(within)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		t.Fatal(err)
	}
	n, err := conn.Read(make([]byte, 10))
	return err == nil && n > 0
}
