package cluster

import (
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// room is how many bytes more a server can write to a full disk: enough for a part
// of a command, which is the worse case.
const room = 10

// FillDisk makes the node's writes to disk fail until FreeDisk, or its next start:
// by a limit on the size of its files (RLIMIT_FSIZE), for which nobody need be
// root. A node with "appendfsync everysec" then refuses commands that write; one
// with "always" ends.
func (n *Node) FillDisk() error {
	if !n.Persistent() {
		return errors.New("cluster: the node writes nothing to disk")
	}
	logs, err := filepath.Glob(filepath.Join(n.Dir(), "appendonlydir", "*.incr.aof"))
	if err != nil {
		return err
	}
	var size int64
	for _, name := range logs {
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		size = max(size, info.Size())
	}
	return n.limitFiles(uint64(size) + room)
}

// FreeDisk ends FillDisk. A node that has ended meanwhile must be restarted.
func (n *Node) FreeDisk() error {
	if !n.Alive() {
		return nil
	}
	return n.limitFiles(unix.RLIM_INFINITY)
}

// DiskSupported returns nil if FillDisk works here, else why not.
func DiskSupported() error { return nil }

func (n *Node) limitFiles(size uint64) error {
	limit := unix.Rlimit{Cur: size, Max: unix.RLIM_INFINITY}
	err := unix.Prlimit(n.Pid(), unix.RLIMIT_FSIZE, &limit, nil)
	if errors.Is(err, unix.ESRCH) {
		return nil // it has ended: its disk was full
	}
	return err
}

// outliveFullDisk lets the servers that are started from now on live when the
// limit is hit, and see the write fail, as they would on a disk that is full.
// Whoever started them ignores the signal too.
func outliveFullDisk() { signal.Ignore(syscall.SIGXFSZ) }
