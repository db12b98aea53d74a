package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/redlock-go/redlock/resp"
	"github.com/redlock-go/redlock/rig/cluster"
)

// crash is S6: a process that holds the lock is killed with SIGKILL while another
// waits for it. How long is the lock free before the other has it?
func (r *run) crash(ctx context.Context, nodes int) (err error) {
	w, err := r.newWorld("S6", "", nodes, cluster.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	waiters := make(map[*player]*workerProcess)
	defer func() {
		for _, waiter := range waiters {
			waiter.close()
		}
	}()
	for range r.Settings.Crashes {
		for _, p := range w.players {
			if p.out {
				continue
			}
			sample, err := r.killHolder(p, waiters)
			if context.Cause(ctx) != nil {
				return context.Cause(ctx)
			}
			if err != nil {
				p.leave(err)
				continue
			}
			r.result.add("S6", "", nodes, p.Name, sample)
		}
		r.step()
	}
	return nil
}

func (r *run) opening(p *player, ttl time.Duration) Job {
	return Job{Kind: Open, Contestant: p.Name, URLs: p.urls, TTL: ttl}
}

// killHolder has a process take a lock, another wait for it, and kills the first.
func (r *run) killHolder(p *player, waiters map[*player]*workerProcess) (Sample, error) {
	holder, err := startWorker(r.Worker)
	if err != nil {
		return nil, err
	}
	defer holder.close()
	waiter := waiters[p]
	if waiter == nil {
		if waiter, err = startWorker(r.Worker); err != nil {
			return nil, err
		}
		waiters[p] = waiter
		if _, err := waiter.do(r.opening(p, r.Settings.CrashTTL)); err != nil {
			return nil, err
		}
	}
	p.turns++
	lock := fmt.Sprintf("S6/%s/%d", p.Name, p.turns)
	_, err = holder.do(r.opening(p, r.Settings.CrashTTL))
	if err == nil {
		_, err = holder.do(Job{Kind: Hold, Contestant: p.Name, Lock: lock})
	}
	if err != nil {
		return nil, err
	}
	// The waiter comes at any moment, and so does the kill, lest they keep step.
	time.Sleep(rand.N(r.Settings.CrashTTL / 8))
	wait := Job{Kind: Wait, Contestant: p.Name, Lock: lock}
	if err := waiter.ask(wait); err != nil {
		return nil, err
	}
	time.Sleep(r.Settings.CrashTTL/10 + rand.N(r.Settings.CrashTTL/8))
	holder.process.Kill()
	expiry, err := freeAt(p.nodes, p.Key(lock))
	if err != nil {
		return nil, err
	}
	done, err := waiter.answer(wait)
	if err != nil {
		return nil, err
	}
	return Sample{
		NextAfterExpiry:    float64(done.Got-expiry.UnixNano()) / 1e6,
		CommandsNodeWaited: float64(done.Sent) / float64(len(p.nodes)),
	}, nil
}

// freeAt is when a majority of the nodes will be free of the key, as their clocks
// say, which are this machine's.
func freeAt(nodes []*cluster.Node, key string) (time.Time, error) {
	var ends []int64
	for _, n := range nodes {
		reply, err := n.Do("PEXPIRETIME", key)
		if err != nil {
			return time.Time{}, err
		}
		if reply.Kind != resp.Int || reply.Int == -1 {
			return time.Time{}, fmt.Errorf("the key %q does not expire: %v", key, reply)
		}
		ends = append(ends, reply.Int) // in ms; -2: free already
	}
	slices.Sort(ends)
	end := ends[len(ends)/2]
	if end < 0 {
		return time.Time{}, fmt.Errorf("the key %q is not on a majority of the nodes", key)
	}
	return time.UnixMilli(end), nil
}
