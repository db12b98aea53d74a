package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/redlock-go/redlock/rig/bench/stat"
	"github.com/redlock-go/redlock/rig/clock"
	"github.com/redlock-go/redlock/rig/cluster"
)

// crowd is S3: 64 goroutines of this process, one lock.
func (r *run) crowd(ctx context.Context, nodes int) (err error) {
	w, err := r.newWorld("S3", "", nodes, cluster.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if err := w.openAll(true); err != nil {
		return err
	}
	actors := newActors()
	return w.play(ctx, r.Settings.ContendSlice, func(_ context.Context, p *player, slice time.Duration) (Sample, error) {
		// A key that nobody has used, as some leave theirs behind when they are stopped.
		lock := fmt.Sprintf("S3/%s/%d", p.Name, p.turns)
		before := p.spent()
		begin := clock.Now()
		end := begin.Add(slice)
		var working sync.WaitGroup
		for i := range actors {
			a := &actors[i]
			a.turns, a.errors, a.err = a.turns[:0], 0, nil
			working.Go(func() { a.run(p.locker, lock, end, 0) })
		}
		if !returned(&working, slice+hungAfter) {
			actors = newActors() // those are lost
			return nil, errHung
		}
		turns := make([][]Turn, len(actors))
		got, failed := 0, 0
		var first error
		for i, a := range actors {
			turns[i] = a.turns
			failed += a.errors
			if first == nil {
				first = a.err
			}
			for _, t := range a.turns {
				if t.Got > 0 {
					got++
				}
			}
		}
		cost := Sample{}
		if got > 0 {
			cost.since(before, got)
		} else if first != nil {
			return nil, fmt.Errorf("nobody got the lock in %v: %w", slice, first)
		}
		sample := contention(turns, begin, end)
		for m, value := range cost {
			sample[m] = value
		}
		sample[Errors] = float64(failed)
		sample.perHandOver()
		return sample, nil
	})
}

func newActors() []actor {
	actors := make([]actor, goroutines)
	for i := range actors {
		actors[i].turns = make([]Turn, 0, 1<<14)
	}
	return actors
}

// returned waits for the goroutines, but not for ever.
func returned(working *sync.WaitGroup, within time.Duration) bool {
	done := make(chan struct{})
	go func() {
		working.Wait()
		close(done)
	}()
	enough := time.NewTimer(within)
	defer enough.Stop()
	select {
	case <-done:
		return true
	case <-enough.C:
		return false
	}
}

// perHandOver adds the commands for each hand-over.
func (s Sample) perHandOver() {
	if commands, counted := s[Commands]; counted && s[HandOvers] > 0 {
		s[CommandsPerHandOver] = commands * s[Rate] / s[HandOvers]
	}
}

// contenders is S4 and S4b: eight processes, one lock.
func (r *run) contenders(ctx context.Context, scenario, variant string, nodes int, section, delay time.Duration) (err error) {
	w, err := r.newWorld(scenario, variant, nodes, cluster.Options{Proxied: delay > 0})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if delay > 0 {
		for _, n := range w.cluster.Nodes {
			// Half of it each way.
			err := errors.Join(n.Proxy.Latency(cluster.Requests, delay/2, 0), n.Proxy.Latency(cluster.Replies, delay/2, 0))
			if err != nil {
				return err
			}
		}
	}
	var trip time.Duration
	if delay > 0 {
		if trip, err = roundTrip(w.cluster.Nodes[0]); err != nil {
			return err
		}
	}
	if err := r.startCrew(); err != nil {
		return err
	}
	if err := w.openWorkers(); err != nil {
		return err
	}
	defer func() {
		_, closeErr := r.crew.all(Job{Kind: Close})
		err = errors.Join(err, closeErr)
	}()
	return w.play(ctx, r.Settings.ContendSlice, func(_ context.Context, p *player, slice time.Duration) (Sample, error) {
		lock := fmt.Sprintf("%s/%s/%d", scenario, p.Name, p.turns)
		before := p.spent()
		begin := clock.Now().Add(20 * time.Millisecond) // by then all have read their job
		end := begin.Add(slice)
		done, err := r.crew.all(Job{Kind: Contend, Contestant: p.Name, Lock: lock, Begin: begin, End: end, Section: section})
		if errors.Is(err, os.ErrDeadlineExceeded) { // those processes are lost
			p.hung = true
			r.crew.close()
			r.crew = nil
			if err := errors.Join(r.startCrew(), w.openWorkers()); err != nil {
				return nil, err
			}
			return nil, errHung
		}
		if err != nil {
			return nil, err
		}
		turns := make([][]Turn, len(done))
		got, failed := 0, 0
		var client time.Duration
		var mallocs, allocated uint64
		var first string
		for i, d := range done {
			turns[i] = d.Turns
			failed += d.Errors
			client += d.CPU
			mallocs, allocated = mallocs+d.Mallocs, allocated+d.Allocated
			if first == "" {
				first = d.Failure
			}
			for _, t := range d.Turns {
				if t.Got > 0 {
					got++
				}
			}
		}
		cost := Sample{}
		if got > 0 {
			cost.since(before, got)
			n := float64(got)
			cost[ClientCPU], cost[Allocs], cost[AllocBytes] = micro(client)/n, float64(mallocs)/n, float64(allocated)/n
		} else if first != "" {
			return nil, fmt.Errorf("nobody got the lock in %v: %s", slice, first)
		}
		sample := contention(turns, begin, end)
		for m, value := range cost {
			sample[m] = value
		}
		sample[Errors] = float64(failed)
		sample.perHandOver()
		if trip > 0 {
			sample[RoundTrip] = milli(trip)
		}
		return sample, nil
	})
}

// openWorkers has all workers open all players that still play.
func (w *world) openWorkers() error {
	for _, p := range w.players {
		if p.hung {
			continue
		}
		if _, err := w.crew.all(Job{Kind: Open, Contestant: p.Name, URLs: p.urls, TTL: w.Settings.TTL}); err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	return nil
}

// roundTrip is the median of some PINGs through the node's proxy.
func roundTrip(n *cluster.Node) (time.Duration, error) {
	conn, err := net.DialTimeout("tcp", n.ClientAddr(), 5*time.Second)
	if err != nil {
		return 0, err
	}
	defer conn.Close() //nolint:errcheck // nothing more is expected of it
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return 0, err
	}
	reply := make([]byte, len("+PONG\r\n"))
	var trips []time.Duration
	for range 51 {
		begin := time.Now()
		if _, err := io.WriteString(conn, "PING\r\n"); err != nil {
			return 0, err
		}
		if _, err := io.ReadFull(conn, reply); err != nil {
			return 0, err
		}
		trips = append(trips, time.Since(begin))
	}
	return time.Duration(stat.Median(trips)), nil
}
