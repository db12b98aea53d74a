package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

// wallClock is a node's wall clock, as libfaketime shows it: the machine's plus
// what a file says. The monotonic clock, by which the server waits, is left as
// it is.
type wallClock struct {
	dir string
	env []string // of the server
}

var errNoClocks = errors.New("the wall clock of a server can be set with libfaketime, on Linux only (Debian: apt-get install faketime)")

// libraries are where systems keep libfaketime.
var libraries = []string{
	"/usr/lib/*/faketime/libfaketimeMT.so.1", // Debian, Ubuntu
	"/usr/lib/faketime/libfaketimeMT.so.1",   // Arch, Alpine
	"/usr/lib64/faketime/libfaketimeMT.so.1", // Fedora
	"/usr/local/lib/faketime/libfaketimeMT.so.1",
}

// preload finds the library. Where it is in none of those places, the program
// faketime is asked; not at first, as it fails now and then when many run at once.
var preload = sync.OnceValues(func() (string, error) {
	if runtime.GOOS != "linux" {
		return "", errNoClocks
	}
	for _, pattern := range libraries {
		if found, err := filepath.Glob(pattern); err == nil && len(found) > 0 {
			return found[0], nil
		}
	}
	out, err := exec.Command("faketime", "-m", "-f", "+0", "env").Output()
	if err != nil {
		return "", fmt.Errorf("%w: %w", errNoClocks, err)
	}
	for line := range bytes.Lines(out) {
		if library, ok := bytes.CutPrefix(line, []byte("LD_PRELOAD=")); ok {
			return strings.TrimSpace(string(library)), nil
		}
	}
	return "", errNoClocks
})

// ClocksSupported returns nil if clusters can be started with Options.Clocks
// here, else why not.
func ClocksSupported() error {
	_, err := preload()
	return err
}

func newWallClock() (*wallClock, error) {
	library, err := preload()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "redis-clock")
	if err != nil {
		return nil, err
	}
	c := &wallClock{dir: dir, env: []string{
		// libc comes first of those that have a malloc: jemalloc, to which Debian's
		// server is linked, reads the clock while libfaketime is not ready for it.
		"LD_PRELOAD=" + library + " libc.so.6",
		"FAKETIME_TIMESTAMP_FILE=" + filepath.Join(dir, "now"),
		"FAKETIME_NO_CACHE=1",
		"FAKETIME_DONT_FAKE_MONOTONIC=1",
		"FAKETIME_DISABLE_SHM=1", // else a server that is killed leaves two files in /dev/shm
	}}
	if err := c.set(0); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

func (c *wallClock) set(ahead time.Duration) error {
	// The server reads the file at any time: it must find the old text or the new.
	fresh := filepath.Join(c.dir, "next")
	if err := os.WriteFile(fresh, fmt.Appendf(nil, "%+.3f\n", ahead.Seconds()), 0o644); err != nil {
		return err
	}
	return os.Rename(fresh, filepath.Join(c.dir, "now"))
}

func (c *wallClock) close() error { return os.RemoveAll(c.dir) }

// SetClock sets the node's wall clock ahead of the machine's, or back if ahead is
// negative; 0 sets it right. It works at once, and stays over restarts. The
// cluster must have been started with Options.Clocks.
func (n *Node) SetClock(ahead time.Duration) error {
	if n.clock == nil {
		return errors.New("cluster: the node's clock cannot be set: start the cluster with Options.Clocks")
	}
	return n.clock.set(ahead)
}
