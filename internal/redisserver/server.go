// Package redisserver starts real redis-server processes for tests: redisd, with
// every error being the test's. It is standard library only, so that every
// module of this repository can use it.
//
// A server dies with the test: by Cleanup, and on Linux by the parent-death
// signal too if the test process is killed.
package redisserver

import (
	"testing"
	"time"

	"github.com/redlock-go/redlock/internal/redisd"
	"github.com/redlock-go/redlock/resp"
)

// Port stands, as an argument of [Start], for the port that is chosen for the
// server, which then has no plain TCP port:
//
//	redisserver.Start(t, "--tls-port", redisserver.Port, "--tls-cert-file", …)
const Port = redisd.Port

// answerWithin is how long a server may take to answer to Do.
const answerWithin = 20 * time.Second

// Server is one redis-server process. Its methods may be called from any
// goroutine, those that can end the test (Restart, Do) from the test's only.
type Server struct {
	t testing.TB
	d *redisd.Server
}

// Start starts a redis-server with the arguments, as on its command line, and
// returns when it answers. It ends the test if there is no redis-server on
// PATH or if the server does not come up. The process is killed and its
// folder removed when the test ends.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	d, err := redisd.Start(args...)
	if err != nil {
		t.Fatalf("redisserver: %v", err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("redisserver: %v", err)
		}
	})
	return &Server{t: t, d: d}
}

// Addr returns the address of the TCP port, plain or TLS: "127.0.0.1:12345".
func (s *Server) Addr() string { return s.d.Addr() }

// Socket returns the path of the Unix socket.
func (s *Server) Socket() string { return s.d.Socket() }

// Pid returns the process id, that of the last process if none is running.
func (s *Server) Pid() int { return s.d.Pid() }

// Kill ends the process with SIGKILL, frozen or not, and returns when it is
// gone. What the server held is lost. Killing a dead server does nothing.
func (s *Server) Kill() { s.d.Kill() }

// Stop asks the server to shut down (SIGTERM), which saves what its
// configuration says, and returns when it is gone. A server that has not ended
// after a few seconds (it may be frozen) is killed.
func (s *Server) Stop() { s.d.Stop() }

// Freeze stops the process in its tracks (SIGSTOP) until Thaw: its connections
// stay open, the kernel still accepts new ones, and nothing is answered. On
// return the process is stopped.
func (s *Server) Freeze() {
	if err := s.d.Freeze(); err != nil {
		s.t.Errorf("redisserver: freeze: %v", err)
	}
}

// Thaw lets a frozen process run on. It then executes what was sent to it.
func (s *Server) Thaw() {
	if err := s.d.Thaw(); err != nil {
		s.t.Errorf("redisserver: thaw: %v", err)
	}
}

// Restart kills the server if it is running and starts another on the same
// port, with the arguments in place of the former ones, or with the former ones
// if there are none. It is empty unless the arguments keep data on disk. It
// ends the test if the server does not come up.
func (s *Server) Restart(args ...string) {
	s.t.Helper()
	if err := s.d.Restart(args...); err != nil {
		s.t.Fatalf("redisserver: %v", err)
	}
}

// Do executes one command on the server, past every proxy and client under
// test, and returns the reply. It uses a connection of its own on the Unix
// socket, as the default user. A server that does not answer ends the test.
func (s *Server) Do(args ...string) resp.Reply {
	s.t.Helper()
	reply, err := s.d.Do(args...)
	if err != nil {
		s.t.Fatalf("redisserver: %v", err)
	}
	return reply
}

// DoAll executes the commands in one write on one connection.
func (s *Server) DoAll(commands ...[]string) []resp.Reply {
	s.t.Helper()
	replies, err := s.d.DoAll(answerWithin, commands...)
	if err != nil {
		s.t.Fatalf("redisserver: %v", err)
	}
	return replies
}
