package bench

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/redlock-go/redlock/internal/process"
	"github.com/redlock-go/redlock/rig/clock"
)

// workers are the processes of S4.
type workers []*workerProcess

// workerProcess is a process that runs Work.
type workerProcess struct {
	process *process.Process
	in      io.WriteCloser
	pipe    *os.File
	out     *bufio.Reader
}

// startCrew starts the workers, if they do not run yet.
func (r *run) startCrew() error {
	for len(r.crew) < processes {
		w, err := startWorker(r.Worker)
		if err != nil {
			return err
		}
		r.crew = append(r.crew, w)
	}
	return nil
}

func startWorker(command []string) (*workerProcess, error) {
	if len(command) == 0 {
		return nil, errors.New("no command for worker processes was given")
	}
	cmd := exec.Command(command[0], command[1:]...)
	// What a library says goes to nobody's terminal; a panic is seen as an end.
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	// Not StdoutPipe: whoever waits for the process would close that.
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout = write
	p, err := process.Start(cmd)
	if err = errors.Join(err, write.Close()); err != nil {
		return nil, errors.Join(err, read.Close())
	}
	return &workerProcess{process: p, in: in, pipe: read, out: bufio.NewReaderSize(read, 1<<16)}, nil
}

// do has the worker do a job.
func (w *workerProcess) do(job Job) (Done, error) {
	if err := w.ask(job); err != nil {
		return Done{}, err
	}
	return w.answer(job)
}

func (w *workerProcess) ask(job Job) error {
	text, err := json.Marshal(job)
	if err != nil {
		return err
	}
	_, err = w.in.Write(append(text, '\n'))
	return err
}

// grace is how long a worker may take beyond what a job takes.
const grace = 20 * time.Second

// limit is far beyond what a job takes.
func (j Job) limit() time.Duration {
	switch j.Kind {
	case Contend:
		return j.End.Sub(clock.Now()) + grace
	case Keep:
		return j.For + grace
	case Take:
		return 2 * time.Minute
	}
	return waitFor + grace
}

// answer waits for what comes of a job, but not for ever: then it is
// os.ErrDeadlineExceeded.
func (w *workerProcess) answer(job Job) (Done, error) {
	var done Done
	if err := w.pipe.SetReadDeadline(time.Now().Add(job.limit())); err != nil {
		return done, err
	}
	line, err := w.out.ReadBytes('\n')
	if err != nil {
		return done, fmt.Errorf("no answer from a worker process: %w", err)
	}
	if err := json.Unmarshal(line, &done); err != nil {
		return done, err
	}
	if done.Fatal {
		return done, errors.New(done.Failure)
	}
	return done, nil
}

// close ends the process and waits for it.
func (w *workerProcess) close() {
	w.process.Kill()
	_ = w.in.Close() // the process is gone
	_ = w.pipe.Close()
}

// all has all workers do the job at the same time.
func (all workers) all(job Job) ([]Done, error) {
	done := make([]Done, len(all))
	errs := make([]error, len(all))
	var working sync.WaitGroup
	for i, w := range all {
		working.Go(func() { done[i], errs[i] = w.do(job) })
	}
	working.Wait()
	return done, errors.Join(errs...)
}

func (all workers) close() {
	for _, w := range all {
		w.close()
	}
}
