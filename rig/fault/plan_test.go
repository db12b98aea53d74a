package fault

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/redlock-go/redlock/rig/clock"
	"github.com/redlock-go/redlock/rig/cluster"
)

// watched is a fault that does nothing, and knows how many there are at once.
type watched struct {
	mu       *sync.Mutex
	now, max *int
	d        time.Duration
}

func (f watched) Run(ctx context.Context, _ *cluster.Node, note func(string)) error {
	f.mu.Lock()
	*f.now++
	*f.max = max(*f.max, *f.now)
	f.mu.Unlock()
	note("watched")
	wait(ctx, f.d)
	f.mu.Lock()
	*f.now--
	f.mu.Unlock()
	return nil
}

func (f watched) String() string { return "watched{}" }

// TestPlanKeepsItsBound: not more nodes at once than allowed, but for a step that is
// alone, which has the cluster for itself.
func TestPlanKeepsItsBound(t *testing.T) {
	c := &cluster.Cluster{Nodes: make([]*cluster.Node, 5)}
	for i := range c.Nodes {
		c.Nodes[i] = &cluster.Node{Index: i}
	}
	var mu sync.Mutex
	var now, few, many int
	quick := watched{&mu, &now, &few, 5 * time.Millisecond}
	var plan Plan
	for i := range 20 {
		plan = append(plan, Step{Nodes: []int{i % 5}, Fault: quick})
	}
	plan = append(plan, Step{Nodes: []int{0, 1, 2, 3}, Alone: true, Fault: watched{&mu, &now, &many, 20 * time.Millisecond}})
	for i := range 10 {
		plan = append(plan, Step{Nodes: []int{(i + 3) % 5}, Fault: quick})
	}
	spans, err := plan.Run(context.Background(), c, 2)
	if err != nil || len(spans) != 34 {
		t.Fatalf("%d spans, %v", len(spans), err)
	}
	if few != 2 || many != 4 {
		t.Errorf("%d nodes in trouble at once where 2 may be, and %d where 4 are alone", few, many)
	}
}

// TestSparedForgetsOnlyWhatOthersRemember: a node is not flushed, nor its clock set
// ahead, while it has a lock that too few of the others have.
func TestSparedForgetsOnlyWhatOthersRemember(t *testing.T) {
	c, err := cluster.Start(cluster.Options{Clocks: cluster.ClocksSupported() == nil})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	spared := &Spared{Cluster: c, Lock: func(key string) bool { return key != "other" }}
	set := func(nodes ...int) {
		t.Helper()
		for _, i := range nodes {
			if _, err := c.Nodes[i].Do("SET", "lock", "v"); err != nil {
				t.Fatal(err)
			}
		}
	}
	const node = 1
	left := func() int {
		keys, err := c.Nodes[node].Keys("*", time.Second)
		if err != nil {
			t.Fatal(err)
		}
		return len(keys)
	}
	for _, f := range []Fault{Flush{Spared: spared}, Clock{By: time.Hour, Spared: spared}} {
		if _, ok := f.(Clock); ok && cluster.ClocksSupported() != nil {
			continue
		}
		set(0, 1, 2)
		if _, err := c.Nodes[node].Do("SET", "other", "v"); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Nodes[node].Do("PEXPIRE", "lock", "1000000"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		var notes []string
		err := f.Run(ctx, c.Nodes[node], func(what string) { notes = append(notes, what) })
		cancel()
		if err != nil || len(notes) != 0 || left() != 2 {
			t.Fatalf("%v: done %v with a lock on only two other nodes: %d keys left, %v", f, notes, left(), err)
		}
		set(3)
		err = f.Run(context.Background(), c.Nodes[node], func(what string) {
			if notes = append(notes, what); len(notes) == 1 && left() == 2 {
				t.Errorf("%v: nothing was forgotten", f)
			}
		})
		if err != nil || len(notes) == 0 {
			t.Fatalf("%v: not done with the lock on three other nodes: %v, %v", f, notes, err)
		}
		for _, n := range c.Nodes {
			if _, err := n.Do("FLUSHALL"); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestSparedKnowsSlotsAndReaders: who has a slot, or reads, is to be remembered by the others as well; for
// whom a slot is only reserved is not.
func TestSparedKnowsSlotsAndReaders(t *testing.T) {
	c, err := cluster.Start(cluster.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	later := strconv.FormatInt(time.Now().Add(time.Hour).UnixMilli(), 10)
	spared := &Spared{Cluster: c, Lock: func(key string) bool { return key == "lock" }, Shared: []string{"lock"}}
	add := func(nodes []int, command ...string) {
		t.Helper()
		for _, i := range nodes {
			if _, err := c.Nodes[i].Do(command...); err != nil {
				t.Fatal(err)
			}
		}
	}
	slot := func(holder, number, until string, nodes ...int) {
		add(nodes, "ZADD", "{lock}:s", number, holder)
		add(nodes, "ZADD", "{lock}:sx", until, holder)
	}
	flushed := func() bool {
		t.Helper()
		done, err := spared.flush(c.Nodes[0])
		if err != nil {
			t.Fatal(err)
		}
		return done
	}
	slot("rl1.a", "1", later, 0, 1, 2, 3)
	slot("rl1>waiter", "3", later, 0)
	add([]int{0}, "ZADD", "{other}:s", "1", "stranger")
	if flushed() {
		t.Error("with a key that is not known")
	}
	add([]int{0}, "DEL", "{other}:s")
	if !flushed() {
		t.Error("not with a slot that three others have")
	}
	slot("rl1.b", "1", later, 0, 1, 2)
	slot("rl1.b", "2", later, 3)
	if flushed() {
		t.Error("with a slot that is another one on the third of the others")
	}
	slot("rl1.b", "1", later, 3)
	if !flushed() {
		t.Error("not with that mended")
	}
	add([]int{0, 1, 2, 3}, "SET", "lock", "rl1=", "PX", "1000000")
	add([]int{0, 1, 2}, "ZADD", "{lock}:r", later, "rl1.c")
	if flushed() {
		t.Error("with a reader that two others know")
	}
	add([]int{3}, "ZADD", "{lock}:r", later, "rl1.c")
	if !flushed() {
		t.Error("not with a reader that three others know")
	}
}

// TestLossThatTakesTooLongIsTold: that the others remember is certain for as long as
// the keys that were seen there live, and the node takes no writes.
func TestLossThatTakesTooLongIsTold(t *testing.T) {
	c, err := cluster.Start(cluster.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	spared := &Spared{Cluster: c, Lock: func(string) bool { return true }}
	set := func(ttl time.Duration) {
		t.Helper()
		for i, n := range c.Nodes {
			if i > 0 && i < 4 {
				ttl := ttl
				if i == 1 {
					ttl = time.Minute // one of three that will remember is not enough
				}
				if _, err := n.Do("SET", "lock", "v", "PX", strconv.FormatInt(ttl.Milliseconds(), 10)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if _, err := c.Nodes[0].Do("SET", "lock", "v"); err != nil {
			t.Fatal(err)
		}
	}
	slow := func(d time.Duration) func() error {
		return func() error {
			wait(context.Background(), d)
			return nil
		}
	}

	// try loses the node's memory, as soon as it may, in so long.
	try := func(ttl, d time.Duration) (lapses []Lapse) {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
			set(ttl)
			before := len(spared.Lapses())
			done, err := spared.whilePaused(c.Nodes[0], slow(d))
			if err != nil {
				t.Fatal(err)
			}
			if done {
				return spared.Lapses()[before:]
			}
		}
		t.Fatal("not done, although the others remember")
		return nil
	}

	set(spareFor - 10*time.Millisecond)
	if done, err := spared.whilePaused(c.Nodes[0], slow(0)); done || err != nil {
		t.Fatalf("done although the others are about to forget: %v, %v", done, err)
	}
	for deadline := time.Now().Add(30 * time.Second); len(try(time.Minute, 0)) > 0; {
		if time.Now().After(deadline) {
			t.Fatal("always told, also when it takes no time")
		}
	}
	before := clock.Now()
	lapses := try(time.Minute, pauseFor)
	if len(lapses) != 1 || lapses[0].Node != 0 || lapses[0].From < before || lapses[0].To > clock.Now() || lapses[0].To.Sub(lapses[0].From) < pauseFor {
		t.Errorf("writes were paused for %v, and the loss took longer: lapses %+v", pauseFor, lapses)
	}
	if lapses := try(pauseFor*4/5, pauseFor*4/5); len(lapses) != 1 {
		t.Errorf("the others forgot meanwhile: lapses %+v", lapses)
	}
}
