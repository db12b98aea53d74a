// Package redisd runs real redis-server processes, for programs: what can go
// wrong comes back as an error. Tests use redisserver, its face for them. It is
// standard library only, so that every module of this repository can use it.
//
// A server listens on 127.0.0.1 and on a Unix socket, keeps nothing on disk
// unless the arguments say so, and on Linux dies with the process that started
// it, however that happens.
package redisd

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redlock-go/redlock/internal/process"
)

// Port stands, as an argument of [Start], for the port that is chosen for the
// server, which then has no plain TCP port:
//
//	redisd.Start("--tls-port", redisd.Port, "--tls-cert-file", …)
const Port = "{port}"

// ErrNotFound says that there is no redis-server on PATH.
var ErrNotFound = errors.New("redis-server is not on PATH: install it (Debian: apt-get install redis-server)")

var errPortTaken = errors.New("the port is taken")

// startWithin is how long a server may take to answer. It is generous, since
// a loaded machine proves nothing.
const startWithin = 20 * time.Second

// Server is one redis-server on one port, across restarts. Its methods may be
// called from any goroutine; Restart and Close not at the same time.
type Server struct {
	dir  string
	port int
	env  []string

	mu     sync.Mutex
	args   []string
	proc   *process.Process
	frozen bool
}

// Start starts a redis-server with the arguments, as on its command line, and
// returns when it answers. After an error no process and no folder is left;
// otherwise Close removes both.
func Start(args ...string) (*Server, error) { return StartWith(nil, args...) }

// StartWith is Start with variables added to the environment of the server, now
// and at each restart.
func StartWith(env []string, args ...string) (*Server, error) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		return nil, ErrNotFound
	}
	// A short path: that of a Unix socket has room for 107 bytes only.
	dir, err := os.MkdirTemp("", "redis")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, env: env}

	// Another process may take the port between our choice and the server's
	// bind. The server then exits, and we choose again.
	for try := 1; ; try++ {
		if s.port, err = freePort(); err == nil {
			err = s.start(args)
		}
		if err == nil {
			return s, nil
		}
		if try == 10 || !errors.Is(err, errPortTaken) {
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
	}
}

// Addr returns the address of the TCP port, plain or TLS: "127.0.0.1:12345".
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Socket returns the path of the Unix socket.
func (s *Server) Socket() string { return filepath.Join(s.dir, "redis.sock") }

// Dir returns the server's folder, where it keeps its data if it keeps any.
func (s *Server) Dir() string { return s.dir }

// Pid returns the process id, that of the last process if none is running.
func (s *Server) Pid() int { return s.current().Pid() }

// Alive reports whether the process exists, frozen or not.
func (s *Server) Alive() bool { return s.current().Alive() }

// Kill ends the process with SIGKILL, frozen or not, and returns when it is
// gone. What the server held in memory is lost. Killing a dead server does
// nothing.
func (s *Server) Kill() { s.current().Kill() }

// Stop asks the server to shut down (SIGTERM), which saves what its
// configuration says, and returns when it is gone. A server that has not ended
// after a few seconds (it may be frozen) is killed.
func (s *Server) Stop() { s.current().Stop(5 * time.Second) }

// Freeze stops the process in its tracks (SIGSTOP) until Thaw: its connections
// stay open, the kernel still accepts new ones, and nothing is answered. On
// return the process is stopped.
func (s *Server) Freeze() error {
	if err := s.current().Freeze(); err != nil {
		return err
	}
	s.setFrozen(true)
	return nil
}

// Thaw lets a frozen process run on. It then executes what was sent to it.
func (s *Server) Thaw() error {
	if err := s.current().Thaw(); err != nil {
		return err
	}
	s.setFrozen(false)
	return nil
}

// Running reports whether the process exists and is not frozen.
func (s *Server) Running() bool {
	s.mu.Lock()
	frozen := s.frozen
	s.mu.Unlock()
	return !frozen && s.Alive()
}

// Restart kills the server if it is running and starts another on the same
// port, with the arguments in place of the former ones, or with the former ones
// if there are none. It is empty unless the arguments keep data on disk. After
// an error no process runs.
func (s *Server) Restart(args ...string) error {
	s.Kill()
	if len(args) == 0 {
		s.mu.Lock()
		args = s.args
		s.mu.Unlock()
	}
	// The port lies outside the range from which the system takes the ports of
	// outgoing connections, so only another server could have taken it.
	deadline := time.Now().Add(startWithin)
	for {
		err := s.start(args)
		if err == nil {
			return nil
		}
		if !errors.Is(err, errPortTaken) || time.Now().After(deadline) {
			return fmt.Errorf("restart on port %d: %w", s.port, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Close kills the server and removes its folder.
func (s *Server) Close() error {
	s.Kill()
	return os.RemoveAll(s.dir)
}

func (s *Server) setFrozen(frozen bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frozen = frozen
}

func (s *Server) current() *process.Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc
}

// start runs one process on s.port and waits until it answers. On an error no
// process is left.
func (s *Server) start(args []string) error {
	port := strconv.Itoa(s.port)
	line := []string{
		"--bind", "127.0.0.1", "--port", port, "--unixsocket", s.Socket(), "--dir", s.dir,
		"--save", "", "--appendonly", "no", "--daemonize", "no",
	}
	if slices.Contains(args, Port) {
		line[3] = "0"
	}
	for _, arg := range args {
		line = append(line, strings.ReplaceAll(arg, Port, port))
	}
	if err := os.Remove(s.Socket()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	log := filepath.Join(s.dir, "log")
	p, err := s.launch(log, line)
	if err != nil {
		return err
	}
	if err := s.await(p); err != nil {
		p.Kill()
		text, _ := os.ReadFile(log)
		if strings.Contains(string(text), "bind: Address already in use") {
			return errPortTaken
		}
		return fmt.Errorf("%w; its log:\n%s", err, text)
	}
	s.mu.Lock()
	s.proc, s.args, s.frozen = p, args, false
	s.mu.Unlock()
	return nil
}

// launch starts redis-server with its output in the file log.
func (s *Server) launch(log string, args []string) (*process.Process, error) {
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer out.Close() //nolint:errcheck // the server has it too; it is read through its path
	cmd := exec.Command("redis-server", args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Env = append(os.Environ(), s.env...)
	return process.Start(cmd)
}

// await returns when the process answers. It asks on the Unix socket, which is
// surely this process's and needs no TLS, and which the server opens after its
// TCP port.
func (s *Server) await(p *process.Process) error {
	deadline := time.Now().Add(startWithin)
	for {
		if !p.Alive() {
			return errors.Join(errors.New("redis-server ended at once"), p.Exit())
		}
		replies, err := s.dialAndDo(time.Until(deadline), []string{"PING"})
		// An error reply such as NOAUTH is a sign of life too.
		if err == nil && replies[0].Code() != "LOADING" {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("no answer from redis-server within %v: %w", startWithin, err)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// freePort chooses a port on which nobody listens. It keeps off the ports
// that systems give to outgoing connections (from 32768 on Linux), lest a client
// that dials take the port of a server that was killed and is to be restarted.
func freePort() (int, error) {
	for range 1000 {
		port := 15000 + rand.IntN(17000)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		return port, l.Close()
	}
	return 0, errors.New("no free port between 15000 and 32000")
}
