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
		begin := clock.Now().Add(leadIn)
		done := outcome{begin: begin, end: begin.Add(slice)}
		sent := sentBetween(&p.sent, done.begin, done.end)
		var working sync.WaitGroup
		for i := range actors {
			a := &actors[i]
			a.turns, a.errors, a.err = a.turns[:0], 0, nil
			working.Go(func() { a.run(p.locker, lock, done.end, 0) })
		}
		if !returned(&working, leadIn+slice+r.Settings.HungAfter) {
			actors = newActors() // those are lost
			return nil, errHung
		}
		for i := range actors {
			a := &actors[i]
			done.add(a.turns, a.errors, a.failure())
		}
		commands := sent()
		if p.Etcd {
			commands = -1
		}
		return done.sample(func(s Sample, got int) { s.since(before, got) }, commands)
	})
}

func newActors() []actor {
	actors := make([]actor, goroutines)
	for i := range actors {
		actors[i].turns = make([]Turn, 0, 1<<14)
	}
	return actors
}

// contenders is S4 and S4b: eight processes, one lock.
func (r *run) contenders(ctx context.Context, scenario, variant string, nodes int, section, delay time.Duration) (err error) {
	w, err := r.newWorld(scenario, variant, nodes, cluster.Options{Proxied: delay > 0})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	var trip time.Duration
	if delay > 0 {
		for _, n := range w.cluster.Nodes {
			// Half of it each way.
			err := errors.Join(n.Proxy.Latency(cluster.Requests, delay/2, 0), n.Proxy.Latency(cluster.Replies, delay/2, 0))
			if err != nil {
				return err
			}
		}
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
		begin := clock.Now().Add(20*time.Millisecond + leadIn) // by then all have read their job
		out := outcome{begin: begin, end: begin.Add(slice)}
		done, err := r.crew.all(Job{Kind: Contend, Contestant: p.Name, Lock: lock, Begin: out.begin, End: out.end, Section: section})
		if errors.Is(err, os.ErrDeadlineExceeded) { // those processes are lost
			p.out = true
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
		var all Done
		for _, d := range done {
			out.add(d.Turns, d.Errors, d.Failure)
			all.CPU += d.CPU
			all.Mallocs, all.Allocated = all.Mallocs+d.Mallocs, all.Allocated+d.Allocated
			all.Sent += d.Sent
		}
		if p.Etcd {
			all.Sent = -1
		}
		sample, err := out.sample(func(s Sample, got int) {
			s.since(before, got)
			n := float64(got)
			s[ClientCPU], s[Allocs], s[AllocBytes] = micro(all.CPU)/n, float64(all.Mallocs)/n, float64(all.Allocated)/n
		}, all.Sent)
		if err == nil && trip > 0 {
			sample[RoundTrip] = milli(trip)
		}
		return sample, err
	})
}

// openWorkers has all workers open all players that still play.
func (w *world) openWorkers() error {
	for _, p := range w.players {
		if p.out {
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
