package rig

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/goredis"
	"github.com/redlock-go/redlock/internal/process"
	"github.com/redlock-go/redlock/rig/clock"
	"github.com/redlock-go/redlock/rig/cluster"
)

// candidate is a process of its own that stands for election until it is killed.
type candidate struct{ *process.Process }

// reign is a term as its leader told it: at both instants, and between them, its context was
// alive.
type reign struct {
	pid         int
	token       uint64
	first, last clock.Instant
	ticks       int
}

// reigns is what all candidates have told.
type reigns struct {
	mu  sync.Mutex
	all map[uint64]*reign
}

// startCandidate starts one. What it tells goes to the book.
func startCandidate(t *testing.T, e errand, book *reigns) *candidate {
	t.Helper()
	text, err := json.Marshal(e)
	ok(t, err)
	cmd := exec.Command(os.Args[0], "candidate", string(text))
	cmd.Stderr = os.Stderr
	told, says, err := os.Pipe()
	ok(t, err)
	cmd.Stdout = says
	c := new(candidate)
	c.Process, err = process.Start(cmd)
	ok(t, err)
	_ = says.Close() // it has it
	read := make(chan struct{})
	t.Cleanup(func() {
		c.Kill()
		<-read
	})
	go func() {
		defer close(read)
		defer told.Close()
		for lines := bufio.NewScanner(told); lines.Scan(); {
			var token uint64
			var at clock.Instant
			if _, err := fmt.Sscan(lines.Text(), &token, (*int64)(&at)); err != nil {
				continue // the last word of one that was killed
			}
			book.tell(c.Pid(), token, at)
		}
	}()
	return c
}

func (b *reigns) tell(pid int, token uint64, at clock.Instant) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.all[token]
	if r == nil {
		r = &reign{pid: pid, token: token, first: at}
		b.all[token] = r
	}
	r.last = at
	r.ticks++
}

// leader is the process whose term has the token, 0 if it has not been heard of.
func (b *reigns) leader(token uint64) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r := b.all[token]; r != nil {
		return r.pid
	}
	return 0
}

// beCandidate is the process: while it leads, it tells so a thousand times a second.
func beCandidate(text string) error {
	var e errand
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		return err
	}
	nodes, err := goredis.OpenAll(e.URLs...)
	if err != nil {
		return err
	}
	l, err := redlock.New(redlock.Config{Nodes: nodes, TTL: e.TTL})
	if err != nil {
		return err
	}
	defer l.Close()
	return l.Elect(context.Background(), e.Name, func(ctx context.Context) error {
		token, _ := redlock.TokenFrom(ctx)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			at := clock.Now()
			if ctx.Err() != nil {
				return ctx.Err()
			}
			// It was alive at that instant, as it is now.
			if _, err := fmt.Printf("%d %d\n", token, int64(at)); err != nil {
				return err
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	})
}

// Three processes stand for election on five servers. The leader is killed, again and again, and
// once the servers are frozen under it: another leads soon after; no two terms overlap (E1), their tokens
// rise (E2), and who watches is told of each leader that was killed, and of those only (E3, E4).
func TestElectionUnderFire(t *testing.T) {
	c := startCluster(t, cluster.Options{})
	e := errand{URLs: c.URLs(), Name: "x", TTL: time.Second}
	l := newLocker(t, adapters[1].open, redlock.Config{TTL: time.Second}, c.URLs()...)
	book := &reigns{all: make(map[uint64]*reign)}
	crew := make(map[int]*candidate)
	add := func() {
		one := startCandidate(t, e, book)
		crew[one.Pid()] = one
	}
	for range 3 {
		add()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	const kills = 4
	var tokens []uint64
	frozen := false
	for leader, err := range l.Watch(ctx, "x") {
		switch {
		case errors.Is(err, redlock.ErrNoQuorum):
			t.Logf("not known: %v", err)
			continue
		case err != nil:
			t.Fatal(err)
		case leader.IsNobody():
			continue
		}
		if n := len(tokens); n > 0 && leader.Token < tokens[n-1] {
			t.Errorf("a leader with token %d after one with %d", leader.Token, tokens[n-1])
		}
		if n := len(tokens); n > 0 && leader.Token == tokens[n-1] {
			continue // after it was not known
		}
		tokens = append(tokens, leader.Token)
		var pid int
		until(t, soon, "the leader that was told tells so itself", func() bool { pid = book.leader(leader.Token); return pid != 0 })
		switch {
		case len(tokens) == 2 && !frozen: // this one loses the nodes
			frozen = true
			for _, n := range c.Nodes[:3] {
				ok(t, n.Freeze())
			}
			until(t, soon, "it leads no more", func() bool {
				book.mu.Lock()
				defer book.mu.Unlock()
				return clock.Now().Sub(book.all[leader.Token].last) > e.TTL/2
			})
			for _, n := range c.Nodes[:3] {
				ok(t, n.Thaw())
			}
		case len(tokens) > kills:
			cancel()
		default:
			crew[pid].Kill()
			add()
		}
	}
	if len(tokens) <= kills {
		t.Fatalf("only %d leaders were told of", len(tokens))
	}
	book.mu.Lock()
	defer book.mu.Unlock()
	var terms []*reign
	for _, r := range book.all {
		terms = append(terms, r)
	}
	slices.SortFunc(terms, func(a, b *reign) int { return int(a.first - b.first) })
	for i, r := range terms {
		t.Logf("%d led for %v with token %d", r.pid, r.last.Sub(r.first), r.token)
		if i == 0 {
			continue
		}
		if before := terms[i-1]; before.last >= r.first || before.token >= r.token {
			t.Errorf("%d led from %v to %v with token %d, and %d from %v with token %d",
				before.pid, before.first, before.last, before.token, r.pid, r.first, r.token)
		}
	}
	for _, token := range tokens {
		if book.all[token] == nil {
			t.Errorf("one was told of with token %d, and nobody led with it", token)
		}
	}
}
