// Package traffic is the work that is done under the lock: programs that would
// spoil something if the lock did not hold.
package traffic

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/redlock-go/redlock/rig/check"
	"github.com/redlock-go/redlock/rig/clock"
)

// Increment is one piece of work: read the counter, pause, write it plus one. A
// second worker at the same time would lose one of the updates.
type Increment struct {
	Counter string        // the counter's file; one that is not there reads 0
	Log     string        // the worker's log, for check.ReadLogs; lines are appended
	Worker  string        // its name in the log
	Token   uint64        // the fencing token of the lease
	Pause   time.Duration // between reading and writing
}

// Run does the work, once. If the process is killed meanwhile, the counter is as
// before or incremented, and the log has a begin without an end.
func (w Increment) Run() error {
	log, err := os.OpenFile(w.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // each line is written with one call
	begin := clock.Now()
	n, err := ReadCounter(w.Counter)
	if err != nil {
		return err
	}
	if err := w.note(log, "begin", begin, n); err != nil {
		return err
	}
	time.Sleep(w.Pause)
	n++
	if err := writeCounter(w.Counter, n); err != nil {
		return err
	}
	return w.note(log, "end", clock.Now(), n)
}

func (w Increment) note(log io.Writer, what string, at clock.Instant, counter int64) error {
	line, err := json.Marshal(check.Event{What: what, At: at, Worker: w.Worker, Token: w.Token, Counter: counter})
	if err != nil {
		return err
	}
	_, err = log.Write(append(line, '\n'))
	return err
}

// ReadCounter reads the counter's file.
func ReadCounter(path string) (int64, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	digits := strings.TrimSpace(string(text))
	if digits == "" {
		return 0, nil // made, and not written yet
	}
	return strconv.ParseInt(digits, 10, 64)
}

// writeCounter writes in place with one call of a fixed length, so that a
// worker that is killed leaves the old number or the new one and never half.
func writeCounter(path string, n int64) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "%020d\n", n)
	return errors.Join(err, f.Close())
}
