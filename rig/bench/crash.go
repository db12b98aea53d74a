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
	waiter, err := startWorker(r.Worker)
	if err != nil {
		return err
	}
	defer waiter.close()
	for _, p := range w.players {
		if _, err := waiter.do(r.opening(p)); err != nil {
			return err
		}
	}
	for i := range r.Settings.Crashes + 1 {
		for _, p := range w.players {
			var watching *monitor
			if i == 0 { // this one counts what scripts call
				if watching, err = watch(p.nodes); err != nil {
					return err
				}
			}
			sample, err := r.killHolder(p, waiter)
			if watching != nil {
				err = errors.Join(err, watching.stop())
				p.inner = watching.perScript()
			}
			if err = errors.Join(err, context.Cause(ctx)); err != nil {
				return fmt.Errorf("%s: %w", p.Name, err)
			}
			if i > 0 {
				r.result.add("S6", "", nodes, p.Name, sample)
			}
		}
	}
	w.say()
	return nil
}

func (r *run) opening(p *player) Job {
	return Job{Kind: Open, Contestant: p.Name, URLs: p.urls, TTL: r.Settings.CrashTTL}
}

func (r *run) killHolder(p *player, waiter *workerProcess) (Sample, error) {
	holder, err := startWorker(r.Worker)
	if err != nil {
		return nil, err
	}
	defer holder.close()
	p.turns++
	lock := fmt.Sprintf("S6/%s/%d", p.Name, p.turns)
	_, err = holder.do(r.opening(p))
	if err == nil {
		_, err = holder.do(Job{Kind: Hold, Contestant: p.Name, Lock: lock})
	}
	if err != nil {
		return nil, err
	}
	// The waiter comes at any moment, and so does the kill, lest they keep step.
	time.Sleep(rand.N(r.Settings.CrashTTL / 8))
	if err := waiter.ask(Job{Kind: Wait, Contestant: p.Name, Lock: lock}); err != nil {
		return nil, err
	}
	time.Sleep(r.Settings.CrashTTL/10 + rand.N(r.Settings.CrashTTL/8))
	holder.process.Kill()
	before := p.spent()
	expiry, err := freeAt(p.nodes, p.Key(lock))
	if err != nil {
		return nil, err
	}
	done, err := waiter.answer()
	if err != nil {
		return nil, err
	}
	sample := Sample{NextAfterExpiry: float64(done.Got-expiry.UnixNano()) / 1e6}
	sample.commands(before, p.settled(), float64(len(p.nodes)))
	sample[CommandsNodeWaited] = sample[Commands]
	delete(sample, Commands)
	delete(sample, Calls)
	return sample, nil
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
