package rig

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/goredis"
	"github.com/redlock-go/redlock/internal/process"
)

// TestMain is a process that waits for a lock, or one that stands for election, when it is
// asked to be.
func TestMain(m *testing.M) {
	be := map[string]func(string) error{"stranger": beStranger, "candidate": beCandidate}
	if len(os.Args) != 3 || be[os.Args[1]] == nil {
		os.Exit(m.Run())
	}
	if err := be[os.Args[1]](os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// stranger is a process of its own that takes a lock, once, and releases it when it is
// told to.
type stranger struct {
	*process.Process
	gotten  chan struct{} // closed when it has the lock
	slot    int           // of a semaphore, once it has that
	release io.Closer
}

// errand is what a stranger is told at its start.
type errand struct {
	URLs []string
	Name string
	Also []string // other locks that it takes with that one
	Read bool     // it takes the lock to read
	Of   int      // or how many slots there are, if it wants one of a semaphore
	TTL  time.Duration
}

// startStranger starts a process that waits for the lock. It is killed with the test.
func startStranger(t testing.TB, e errand) *stranger {
	t.Helper()
	text, err := json.Marshal(e)
	ok(t, err)
	cmd := exec.Command(os.Args[0], "stranger", string(text))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	ok(t, err)
	told, says, err := os.Pipe()
	ok(t, err)
	cmd.Stdout = says
	s := &stranger{gotten: make(chan struct{}), release: stdin}
	s.Process, err = process.Start(cmd)
	ok(t, err)
	_ = says.Close() // it has it
	t.Cleanup(s.Kill)
	go func() {
		defer told.Close()
		if _, err := fmt.Fscanf(told, "has it %d\n", &s.slot); err == nil {
			close(s.gotten)
		}
	}()
	return s
}

// beStranger is the process.
func beStranger(text string) error {
	var e errand
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		return err
	}
	nodes, err := goredis.OpenAll(e.URLs...)
	if err != nil {
		return err
	}
	l, err := redlock.New(redlock.Config{Nodes: nodes, TTL: e.TTL})
	if err != nil {
		return err
	}
	defer l.Close()
	take := func() (*redlock.Lease, error) {
		switch {
		case e.Read:
			return l.AcquireRead(context.Background(), e.Name)
		case e.Of > 0:
			return l.AcquireSlot(context.Background(), e.Name, e.Of)
		}
		return l.AcquireAll(context.Background(), append([]string{e.Name}, e.Also...))
	}
	lease, err := take()
	if err != nil {
		return err
	}
	fmt.Println("has it", lease.Slot())
	_, err = io.Copy(io.Discard, os.Stdin)
	return errors.Join(err, lease.Release(context.Background()))
}
