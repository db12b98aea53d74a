//go:build unix

package guard

import (
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/redlock-go/redlock/cmd/redlock/internal/clock"
)

// mark is the first argument of a keeper.
const mark = "__guard"

// backend is the caller's side of the socket to the keeper.
type backend struct {
	keeper *os.Process
	sock   *os.File

	mu     sync.Mutex // orders are written whole; the socket never fills up, so nobody waits for it
	orders *json.Encoder
}

func (g *Guard) start(cmd Command, killAt clock.Instant, killAfter time.Duration) error {
	// If the keeper is killed, what it guarded becomes ours to clear away.
	if err := adoptOrphans(); err != nil {
		return err
	}
	self, err := executable()
	if err != nil {
		return err
	}
	ours, theirs, err := socketPair()
	if err != nil {
		return err
	}
	// The keeper's end keeps the number that it has here, which is one that
	// nobody handed to us: os/exec's ExtraFiles would put it on descriptor 3, and
	// hide a descriptor 3 that our caller meant for the command.
	_, err = unix.FcntlInt(uintptr(theirs), unix.F_SETFD, 0)
	pid := 0
	if err == nil {
		// Not os/exec: it asks os.Stdin for its descriptor, and that can switch a
		// non-blocking stdin, which is not ours to change, to blocking.
		pid, err = syscall.ForkExec(self, append([]string{os.Args[0], mark, strconv.Itoa(theirs), cmd.Path}, cmd.Args...),
			&syscall.ProcAttr{Env: cmd.Env, Files: []uintptr{0, 1, 2}, Sys: keeperAttr()})
	}
	if closeErr := unix.Close(theirs); err == nil {
		err = closeErr
	}
	if err == nil {
		g.keeper, err = os.FindProcess(pid)
	}
	if err != nil {
		return errors.Join(err, ours.Close()) // a keeper without a socket ends
	}
	g.sock, g.orders = ours, json.NewEncoder(ours)
	g.send(order{Verb: verbStart, At: killAt, After: killAfter})
	go g.listen()
	return nil
}

// socketPair returns our end, ready for Go's poller, and the keeper's, as a
// number, neither of them inherited by anyone.
func socketPair() (ours *os.File, theirs int, err error) {
	// Between the two calls no process may be started.
	syscall.ForkLock.RLock()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(pair[0])
		unix.CloseOnExec(pair[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, 0, err
	}
	if err := unix.SetNonblock(pair[0], true); err != nil {
		return nil, 0, errors.Join(err, unix.Close(pair[0]), unix.Close(pair[1]))
	}
	return os.NewFile(uintptr(pair[0]), "guard"), pair[1], nil
}

// listen hands on the keeper's events until it has told the last one.
func (g *Guard) listen() {
	defer close(g.events)
	defer func() { _ = g.sock.Close() }()
	decoder := json.NewDecoder(g.sock)
	pid := 0
	for {
		var event Event
		if err := decoder.Decode(&event); err != nil {
			break // io.EOF: the keeper is gone before its time
		}
		switch event.Kind {
		case Started:
			pid = event.Pid
		case Exited, Failed:
			_, _ = g.keeper.Wait() // its exit status tells nothing more
			g.events <- event
			return
		}
		g.events <- event
	}
	// Somebody killed the keeper. On Linux the kernel has killed the command
	// with it. Nothing may be left running.
	_, _ = g.keeper.Wait()
	g.events <- Event{Kind: Killed, Cause: KeeperGone}
	g.events <- Event{Kind: Exited, Signal: syscall.SIGKILL, Left: endNow(&brood{pid: pid})}
}

// send gives an order. A keeper that was stopped by hand must go on, the order
// may be urgent. One that is gone needs no orders: listen has seen it.
func (g *Guard) send(o order) {
	g.mu.Lock()
	defer g.mu.Unlock()
	_ = g.keeper.Signal(syscall.SIGCONT)
	_ = g.orders.Encode(o)
}

func (g *Guard) killAt(at clock.Instant)   { g.send(order{Verb: verbKillAt, At: at}) }
func (g *Guard) signal(sig syscall.Signal) { g.send(order{Verb: verbSignal, Signal: sig}) }
func (g *Guard) stop(at clock.Instant)     { g.send(order{Verb: verbStop, At: at}) }
