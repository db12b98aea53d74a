// Package report tells what redlock does, on stderr: in words for people, or
// with --json as one object a line for programs. stdout is never ours.
//
// A line is written whole. Who tells something never waits for who reads it: a
// reader that does not read costs the words, not the lock.
package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

const (
	// mostQueued is how many events wait for a slow reader. What is beyond
	// that is dropped.
	mostQueued = 512
	// flushWithin is how long Close waits for a slow reader.
	flushWithin = time.Second
)

// Style says how to tell.
type Style struct {
	JSON    bool
	Verbose bool // in words, also tell what only matters to the curious
}

// Reporter tells events to one reader. It may be used by many goroutines.
type Reporter struct {
	style   Style
	lines   chan []byte
	written chan struct{}

	mu     sync.Mutex
	closed bool
}

// New returns a Reporter that writes to w. Close must be called, or the last
// lines may be lost.
func New(w io.Writer, style Style) *Reporter {
	r := &Reporter{
		style:   style,
		lines:   make(chan []byte, mostQueued),
		written: make(chan struct{}),
	}
	go func() {
		defer close(r.written)
		for line := range r.lines {
			_, _ = w.Write(line) // whoever closed stderr does not want to hear it
		}
	}()
	return r
}

// Tell tells an event.
func (r *Reporter) Tell(e Event) {
	line := r.render(e, time.Now())
	if len(line) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	select {
	case r.lines <- line:
	default:
	}
}

// Close returns when everything was written, or its reader has not read for a
// second. It is idempotent.
func (r *Reporter) Close() {
	r.mu.Lock()
	if !r.closed {
		r.closed = true
		close(r.lines)
	}
	r.mu.Unlock()
	select {
	case <-r.written:
	case <-time.After(flushWithin):
	}
}

func (r *Reporter) render(e Event, now time.Time) []byte {
	if r.style.JSON {
		return r.object(e, now)
	}
	var out bytes.Buffer
	for _, line := range e.words(r.style.Verbose) {
		fmt.Fprintf(&out, "redlock: %s\n", oneLine(line))
	}
	return out.Bytes()
}

// object is {"time":…,"event":…} and the fields of the event.
func (r *Reporter) object(e Event, now time.Time) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, `{"time":%q,"event":%q`, now.UTC().Format(timeFormat), e.name())
	fields, err := marshal(e)
	if err != nil {
		panic(fmt.Sprintf("report: event %s: %v", e.name(), err)) // events hold nothing that JSON cannot say
	}
	if len(fields) > len("{}") {
		out.WriteByte(',')
	}
	out.Write(fields[1:])
	out.WriteByte('\n')
	return out.Bytes()
}

// marshal leaves <, > and & as they are: nobody puts this into a web page.
func marshal(e Event) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(e)
	return bytes.TrimSpace(out.Bytes()), err
}

// oneLine keeps what others wrote (a holder's label, a server's error) from
// writing more lines, or playing tricks on the terminal.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0):
			return '?'
		}
		return r
	}, s)
}
