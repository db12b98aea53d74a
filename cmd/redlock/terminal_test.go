//go:build unix

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// console is a terminal with a program in it and someone who types.
type console struct {
	t   *testing.T
	pty *os.File
	cmd *exec.Cmd

	mu     sync.Mutex
	screen strings.Builder
	seen   int
}

func openConsole(t *testing.T, name string, args ...string) *console {
	t.Helper()
	_, nodes := startNodes(t)
	cmd := exec.Command(name, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), nodes, "HOME="+cmd.Dir, "PS1=READY> ", "PS2=", "TERM=vt100", "ENV=")
	blocking, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 33, Cols: 77})
	if err != nil {
		t.Fatal(err)
	}
	file := pollable(t, blocking)
	c := &console{t: t, pty: file, cmd: cmd}
	over := make(chan struct{})
	go func() {
		defer close(over)
		buf := make([]byte, 4096)
		for {
			n, err := file.Read(buf)
			c.mu.Lock()
			c.screen.Write(buf[:n])
			c.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = file.Close()
		<-over
		if t.Failed() {
			screen := c.screen.String()
			t.Logf("the screen, its end:\n%q", screen[max(0, len(screen)-2000):])
		}
	})
	return c
}

// pollable returns the same file so that Close ends a Read.
func pollable(t *testing.T, blocking *os.File) *os.File {
	t.Helper()
	fd, err := syscall.Dup(int(blocking.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	syscall.CloseOnExec(fd)
	if err := errors.Join(blocking.Close(), syscall.SetNonblock(fd, true)); err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fd), "pty")
}

func (c *console) types(keys string) {
	c.t.Helper()
	if _, err := c.pty.WriteString(keys); err != nil {
		c.t.Fatal(err)
	}
}

// sees waits until the pattern is on the screen, below what was seen before.
func (c *console) sees(pattern string) {
	c.t.Helper()
	re := regexp.MustCompile(pattern)
	waitFor(c.t, "\""+pattern+"\" on the screen", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		at := re.FindStringIndex(c.screen.String()[c.seen:])
		if at != nil {
			c.seen += at[1]
		}
		return at != nil
	})
}

func (c *console) ends(status int) {
	c.t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.cmd.Wait() // the state tells
	}()
	select {
	case <-done:
	case <-time.After(patience):
		c.t.Fatalf("it still runs")
	}
	if got := c.cmd.ProcessState.ExitCode(); got != status {
		c.t.Errorf("exit status %d, want %d", got, status)
	}
}

const (
	ctrlC = "\x03"
	ctrlD = "\x04"
	ctrlZ = "\x1a"
)

// The command has the terminal: all of it, for reading too.
func TestTerminalIsTheCommands(t *testing.T) {
	c := openConsole(t, "redlock", "run", "x", "--", "sh", "-c",
		`test -t 0 && test -t 1 && test -t 2 && stty size && stty -echo && echo ready && read line </dev/tty && echo "got $line" && exit 7`)
	c.sees(`33 77\s+ready`)
	c.types("some words\n")
	c.sees(`got some words`)
	c.ends(7)
}

// Ctrl-C goes to the command, which may think about it.
func TestTerminalCtrlC(t *testing.T) {
	c := openConsole(t, "redlock", "run", "x", "--", "sh", "-c", `trap 'echo thinking' INT; echo ready; while :; do sleep 0.01; done`)
	c.sees(`ready`)
	c.types(ctrlC)
	c.sees(`thinking`)
	c.types(ctrlC)
	c.sees(`thinking`)

	c = openConsole(t, "redlock", "run", "x", "--", "sh", "-c", `echo ready; while :; do sleep 0.01; done`)
	c.sees(`ready`)
	c.types(ctrlC)
	c.ends(130)
}

// Ctrl-C while waiting for the lock ends the wait.
func TestTerminalCtrlCWhileWaiting(t *testing.T) {
	c := openConsole(t, "sh", "-i")
	c.sees(`READY> `)
	c.types("redlock run --ttl 2s x -- sh -c 'echo >held; exec sleep 1000' &\n")
	waitFor(t, "held lock", func() bool { _, err := os.Stat(filepath.Join(c.cmd.Dir, "held")); return err == nil })
	c.types("redlock run x -- echo no; echo \"status is $?\"\n")
	c.sees(`waiting for "redlock:x": held by`)
	c.types(ctrlC)
	c.sees(`status is 130`)
	c.types("kill %1; wait; exit 0\n")
	c.ends(0)
}

// Whom "release --force" will hit is shown, and asked for.
func TestTerminalForceAsks(t *testing.T) {
	c := openConsole(t, "sh", "-i")
	c.sees(`READY> `)
	c.types("(redlock run --ttl 3s --label me x -- sh -c 'echo >held; exec sleep 1000'; echo ended $? >ended) &\n")
	waitFor(t, "held lock", func() bool { _, err := os.Stat(filepath.Join(c.cmd.Dir, "held")); return err == nil })
	c.types("redlock release --node-timeout 2s --force x; echo \"status is $?\"\n")
	c.sees(`held by "me `)
	c.sees(`take it from me .*\[y/N\]`)
	c.types("\n")
	c.sees(`status is 75`)
	c.types("redlock release --node-timeout 2s --force x; echo \"status is $?\"\n")
	c.sees(`take it from me .*\[y/N\]`)
	c.types("y\n")
	c.sees(`took "redlock:x" from me`)
	c.sees(`[0-9]{16}\s`)
	c.sees(`status is 0`)
	waitFor(t, "end of the holder", func() bool {
		text, _ := os.ReadFile(filepath.Join(c.cmd.Dir, "ended"))
		return string(text) == "ended 76\n"
	})
	c.types("exit 0\n")
	c.ends(0)
}

// A shell's job control works through us.
func TestTerminalJobControl(t *testing.T) {
	c := openConsole(t, "sh", "-i")
	c.sees(`READY> `)
	c.types("redlock run --ttl 1m x -- sh -c 'echo up; cat; echo end'; echo \"status=$?\"\n")
	c.sees(`\nup`)
	c.types("one\n")
	c.sees(`one\s+one`)
	c.types(ctrlZ)
	c.sees(`(?s)(Stopped|Suspended).*READY> `)
	c.types("jobs\n")
	c.sees(`(?s)(Stopped|Suspended).*READY> `)
	c.types("fg\n")
	c.sees(`redlock run`)
	c.types("two\n")
	c.sees(`two\s+two`)
	// And once more, by way of the background, where it may not read.
	c.types(ctrlZ)
	c.sees(`(?s)(Stopped|Suspended).*READY> `)
	c.types("bg\n")
	c.sees(`READY> `)
	c.types("fg\n")
	c.sees(`redlock run`)
	c.types("three\n")
	c.sees(`three\s+three`)
	c.types(ctrlD)
	c.sees(`\nend`)
	c.sees(`READY> `)
	c.types("exit 0\n")
	c.ends(0)
}

// What is stopped renews no lease. When that is over, so is the command: it does
// not go on for an instant. (The command is one process: Ctrl-Z between a vfork and
// its exec does not stop the one that forks, with any shell.)
func TestTerminalStoppedTooLong(t *testing.T) {
	c := openConsole(t, "sh", "-i")
	c.sees(`READY> `)
	c.types("redlock run --ttl 1500ms x -- heartbeat beat\n")
	waitFor(t, "a heartbeat", func() bool { return lastBeat(t, filepath.Join(c.cmd.Dir, "beat")) != 0 })
	c.types(ctrlZ)
	c.sees(`(?s)(Stopped|Suspended).*READY> `)
	c.types("redlock run --wait 10s x -- cp beat at-handover; echo \"taken $?\"\n")
	c.sees(`taken 0`)
	c.types("fg\n")
	c.sees(`killed the command: its time was up`)
	c.sees(`READY> `)
	c.types("echo \"status is $?\"; cmp beat at-handover && echo unchanged\n")
	c.sees(`status is 76`)
	c.sees(`\nunchanged`)
	c.types("exit 0\n")
	c.ends(0)
}

// In a pipeline the terminal stays with who needs it; who asks for it gets it.
func TestTerminalPipeline(t *testing.T) {
	c := openConsole(t, "sh", "-i")
	c.sees(`READY> `)
	c.types("redlock run x -- sh -c 'echo question >&2; read answer </dev/tty; echo \"the answer is $answer\"' | sh -c 'read line; echo \"line: $line\"'\n")
	c.sees(`\nquestion`)
	c.types("forty-two\n")
	c.sees(`line: the answer is forty-two`)
	c.sees(`READY> `)
	c.types("redlock run x -- sh -c 'echo running >&2; while :; do sleep 0.01; done' | cat\n")
	c.sees(`\nrunning`)
	c.types(ctrlC)
	c.sees(`READY> `)
	c.types("exit 0\n")
	c.ends(0)
}

// A command that is killed leaves the terminal in any mode; the next one finds it
// as it was.
func TestTerminalModesComeBack(t *testing.T) {
	c := openConsole(t, "sh", "-c", `redlock run --ttl 1s --max-hold 400ms --kill-after 100ms x -- sh -c 'trap "" TERM; stty raw -echo; while :; do sleep 0.01; done'; stty -a`)
	c.sees(`killed the command`)
	c.sees(`[^-]icanon`)
	c.sees(`[^-]echo\b`)
	c.ends(0)
}

// The demo paints over its screen in place, and leaves the terminal as it was.
func TestTerminalDemo(t *testing.T) {
	c := openConsole(t, "redlock", "demo", "--for", "1h")
	c.sees(`4 processes increment one counter under a lock on 5 nodes`)
	c.sees(`\x1b\[11A`)
	c.sees(`holds the lock`)
	c.types(ctrlC)
	c.sees(`\x1b\[\?25h`)
	c.sees(`overlaps seen +0`)
	c.sees(`No update was lost`)
	c.ends(130)
}
