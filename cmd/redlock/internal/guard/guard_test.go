//go:build unix

package guard_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redlock-go/redlock/cmd/redlock/internal/clock"
	"github.com/redlock-go/redlock/cmd/redlock/internal/guard"
)

// TestMain lets the test binary be the keeper of the guards that the tests
// start.
func TestMain(m *testing.M) {
	if guard.IsKeeper() {
		os.Exit(guard.Main())
	}
	// Or else each keeper of a -race binary sleeps for a second before it ends.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// shell starts "sh -c script" in dir, with a minute to live.
func shell(t *testing.T, dir, script string, killAfter time.Duration) *guard.Guard {
	t.Helper()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	g, err := guard.Start(guard.Command{
		Path: sh,
		Args: []string{"sh", "-c", "cd \"$DIR\"; " + script},
		Env:  append(os.Environ(), "DIR="+dir),
	}, clock.Now().Add(time.Minute), killAfter)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Stop(clock.Now()) })
	return g
}

// finish reads the events to their end and returns the last, and all kinds.
func finish(t *testing.T, g *guard.Guard) (last guard.Event, kinds string) {
	t.Helper()
	timeout := time.After(patience)
	var all []string
	for {
		select {
		case event, ok := <-g.Events():
			if !ok {
				return last, strings.Join(all, " ")
			}
			last, all = event, append(all, string(event.Kind))
		case <-timeout:
			t.Fatalf("the command has not ended; events so far: %v", all)
		}
	}
}

// readPid waits until the script has written a process id to the file.
func readPid(t *testing.T, dir, name string) int {
	t.Helper()
	pid := 0
	eventually(t, "a process id in "+name, func() bool {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !strings.HasSuffix(string(text), "\n") {
			return false
		}
		pid, err = strconv.Atoi(strings.TrimSpace(string(text)))
		return err == nil
	})
	t.Cleanup(func() {
		if t.Failed() {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	return pid
}

func gone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %s after %v", what, patience)
		}
	}
}

func TestExitStatus(t *testing.T) {
	for script, want := range map[string]int{
		"exit 0":        0,
		"exit 3":        3,
		"kill -TERM $$": 128 + 15,
		"kill -KILL $$": 128 + 9,
	} {
		last, kinds := finish(t, shell(t, t.TempDir(), script, time.Second))
		if last.ExitStatus() != want || kinds != "started exited" {
			t.Errorf("%q: status %d and events %q, want %d and \"started exited\"", script, last.ExitStatus(), kinds, want)
		}
	}
}

func TestCannotRun(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	script := filepath.Join(dir, "script")
	for name, mode := range map[string]os.FileMode{plain: 0o600, script: 0o700} {
		if err := os.WriteFile(name, []byte("exit 7\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]int{filepath.Join(dir, "none"): 127, plain: 126, script: 7} {
		g, err := guard.Start(guard.Command{Path: path, Args: []string{path}}, clock.Now().Add(time.Minute), time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if last, _ := finish(t, g); last.ExitStatus() != want {
			t.Errorf("%s: status %d (%s), want %d", filepath.Base(path), last.ExitStatus(), last.Message, want)
		}
	}
}

// The caller says nothing more: it was stopped, or hangs. The command ignores
// TERM, and so does its child.
func TestDeadlineKills(t *testing.T) {
	dir := t.TempDir()
	start := clock.Now()
	g, err := guard.Start(guard.Command{
		Path: "/bin/sh",
		Args: []string{"sh", "-c", `trap '' TERM; sh -c 'echo $$ >"$0/child"; while :; do sleep 1; done' "$0"`, dir},
		Env:  os.Environ(),
	}, start.Add(400*time.Millisecond), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	child := readPid(t, dir, "child")
	last, kinds := finish(t, g)
	if last.Signal != syscall.SIGKILL || last.Left != 0 || kinds != "started killed exited" {
		t.Errorf("events %q, the last %+v, want a kill that leaves nothing", kinds, last)
	}
	if took := clock.Now().Sub(start); took < 400*time.Millisecond {
		t.Errorf("killed after %v, before its time", took)
	}
	if !gone(child) {
		t.Error("the command's child still runs")
	}
}

func TestKillAtMoves(t *testing.T) {
	dir := t.TempDir()
	g := shell(t, dir, "echo $$ >pid; read line <go; exit 5", time.Second)
	if err := syscall.Mkfifo(filepath.Join(dir, "go"), 0o600); err != nil {
		t.Fatal(err)
	}
	// Twenty renewals of 300 ms each, a second of 50 ms steps.
	for range 20 {
		g.KillAt(clock.Now().Add(300 * time.Millisecond))
		select {
		case event := <-g.Events():
			if event.Kind != guard.Started {
				t.Fatalf("%+v, though its time never came", event)
			}
		case <-time.After(50 * time.Millisecond):
		}
	}
	g.KillAt(clock.Now().Add(time.Minute))
	if err := os.WriteFile(filepath.Join(dir, "go"), []byte("\n"), 0); err != nil {
		t.Fatal(err)
	}
	if last, _ := finish(t, g); last.ExitStatus() != 5 {
		t.Errorf("it ended by %+v, want status 5", last)
	}
}

func TestStopIsTermThenKill(t *testing.T) {
	dir := t.TempDir()
	polite := shell(t, dir, `trap 'exit 9' TERM; echo $$ >polite; while :; do sleep 0.01; done`, time.Second)
	readPid(t, dir, "polite")
	polite.Stop(clock.Now().Add(time.Minute))
	if last, kinds := finish(t, polite); last.ExitStatus() != 9 || strings.Contains(kinds, "killed") {
		t.Errorf("the polite one: %+v after %q, want status 9 and no kill", last, kinds)
	}

	stubborn := shell(t, dir, `trap '' TERM; echo $$ >stubborn; while :; do sleep 0.01; done`, time.Second)
	readPid(t, dir, "stubborn")
	stubborn.Stop(clock.Now().Add(150 * time.Millisecond))
	stubborn.KillAt(clock.Now().Add(time.Minute)) // too late to change it
	if last, kinds := finish(t, stubborn); last.Signal != syscall.SIGKILL || !strings.Contains(kinds, "killed") {
		t.Errorf("the stubborn one: %+v after %q, want a kill", last, kinds)
	}
}

// A stopped process cannot end; Stop makes it go on.
func TestStopWakesTheStopped(t *testing.T) {
	dir := t.TempDir()
	g := shell(t, dir, `echo $$ >pid; kill -STOP $$; exit 4`, time.Second)
	readPid(t, dir, "pid")
	for event := range g.Events() {
		if event.Kind == guard.Stopped {
			break
		}
	}
	g.Stop(clock.Now().Add(time.Minute))
	if last, _ := finish(t, g); last.Signal != syscall.SIGTERM {
		t.Errorf("it ended by %+v, want TERM", last)
	}
}

func TestLeftoversEnd(t *testing.T) {
	t.Run("on their own", func(t *testing.T) {
		dir := t.TempDir()
		g := shell(t, dir, `(echo last words >words) & exit 6`, time.Minute)
		if last, kinds := finish(t, g); last.ExitStatus() != 6 || kinds != "started exited" {
			t.Errorf("%+v after %q, want status 6 and no more ado", last, kinds)
		}
		if text, _ := os.ReadFile(filepath.Join(dir, "words")); string(text) != "last words\n" {
			t.Errorf("what it left behind wrote %q", text)
		}
	})
	t.Run("by TERM", func(t *testing.T) {
		dir := t.TempDir()
		g := shell(t, dir, `sleep 1000 & echo $! >child; exit 6`, time.Minute)
		child := readPid(t, dir, "child")
		if last, kinds := finish(t, g); last.ExitStatus() != 6 || kinds != "started lingering exited" {
			t.Errorf("%+v after %q, want status 6 after a TERM", last, kinds)
		}
		if !gone(child) {
			t.Error("the child still runs")
		}
	})
	t.Run("by KILL", func(t *testing.T) {
		dir := t.TempDir()
		g := shell(t, dir, `sh -c 'trap "" TERM; echo $$ >child; while :; do sleep 0.01; done' & while ! [ -s child ]; do sleep 0.01; done; exit 6`, 100*time.Millisecond)
		child := readPid(t, dir, "child")
		if last, kinds := finish(t, g); last.ExitStatus() != 6 || kinds != "started lingering killed exited" {
			t.Errorf("%+v after %q, want status 6 after a KILL", last, kinds)
		}
		if !gone(child) {
			t.Error("the child still runs")
		}
	})
}

// Daemons leave the process group on purpose. On Linux that does not help them.
func TestDaemonsEnd(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("out of reach without Linux's child subreaper, see the package's doc")
	}
	const daemon = `setsid sh -c 'trap "" TERM HUP; echo $$ >daemon; (trap "" TERM; echo $(exec sh -c "echo \$PPID") >deeper; while :; do sleep 0.01; done) & while :; do sleep 0.01; done' & `
	for name, end := range map[string]string{
		"after the command": `while ! [ -s deeper ]; do sleep 0.01; done; exit 2`,
		"with the command":  `while :; do sleep 0.01; done`,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			g := shell(t, dir, daemon+end, 50*time.Millisecond)
			pids := []int{readPid(t, dir, "daemon"), readPid(t, dir, "deeper")}
			if name == "with the command" {
				g.Stop(clock.Now().Add(50 * time.Millisecond))
			}
			if last, _ := finish(t, g); last.Left != 0 {
				t.Errorf("%d processes were left", last.Left)
			}
			for _, pid := range pids {
				if !gone(pid) {
					t.Errorf("process %d still runs", pid)
				}
			}
		})
	}
}

// kill -9 of the keeper itself.
func TestKeeperDies(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("takes Linux's parent-death signal, see the package's doc")
	}
	dir := t.TempDir()
	g := shell(t, dir, `trap '' TERM; sh -c 'echo $$ >child; while :; do sleep 0.01; done' & echo $PPID >keeper; echo $$ >self; while :; do sleep 0.01; done`, time.Second)
	keeper, child, self := readPid(t, dir, "keeper"), readPid(t, dir, "child"), readPid(t, dir, "self")
	select {
	case first := <-g.Events(): // else it may be killed before it has said so
		if first.Kind != guard.Started {
			t.Fatalf("it began with %+v", first)
		}
	case <-time.After(patience):
		t.Fatal("it has not told that the command was started")
	}
	if err := syscall.Kill(keeper, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	last, kinds := finish(t, g)
	if last.ExitStatus() != 128+9 || last.Left != 0 || kinds != "killed exited" {
		t.Errorf("%+v after %q, want a kill that leaves nothing", last, kinds)
	}
	for _, pid := range []int{child, self} {
		if !gone(pid) {
			t.Errorf("process %d still runs", pid)
		}
	}
}

func TestSignalsReachTheGroup(t *testing.T) {
	dir := t.TempDir()
	g := shell(t, dir, `
		sh -c 'trap "echo child >>got; exit 0" USR1; echo $$ >child; while :; do sleep 0.01; done' &
		trap 'echo command >>got; wait; exit 8' USR1; echo $$ >self; while :; do sleep 0.01; done`, time.Second)
	readPid(t, dir, "child")
	readPid(t, dir, "self")
	g.Signal(syscall.SIGUSR1)
	last, _ := finish(t, g)
	text, _ := os.ReadFile(filepath.Join(dir, "got"))
	if last.ExitStatus() != 8 || !strings.Contains(string(text), "child") || !strings.Contains(string(text), "command") {
		t.Errorf("status %d, and the signal was seen by %q, want 8, both", last.ExitStatus(), text)
	}
}

// The command must not get what is between us and the keeper, and must get all
// that was meant for it, under the same number.
func TestDescriptors(t *testing.T) {
	dir := t.TempDir()
	note, err := os.Create(filepath.Join(dir, "note"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = note.Close() })
	fd, err := syscall.Dup(int(note.Fd())) // Dup's copy is inherited
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	g := shell(t, dir, fmt.Sprintf("echo hello >&%d; ls /dev/fd >fds", fd), time.Second)
	if last, _ := finish(t, g); last.ExitStatus() != 0 {
		t.Fatalf("it ended by %+v", last)
	}
	if text, _ := os.ReadFile(note.Name()); string(text) != "hello\n" {
		t.Errorf("through descriptor %d came %q, want hello", fd, text)
	}
	got, err := os.ReadFile(filepath.Join(dir, "fds"))
	if err != nil {
		t.Fatal(err)
	}
	plain := exec.Command("sh", "-c", "ls /dev/fd >fds")
	plain.Dir = dir
	if err := plain.Run(); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(dir, "fds"))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("the command has the descriptors %q, and without a guard it has %q", got, want)
	}
}
