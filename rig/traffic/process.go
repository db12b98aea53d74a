package traffic

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"time"
)

// Processes runs `redlock run … -- increment …` again and again, in each of a
// number of workers: every lease is a process of its own, as with cron jobs.
type Processes struct {
	Redlock   string   // the command's path
	Increment string   // the child's path
	Nodes     string   // as --nodes takes it
	Args      []string // more flags for `redlock run`
	Key       string
	Workers   int
	Pause     time.Duration // how long the child works
	Dir       string        // where the counter and the logs are

	mu    sync.Mutex
	exits map[int]int
	said  []string
}

// Counter is the path of the counter, and Logs the pattern of the logs.
func (p *Processes) Counter() string { return filepath.Join(p.Dir, "counter") }

// Logs is the pattern of the workers' logs, for check.ReadLogs.
func (p *Processes) Logs() string { return filepath.Join(p.Dir, "*.log") }

// Exits says how often the processes ended with which status; -1 stands for one
// that a signal ended.
func (p *Processes) Exits() map[int]int { return p.exits }

// Said is what those processes said that did not end with status 0.
func (p *Processes) Said() []string { return p.said }

// Run runs processes until ctx is done, and then lets those that run end by
// themselves. Its error is that a process could not be started.
func (p *Processes) Run(ctx context.Context) error {
	p.exits = make(map[int]int)
	var errs []error
	var working sync.WaitGroup
	for i := range p.Workers {
		working.Go(func() {
			for ctx.Err() == nil {
				if err := p.once(fmt.Sprintf("w%d", i)); err != nil {
					p.mu.Lock()
					errs = append(errs, err)
					p.mu.Unlock()
					return
				}
			}
		})
	}
	working.Wait()
	return errors.Join(errs...)
}

// once is one process, from its start to its end.
func (p *Processes) once(worker string) error {
	args := append([]string{"run", "--nodes", p.Nodes, "--label", worker}, p.Args...)
	args = append(args, p.Key, "--", p.Increment,
		"-counter", p.Counter(), "-log", filepath.Join(p.Dir, worker+".log"), "-worker", worker, "-pause", p.Pause.String())
	cmd := exec.Command(p.Redlock, args...)
	// The signal comes when the thread ends that started the process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	dieWithParent(cmd)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if cmd.ProcessState == nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	status := cmd.ProcessState.ExitCode()
	p.exits[status]++
	if status != 0 {
		p.said = append(p.said, fmt.Sprintf("%s: status %d: %s", worker, status, bytes.TrimSpace(out.Bytes())))
	}
	return nil
}
