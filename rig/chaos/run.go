// Package chaos lets several lock libraries work on the same nodes, from several
// processes each, while nodes and clients suffer every fault that can be made, and
// looks afterwards for what went wrong. Everything is real but the clocks of
// the nodes: servers, connections, processes, signals, disks.
package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redlock-go/redlock/internal/redisd"
	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/rig/clock"
	"github.com/redlock-go/redlock/rig/cluster"
	"github.com/redlock-go/redlock/rig/fault"
	"github.com/redlock-go/redlock/rig/traffic"
)

// Options say how to run.
type Options struct {
	Seed        uint64
	For         time.Duration // of all sections, without starting and stopping
	TTL         time.Duration
	Clients     int // processes of each contestant
	Contestants []traffic.Contestant
	// Command runs a client, with a traffic.Client in JSON as one argument more.
	Command []string
	Dir     string    // for journals and logs
	Words   io.Writer // on how it goes, a line now and then
}

// queueKept is how long a queue that nobody touches stays on a node.
const queueKept = script.QueueMS * time.Millisecond

// besideKept is how much longer than who has a lock the keys beside it may live.
const besideKept = time.Second

// workers of each client take locks at the same time.
const workers = 2

// Margin is what looking for a key may take, on a machine that has much to do.
const Margin = time.Second

// Terms are what the plan of the run is made up from.
func (o Options) Terms() Terms {
	return Terms{
		Seed: o.Seed, For: o.For, TTL: o.TTL, Clients: o.Clients,
		Clocks: cluster.ClocksSupported() == nil, Disks: cluster.DiskSupported() == nil,
	}
}

// Run runs, and returns what it has shown. An error means that it could not be
// done, not that something was found. It ends early, with an error, if ctx does.
func Run(ctx context.Context, o Options) (_ Result, err error) {
	terms := o.Terms()
	if runtime.GOOS == "linux" && !terms.Clocks {
		return Result{}, cluster.ClocksSupported() // elsewhere it cannot be had
	}
	c, err := cluster.Start(cluster.Options{Nodes: nodes, Fsync: fsync, Proxied: true, Clocks: terms.Clocks})
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	resource, err := redisd.Start()
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, resource.Close()) }()

	r := Result{Terms: terms, Contestants: o.Contestants}
	for what, err := range map[string]error{"clocks": cluster.ClocksSupported(), "disks": cluster.DiskSupported()} {
		if err != nil {
			r.Lacking = append(r.Lacking, fmt.Sprintf("%s: %v", what, err))
		}
	}
	spared := &fault.Spared{Cluster: c, Lock: quorumLock(o.Contestants), Shared: sharedOf(o.Contestants)}
	run := &run{Options: o, cluster: c, spared: spared, resource: "redis://" + resource.Addr(), began: time.Now()}
	for i, s := range Plan(terms, spared) {
		outcome, err := run.section(ctx, i, s)
		if err != nil {
			return r, fmt.Errorf("section %s: %w", s.Title, err)
		}
		r.Sections = append(r.Sections, outcome)
	}
	return r, nil
}

// quorumLock tells the locks that are taken on a quorum from those of contestants
// which have one node only, and lose them with it.
func quorumLock(contestants []traffic.Contestant) func(key string) bool {
	locks := make(map[string]bool)
	for _, c := range contestants {
		for _, key := range keysOf(c) {
			locks[key] = c.Quorum
		}
	}
	return func(key string) bool { return locks[key] }
}

type run struct {
	Options
	cluster  *cluster.Cluster
	spared   *fault.Spared
	resource string
	began    time.Time
}

// section runs one section, with clients, registers and checks of its own.
func (r *run) section(ctx context.Context, index int, s Section) (Outcome, error) {
	out := Outcome{Section: s, From: clock.Now()}
	if ctx.Err() != nil {
		return out, ctx.Err()
	}
	prefix := string(rune('A' + index))
	crew, err := startCrew(r.Options, prefix, traffic.Client{
		// A database of the server for each section, so that each begins anew.
		Nodes: r.cluster.URLs(), Resource: fmt.Sprintf("%s/%d", r.resource, index), TTL: r.TTL, Durable: s.Durable, Workers: workers,
	})
	if err != nil {
		return out, err
	}
	defer crew.kill()
	samples := newSampler(r.cluster, r.Contestants)
	lapses := len(r.spared.Lapses())
	if err := r.trouble(ctx, crew, samples, s, &out); err != nil {
		return out, err
	}
	gone, hung, err := crew.stop()
	if err != nil {
		return out, err
	}
	out.To, out.Lapses = clock.Now(), r.spared.Lapses()[lapses:]
	lasted, left, err := r.drain(ctx, samples, gone)
	if err != nil {
		return out, err
	}
	stale, err := samples.stale(queueKept + Margin)
	if err != nil {
		return out, err
	}
	for _, contestant := range r.Contestants {
		stories, err := crew.stories(contestant.Name)
		if err != nil {
			return out, err
		}
		keys, queues := keysOf(contestant), queuesOf(contestant)
		score := score(contestant, evidence{
			stories: stories, stops: crew.stops, deaths: crew.deaths, silent: samples.silences(),
			seen: samples.sightings(func(key string) bool { return slices.Contains(keys, key) || slices.Contains(queues, key) }),
		}, &out, r.TTL)
		score.Gone, score.Left, score.Hung = lasted[contestant.Name], left[contestant.Name], hung[contestant.Name]
		for _, queue := range queues {
			if stale[queue] {
				score.Waiting.Findings = append(score.Waiting.Findings, fmt.Sprintf("orphan: the queue %q stays for longer than %v", queue, queueKept))
			}
		}
		out.Scores = append(out.Scores, score)
	}
	return out, nil
}

// trouble carries out the plan, and looks at the keys meanwhile.
func (r *run) trouble(ctx context.Context, crew *crew, samples *sampler, s Section, out *Outcome) error {
	over, end := context.WithCancel(ctx)
	defer end()
	var going sync.WaitGroup
	going.Go(func() { samples.run(over) })
	going.Go(func() { r.tell(over, crew, s) })
	begin := time.Now()
	var harmed, failed error
	var harming sync.WaitGroup
	harming.Go(func() { out.Harm, harmed = crew.harm(ctx, s.Clients) })
	out.Faults, failed = s.Nodes.Run(ctx, r.cluster, most)
	harming.Wait()
	sleep(ctx, s.For-time.Since(begin))
	end()
	going.Wait()
	return errors.Join(harmed, failed, ctx.Err())
}

// tell says now and then how it goes.
func (r *run) tell(ctx context.Context, crew *crew, s Section) {
	for {
		sleep(ctx, 5*time.Second)
		if ctx.Err() != nil {
			return
		}
		var b strings.Builder
		for _, c := range r.Contestants {
			fmt.Fprintf(&b, "  %s %d", c.Name, crew.acquired(c.Name))
		}
		fmt.Fprintf(r.Words, "%4.0fs  %.1s  acquired:%s\n", time.Since(r.began).Seconds(), s.Title, b.String())
	}
}

// drain waits until all keys are gone, and says how long each contestant's stayed
// after its last client had ended, and which are there for good.
func (r *run) drain(ctx context.Context, samples *sampler, gone map[string]clock.Instant) (lasted map[string]time.Duration, left map[string][]string, err error) {
	lasted, left = make(map[string]time.Duration), make(map[string][]string)
	waiting := slices.Clone(r.Contestants)
	for len(waiting) > 0 && ctx.Err() == nil {
		at := clock.Now()
		present, err := samples.left()
		if err != nil {
			return nil, nil, err
		}
		waiting = slices.DeleteFunc(waiting, func(c traffic.Contestant) bool {
			var have []string
			for _, key := range slices.Concat(keysOf(c), besideOf(c)) {
				if present[key] {
					have = append(have, key)
				}
			}
			stayed := max(0, at.Sub(gone[c.Name]))
			over := stayed > r.TTL+Margin
			if c.Beside != nil {
				over = stayed > r.TTL+besideKept+Margin
			}
			if over {
				left[c.Name] = have
			}
			if len(have) == 0 || over {
				lasted[c.Name] = stayed
				return true
			}
			return false
		})
		sleep(ctx, 5*time.Millisecond)
	}
	return lasted, left, ctx.Err()
}

func keysOf(c traffic.Contestant) []string {
	var keys []string
	for _, lock := range c.Locks() {
		keys = append(keys, c.Keys(lock)...)
	}
	return keys
}

func queuesOf(c traffic.Contestant) []string { return derived(c, c.Queues) }

func besideOf(c traffic.Contestant) []string { return derived(c, c.Beside) }

// sharedOf are the keys of locks that several may have at once.
func sharedOf(contestants []traffic.Contestant) []string {
	var keys []string
	for _, c := range contestants {
		if c.Beside != nil {
			keys = append(keys, keysOf(c)...)
		}
	}
	return keys
}

// derived are keys that a contestant has for each of its own; none without a rule.
func derived(c traffic.Contestant, rule func(key string) []string) []string {
	var keys []string
	for _, key := range keysOf(c) {
		if rule != nil {
			keys = append(keys, rule(key)...)
		}
	}
	return keys
}
