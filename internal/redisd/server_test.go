package redisd

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/redlock-go/redlock/resp"
)

func start(t *testing.T, args ...string) *Server {
	t.Helper()
	s, err := Start(args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func do(t *testing.T, s *Server, args ...string) resp.Reply {
	t.Helper()
	reply, err := s.Do(args...)
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestStartAnswersOnBothAddresses(t *testing.T) {
	s := start(t)
	if got := do(t, s, "PING"); !got.Equal(resp.OfText("PONG")) {
		t.Fatalf("PING on the Unix socket: %v", got)
	}
	if !answers(t, s, 5*time.Second) {
		t.Fatal("no answer on the TCP port")
	}
	if got := do(t, s, "CONFIG", "GET", "port"); got.Items[1].Text != strconv.Itoa(s.port) {
		t.Fatalf("CONFIG GET port: %v, Addr %s", got, s.Addr())
	}
}

func TestStartSaysWhatIsWrong(t *testing.T) {
	if _, err := Start("--no-such-option", "1"); err == nil {
		t.Fatal("a server with an unknown option started")
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := Start(); !errors.Is(err, ErrNotFound) {
		t.Fatalf("without redis-server on PATH: %v", err)
	}
}

func TestRestartIsEmptyOnTheSamePort(t *testing.T) {
	s := start(t)
	addr, pid := s.Addr(), s.Pid()
	do(t, s, "SET", "k", "v")
	ok(t, s.Restart("--maxclients", "77"))
	if s.Addr() != addr || s.Pid() == pid {
		t.Fatalf("address %s, was %s; pid %d, was %d", s.Addr(), addr, s.Pid(), pid)
	}
	got, err := s.DoAll(time.Second, []string{"GET", "k"}, []string{"CONFIG", "GET", "maxclients"})
	ok(t, err)
	if got[0].Kind != resp.Nil || got[1].Items[1].Text != "77" {
		t.Fatalf("after the restart: %v", got)
	}
	s.Stop()
	s.Stop()
	if s.Alive() {
		t.Fatal("alive after Stop")
	}
	ok(t, s.Restart())
	if got := do(t, s, "CONFIG", "GET", "maxclients"); got.Items[1].Text != "77" {
		t.Fatalf("the former arguments were not kept: %v", got)
	}
}

func TestRestartKeepsWhatIsOnDisk(t *testing.T) {
	s := start(t, "--appendonly", "yes", "--appendfsync", "always")
	do(t, s, "SET", "k", "v")
	s.Kill()
	ok(t, s.Restart())
	if got := do(t, s, "GET", "k"); got.Text != "v" {
		t.Fatalf("after kill -9 and restart of a persistent server: %v", got)
	}
	s.Kill()
	ok(t, os.RemoveAll(filepath.Join(s.Dir(), "appendonlydir")))
	ok(t, s.Restart())
	if got := do(t, s, "GET", "k"); got.Kind != resp.Nil {
		t.Fatalf("after its data was removed: %v", got)
	}
}

func TestFreezeAndThaw(t *testing.T) {
	s := start(t)
	ok(t, s.Freeze())
	if s.Running() || !s.Alive() {
		t.Fatalf("frozen: running %v, alive %v", s.Running(), s.Alive())
	}
	if answers(t, s, 50*time.Millisecond) {
		t.Fatal("a frozen server answered")
	}
	if _, err := s.DoAll(50*time.Millisecond, []string{"PING"}); err == nil {
		t.Fatal("DoAll got an answer from a frozen server")
	}
	ok(t, s.Thaw())
	if !s.Running() || !answers(t, s, 5*time.Second) {
		t.Fatal("a thawed server does not answer")
	}
	ok(t, s.Freeze())
	s.Kill()
	if _, err := net.Dial("tcp", s.Addr()); err == nil {
		t.Fatal("a killed server accepts connections")
	}
	if s.Running() || s.Alive() {
		t.Fatal("a killed server runs")
	}
	ok(t, s.Restart())
	if !s.Running() {
		t.Fatal("a frozen server that was killed and restarted does not run")
	}
}

func TestPortTakenIsNoticed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	defer l.Close()
	s := &Server{dir: t.TempDir(), port: l.Addr().(*net.TCPAddr).Port}
	if err := s.start(nil); !errors.Is(err, errPortTaken) {
		t.Fatalf("start on a taken port: %v", err)
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	s, err := Start()
	ok(t, err)
	ok(t, s.Close())
	if _, err := os.Stat(s.dir); !os.IsNotExist(err) {
		t.Fatalf("the folder is still there: %v", err)
	}
	if s.Alive() {
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
