package bench

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/redlock-go/redlock/internal/process"
)

// etcdServer is one etcd, alone in its cluster.
type etcdServer struct {
	url     string
	version string
	dir     string
	process *process.Process
}

// startEtcd starts one, or notes why there is none: it is the one contestant that
// a machine need not have.
func (r *run) startEtcd() {
	if _, err := exec.LookPath("etcd"); err != nil {
		r.etcdAbsent = "etcd is not installed here (Debian: apt-get install etcd-server)"
		return
	}
	var err error
	for range 5 { // somebody may take a port between the choice and the bind
		if r.etcd, err = newEtcd(); err == nil {
			return
		}
	}
	r.etcdAbsent = "etcd did not start: " + err.Error()
}

func newEtcd() (_ *etcdServer, err error) {
	memory := "/dev/shm"
	if _, err := os.Stat(memory); err != nil {
		memory = ""
	}
	dir, err := os.MkdirTemp(memory, "etcd")
	if err != nil {
		return nil, err
	}
	s := &etcdServer{dir: dir}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	s.url = "http://" + ports[0]
	peers := "http://" + ports[1]
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close() //nolint:errcheck // the server has it too
	cmd := exec.Command("etcd", "--data-dir", filepath.Join(dir, "data"), "--name", "bench",
		"--listen-client-urls", s.url, "--advertise-client-urls", s.url,
		"--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers, "--initial-cluster", "bench="+peers)
	cmd.Stdout, cmd.Stderr = log, log
	if s.process, err = process.Start(cmd); err != nil {
		return nil, err
	}
	if err := s.await(); err != nil {
		return nil, err
	}
	if out, err := exec.Command("etcd", "--version").Output(); err == nil {
		line, _, _ := strings.Cut(string(out), "\n")
		s.version = "etcd " + strings.TrimPrefix(line, "etcd Version: ")
	}
	return s, nil
}

func (s *etcdServer) await() error {
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if !s.process.Alive() {
			return errors.New("it ended at once")
		}
		response, err := http.Get(s.url + "/health")
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("no answer within 20 s: %w", err)
		}
	}
}

func (s *etcdServer) close() error {
	if s.process != nil {
		s.process.Kill()
	}
	return os.RemoveAll(s.dir)
}

// freePorts finds addresses on which nobody listens.
func freePorts(n int) ([]string, error) {
	var addresses []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() //nolint:errcheck // held until all are found, so that they differ
		addresses = append(addresses, l.Addr().String())
	}
	return addresses, nil
}
