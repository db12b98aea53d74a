// Package check judges what the traffic saw. Workers in several processes log
// when they began and ended to work under the lock; the checks look in those logs
// for what must not be: two at once, an update that was lost, a token that
// went back.
package check

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/redlock-go/redlock/rig/clock"
)

// Event is one line of a worker's log. A worker writes "begin" when it holds the
// lock and before it touches the counter, and "end" when it will not touch it
// again and still holds the lock.
type Event struct {
	What    string        `json:"what"` // "begin" or "end"
	At      clock.Instant `json:"at"`
	Worker  string        `json:"worker"`
	Token   uint64        `json:"token"`
	Counter int64         `json:"counter"` // read at the begin, written at the end
}

// Hold is the time in which a worker worked under the lock.
type Hold struct {
	Worker     string
	Token      uint64
	Begin, End clock.Instant
	Read       int64
	Wrote      int64

	// Shared: others that share may have the lock at the same time.
	Shared bool

	// Ended is false if the worker was killed in between: it may have written
	// or not, and End is the last that is known of it, Begin.
	Ended bool
}

// String names the hold in a finding.
func (h Hold) String() string {
	if !h.Ended {
		return fmt.Sprintf("%s (token %d, from %v, never ended)", h.Worker, h.Token, h.Begin)
	}
	return fmt.Sprintf("%s (token %d, %v to %v)", h.Worker, h.Token, h.Begin, h.End)
}

// ReadLogs reads the logs with the pattern, as filepath.Glob knows it, and
// returns the holds in the order of their beginnings.
func ReadLogs(pattern string) ([]Hold, error) {
	paths, err := filepath.Glob(pattern)
	if err != nil {
		return nil, err
	}
	var all []Hold
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		holds, err := ReadLog(f)
		_ = f.Close() // only read
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, holds...)
	}
	sortHolds(all)
	return all, nil
}

// ReadLog reads the log of one worker. Its last line may be cut off, as the
// worker may have been killed while it wrote.
func ReadLog(r io.Reader) ([]Hold, error) {
	var holds []Hold
	open := false
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadBytes('\n')
		if err == io.EOF {
			return holds, nil
		}
		if err != nil {
			return nil, err
		}
		var e Event
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
		switch {
		case e.What == "begin":
			holds = append(holds, Hold{Worker: e.Worker, Token: e.Token, Begin: e.At, End: e.At, Read: e.Counter})
			open = true
		case e.What == "end" && open && e.At >= holds[len(holds)-1].Begin:
			h := &holds[len(holds)-1]
			h.End, h.Wrote, h.Ended = e.At, e.Counter, true
			open = false
		default:
			return nil, fmt.Errorf("%q does not belong here", line)
		}
	}
}

func sortHolds(holds []Hold) {
	slices.SortStableFunc(holds, func(a, b Hold) int { return cmp.Compare(a.Begin, b.Begin) })
}
