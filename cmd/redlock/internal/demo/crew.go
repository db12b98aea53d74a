package demo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
)

// crew is the processes that work.
type crew struct {
	reports chan report // closed when all have ended
	workers []*hand
	hearing sync.WaitGroup
}

// hand is one of them.
type hand struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	stderr bytes.Buffer
	err    error // of what it says, not of how it ended
}

// hire starts n workers. They end when they are dismissed, or this process ends.
func hire(n int, o orders) (*crew, error) {
	c := &crew{reports: make(chan report, 1024)}
	told, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	for i := range n {
		h := &hand{cmd: &exec.Cmd{Path: self, Args: []string{os.Args[0], mark}, SysProcAttr: ownGroup()}}
		h.cmd.Stderr = &h.stderr
		out, err := h.start(append(told, '\n'))
		if err != nil {
			return nil, errors.Join(err, c.close())
		}
		c.workers = append(c.workers, h)
		c.hearing.Go(func() { h.err = c.hear(i, out) })
	}
	go func() {
		c.hearing.Wait()
		close(c.reports)
	}()
	return c, nil
}

func (h *hand) start(told []byte) (io.Reader, error) {
	stdin, err := h.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	h.stdin = stdin
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := h.cmd.Start(); err != nil {
		return nil, err
	}
	_, err = stdin.Write(told)
	return out, err
}

// hear hands on what worker i says, until it has ended.
func (c *crew) hear(i int, out io.Reader) error {
	for decoder := json.NewDecoder(out); ; {
		var r report
		switch err := decoder.Decode(&r); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		r.Worker = i
		c.reports <- r
	}
}

// dismiss asks all to stop.
func (c *crew) dismiss() {
	for _, h := range c.workers {
		_ = h.stdin.Close() // one that has ended does not mind
	}
}

// listen keeps the books until all have ended. If that has not happened by the
// deadline, they are killed, which is an error.
func (c *crew) listen(s *state, deadline <-chan time.Time) error {
	var late error
	for {
		select {
		case r, ok := <-c.reports:
			if !ok {
				return late
			}
			s.heard(r)
		case <-deadline:
			late = fmt.Errorf("the workers did not end within %v", endWithin)
			for _, h := range c.workers {
				_ = h.cmd.Process.Kill()
			}
		}
	}
}

// close waits for the processes, whose output has ended or which it ends, and
// tells what was wrong with them.
func (c *crew) close() error {
	c.dismiss()
	var errs []error
	for i, h := range c.workers {
		if err := errors.Join(h.err, h.cmd.Wait()); err != nil {
			errs = append(errs, fmt.Errorf("worker %d: %w: %s", i+1, err, bytes.TrimSpace(h.stderr.Bytes())))
		}
	}
	return errors.Join(errs...)
}
