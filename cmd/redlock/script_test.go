//go:build unix

package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"github.com/redlock-go/redlock/cmd/redlock/internal/cli"
)

// patience is how long a script waits for what must happen.
const patience = 20 * time.Second

func TestMain(m *testing.M) {
	// Or else each process of a -race binary sleeps for a second before it ends.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){
		"redlock":   func() { os.Exit(cli.Main()) },
		"heartbeat": heartbeat,
	})
}

// TestScript runs the stories in testdata/script, one a file. Beside the
// commands of testscript they use those below, which its map names.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("XDG_CACHE_HOME", filepath.Join(env.WorkDir, ".cache"))
			env.Setenv("GORACE", os.Getenv("GORACE"))
			// For nodes in this process, on a machine that has other things to do.
			env.Setenv("PATIENT", "--node-timeout=2s")
			env.Setenv("BELL", "\a")
			env.Values[worldKey] = &world{jobs: make(map[string]*job)}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"cluster": cmdCluster,
			"node":    cmdNode,
			"reserve": cmdReserve,
			"exits":   cmdExits,
			"start":   cmdStart,
			"ends":    cmdEnds,
			"signal":  cmdSignal,
			"await":   cmdAwait,
			"gone":    cmdGone,
			"random":  cmdRandom,
			"path":    cmdPath,
		},
	})
}

// worldKey is where a script keeps its world.
const worldKey = "world"

// world is what a script has running.
type world struct {
	nodes []node
	jobs  map[string]*job
}

func worldOf(ts *testscript.TestScript) *world { return ts.Value(worldKey).(*world) }

// job is a command in the background.
type job struct {
	cmd      *exec.Cmd
	out, err string // names of files
	done     chan struct{}
}

// command makes a command that has no terminal, whatever the tests were started
// from: in a session of its own.
func command(ts *testscript.TestScript, args []string) *exec.Cmd {
	path, err := exec.LookPath(args[0])
	ts.Check(err)
	cmd := exec.Command(path, args[1:]...)
	cmd.Args[0] = args[0]
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = environ(ts)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd
}

// environ is the script's environment, as far as a child needs it.
func environ(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range []string{
		"PATH", "HOME", "TMPDIR", "XDG_CACHE_HOME", "GORACE", "GOCOVERDIR", "WORK",
		"REDLOCK_NODES", "REDLOCK_KEY", "REDLOCK_TOKEN", "REDLOCK_DEADLINE", "TERM", "NO_COLOR", "PATIENT",
	} {
		if value := ts.Getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// exits STATUS [<FILE] PROGRAM [ARG…]: run the program; it must exit with the
// status.
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) >= 2, "exits STATUS [<FILE] PROGRAM [ARG…]")
	want := args[0]
	args = args[1:]
	var stdin []byte
	if file, ok := strings.CutPrefix(args[0], "<"); ok {
		stdin = []byte(ts.ReadFile(file))
		args = args[1:]
	}
	cmd := command(ts, args)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), ts.Stdout(), ts.Stderr()
	ts.Check(cmd.Start())
	kill := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	_ = cmd.Wait() // the state tells
	if !kill.Stop() {
		ts.Fatalf("it still ran after %v", patience)
	}
	checkStatus(ts, cmd, want)
}

// start NAME PROGRAM [ARG…]: run the program in the background, with its output
// in NAME.out and NAME.err.
func cmdStart(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) >= 2, "start NAME PROGRAM [ARG…]")
	name := args[0]
	j := &job{cmd: command(ts, args[1:]), out: ts.MkAbs(name + ".out"), err: ts.MkAbs(name + ".err"), done: make(chan struct{})}
	out, err := os.Create(j.out)
	ts.Check(err)
	defer func() { _ = out.Close() }()
	errs, err := os.Create(j.err)
	ts.Check(err)
	defer func() { _ = errs.Close() }()
	j.cmd.Stdout, j.cmd.Stderr = out, errs
	ts.Check(j.cmd.Start())
	go func() {
		defer close(j.done)
		_ = j.cmd.Wait() // the state tells
	}()
	ts.Defer(func() {
		_ = j.cmd.Process.Kill()
		<-j.done
	})
	worldOf(ts).jobs[name] = j
}

// ends NAME STATUS: wait for the end of a program in the background; it must exit
// with the status.
func cmdEnds(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 2, "ends NAME STATUS")
	j := jobOf(ts, args[0])
	select {
	case <-j.done:
	case <-time.After(patience):
		ts.Fatalf("%s still runs after %v; its stderr:\n%s", args[0], patience, ts.ReadFile(j.err))
	}
	_, err := io.WriteString(ts.Stdout(), ts.ReadFile(j.out))
	ts.Check(err)
	_, err = io.WriteString(ts.Stderr(), ts.ReadFile(j.err))
	ts.Check(err)
	checkStatus(ts, j.cmd, args[1])
}

// signal NAME SIGNAL: send a signal to a program in the background; or with @FILE
// for NAME, to the process whose number is in the file.
func cmdSignal(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 2, "signal NAME|@FILE SIGNAL")
	sig := unix.SignalNum("SIG" + args[1])
	if sig == 0 {
		ts.Fatalf("no signal %s", args[1])
	}
	if file, ok := strings.CutPrefix(args[0], "@"); ok {
		ts.Check(syscall.Kill(readPid(ts, file), sig))
		return
	}
	ts.Check(jobOf(ts, args[0]).cmd.Process.Signal(sig))
}

// await FILE [PATTERN]: wait until the file has a line, or one that matches.
func cmdAwait(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 1 || len(args) == 2, "await FILE [PATTERN]")
	pattern := regexp.MustCompile(`\n`)
	if len(args) == 2 {
		pattern = regexp.MustCompile("(?m)" + args[1])
	}
	var text []byte
	eventually(ts, func() bool {
		text, _ = os.ReadFile(ts.MkAbs(args[0]))
		return pattern.Match(text)
	}, func() string { return fmt.Sprintf("%s has no %q:\n%s%s", args[0], pattern, text, said(ts)) })
}

// gone FILE: wait until the process whose number is in the file does not exist.
// "! gone FILE": it exists now.
func cmdGone(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, false, len(args) == 1, "[!] gone FILE")
	pid := readPid(ts, args[0])
	gone := func() bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }
	if neg {
		if gone() {
			ts.Fatalf("process %d (%s) is gone", pid, args[0])
		}
		return
	}
	eventually(ts, gone, func() string { return fmt.Sprintf("process %d (%s) still exists", pid, args[0]) })
}

// random FILE SIZE: make a file of random bytes.
func cmdRandom(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 2, "random FILE SIZE")
	size, err := strconv.Atoi(args[1])
	ts.Check(err)
	text := make([]byte, size)
	_, err = rand.Read(text)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), text, 0o600))
}

// path NAME…: leave on PATH only redlock and the programs named.
func cmdPath(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, true, "path NAME…")
	dir := ts.MkAbs(".path")
	ts.Check(os.MkdirAll(dir, 0o700))
	for _, name := range append(args, "redlock") {
		file, err := exec.LookPath(name)
		ts.Check(err)
		ts.Check(os.Symlink(file, filepath.Join(dir, name)))
	}
	ts.Setenv("PATH", dir)
}

// said is what the programs in the background have on stderr, for complaints.
func said(ts *testscript.TestScript) string {
	var all strings.Builder
	for name, j := range worldOf(ts).jobs {
		text, _ := os.ReadFile(j.err)
		fmt.Fprintf(&all, "stderr of %s:\n%s", name, text)
	}
	return all.String()
}

func usage(ts *testscript.TestScript, neg, ok bool, text string) {
	if neg || !ok {
		ts.Fatalf("usage: %s", text)
	}
}

func jobOf(ts *testscript.TestScript, name string) *job {
	j := worldOf(ts).jobs[name]
	if j == nil {
		ts.Fatalf("nothing was started as %s", name)
	}
	return j
}

func readPid(ts *testscript.TestScript, file string) int {
	pid, err := strconv.Atoi(strings.TrimSpace(ts.ReadFile(file)))
	ts.Check(err)
	return pid
}

func checkStatus(ts *testscript.TestScript, cmd *exec.Cmd, want string) {
	state := cmd.ProcessState
	got := strconv.Itoa(state.ExitCode())
	if ws := state.Sys().(syscall.WaitStatus); ws.Signaled() {
		got = unix.SignalName(ws.Signal())
	}
	if got != want {
		ts.Fatalf("%s exited with %s, want %s", strings.Join(cmd.Args, " "), got, want)
	}
}

func eventually(ts *testscript.TestScript, ok func() bool, complaint func() string) {
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			ts.Fatalf("after %v: %s", patience, complaint())
		}
	}
}
