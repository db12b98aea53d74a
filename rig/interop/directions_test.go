package interop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/goredis"
	"github.com/redlock-go/redlock/rig/clock"
	"github.com/redlock-go/redlock/rig/cluster"
	"github.com/redlock-go/redlock/rig/traffic"
)

const (
	// ttl is so long that a machine that is busy elsewhere does not stand still for it.
	ttl = 1500 * time.Millisecond
	// soon is how long a hand-over may take: the longest pause between two tries of a
	// poller is 300 ms, and the machine may be busy.
	soon = 5 * time.Second
)

// TestBothDirections has each other library hold while each of our adapters waits, and
// the other way round. A holder extends its lease while the other waits, for longer than
// the TTL, so that the other is refused many times; then it releases, and the other has
// the lock soon. The one that waited does the same next, and then disappears: it is
// killed, or never releases. Then the first has the lock when the TTL is over, and not
// before.
func TestBothDirections(t *testing.T) {
	c := startCluster(t)
	looking, err := goredis.OpenAll(c.URLs()...)
	if err != nil {
		t.Fatal(err)
	}
	looks, err := redlock.New(redlock.Config{Nodes: looking, TTL: ttl, NodeTimeout: ttl / 4, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer looks.Close()

	var pairs []pair
	for _, ours := range Ours() {
		for _, other := range Others() {
			for _, two := range [][2]traffic.Contestant{{ours, other}, {other, ours}} {
				p := pair{c: c, looks: looks, lock: "from " + two[0].Name + " to " + two[1].Name}
				p.first, p.second = p.client(two[0]), p.client(two[1])
				pairs = append(pairs, p)
			}
		}
	}
	// All have started before the first begins.
	var opening, playing sync.WaitGroup
	for _, p := range pairs {
		for _, one := range []*client{p.first, p.second} {
			opening.Go(func() {
				var err error
				if one.locker, err = open(one.Contestant, p.setup(one), one.lock); err != nil {
					t.Error(err)
				}
			})
			t.Cleanup(func() {
				if one.locker != nil {
					_ = one.locker.Close() // it may have been killed
				}
			})
		}
	}
	if opening.Wait(); t.Failed() {
		return
	}
	for _, p := range pairs {
		playing.Go(func() {
			said, err := p.play()
			if err != nil {
				t.Errorf("%s, then %s: %v", p.first.Name, p.second.Name, err)
				return
			}
			t.Logf("%-17s then %-17s %s", p.first.Name, p.second.Name, said)
		})
	}
	playing.Wait()
}

// pair is a client of ours and one of another library, in the order in which they hold.
type pair struct {
	c             *cluster.Cluster
	looks         *redlock.Locker // tells who holds a lock
	lock          string
	first, second *client
}

func (p pair) client(c traffic.Contestant) *client {
	if c.Ours {
		return &client{Contestant: c, lock: p.lock}
	}
	return &client{Contestant: c, lock: keyOf(p.lock)}
}

// setup has a busy machine be no outage, and leases of ours extended by hand only, so that
// they can be left to expire.
func (p pair) setup(c *client) traffic.Setup {
	return traffic.Setup{URLs: p.c.URLs(), TTL: ttl, Owner: c.Name, Log: io.Discard, Patience: ttl / 4, ByHand: true}
}

func (p pair) play() (said string, err error) {
	w := NewWitness()
	first, second := p.first, p.second
	holder, err := first.takes(w)
	if err != nil {
		return "", err
	}
	if err := p.named(); err != nil {
		return "", err
	}
	waiting := second.waits(w)
	if err := first.holdsOn(holder, waiting); err != nil {
		return "", err
	}
	released := clock.Now()
	if err := first.gives(w, holder); err != nil {
		return "", err
	}
	got, err := waiting.gets(soon)
	if err != nil {
		return "", fmt.Errorf("%s after the release: %w", p.second.Name, err)
	}
	handed := got.at.Sub(released)

	waiting = first.waits(w)
	if err := second.holdsOn(got.lease, waiting); err != nil {
		return "", err
	}
	// The second is not heard of any more.
	if k, ok := second.locker.(*nodeLocker); ok {
		k.Kill()
	}
	end, _ := got.lease.Valid()
	last, err := waiting.gets(ttl + soon)
	if err != nil {
		return "", fmt.Errorf("%s after the other's end: %w", p.first.Name, err)
	}
	if last.at < end {
		return "", fmt.Errorf("%s has it %v before the other's lease is over", p.first.Name, end.Sub(last.at))
	}
	if err := first.gives(w, last.lease); err != nil {
		return "", err
	}
	if o := w.Overlaps(); len(o) > 0 {
		return "", fmt.Errorf("overlaps: %q", o)
	}
	return fmt.Sprintf("has it %4d ms after the release; and again %4d ms after the other's lease was over",
		handed.Milliseconds(), last.at.Sub(end).Milliseconds()), p.nothingLeft()
}

// named checks what we say of the holder: its label if it is ours, and that it is
// another library's client if not.
func (p pair) named() error {
	want := "another client"
	if p.first.Ours {
		want = p.first.Name
	}
	var held *redlock.HeldError
	if _, err := p.looks.TryAcquire(context.Background(), p.lock); !errors.As(err, &held) {
		return fmt.Errorf("TryAcquire of what %s holds: %w", p.first.Name, err)
	}
	if held.Holder != want || held.Reserved || held.Remaining <= 0 || held.Remaining > ttl {
		return fmt.Errorf("of what %s holds it is said: %w", p.first.Name, held)
	}
	return nil
}

// nothingLeft checks that the key is on no node.
func (p pair) nothingLeft() error {
	for deadline := time.Now().Add(soon); ; time.Sleep(5 * time.Millisecond) {
		var have []int
		for _, n := range p.c.Nodes {
			values, err := n.Strings(soon)
			if err != nil {
				return err
			}
			if _, found := values[keyOf(p.lock)]; found {
				have = append(have, n.Index)
			}
		}
		if len(have) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the key is left on the nodes %v", have)
		}
	}
}

// client is one client of a lock.
type client struct {
	traffic.Contestant
	locker traffic.Locker
	lock   string // as it calls it
}

// takes takes the lock, which is free, and enters.
func (c *client) takes(w *Witness) (traffic.Lease, error) {
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	lease, err := c.locker.Acquire(ctx, c.lock)
	for err != nil && ctx.Err() == nil { // the machine was busy
		lease, err = c.locker.Acquire(ctx, c.lock)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: acquire: %w", c.Name, err)
	}
	if !w.enter(c.Name, lease) {
		return nil, fmt.Errorf("%s: the lease was over at once", c.Name)
	}
	return lease, nil
}

// holdsOn extends the lease for longer than the TTL, while the other waits.
func (c *client) holdsOn(lease traffic.Lease, other *wait) error {
	extend := time.NewTicker(ttl / 4)
	defer extend.Stop()
	for range 6 {
		<-extend.C
		if err := lease.Extend(context.Background()); err != nil {
			return fmt.Errorf("%s: extend: %w", c.Name, err)
		}
		if until, valid := lease.Valid(); !valid {
			return fmt.Errorf("%s: extended, and over since %v", c.Name, until)
		}
		select {
		case <-other.done:
			return fmt.Errorf("%s does not wait while %s holds the lock: %w", other.name, c.Name, other.err)
		default:
		}
	}
	return nil
}

// gives leaves, and releases the lock.
func (c *client) gives(w *Witness, lease traffic.Lease) error {
	w.leave(c.Name)
	if err := lease.Release(context.Background()); err != nil {
		return fmt.Errorf("%s: release: %w", c.Name, err)
	}
	return nil
}

// wait is a client that waits for the lock, and then enters.
type wait struct {
	name  string
	done  chan struct{}
	at    clock.Instant
	lease traffic.Lease
	err   error
}

func (c *client) waits(w *Witness) *wait {
	p := &wait{name: c.Name, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		ctx, cancel := context.WithTimeout(context.Background(), 10*ttl)
		defer cancel()
		if p.lease, p.err = c.locker.Acquire(ctx, c.lock); p.err != nil {
			return
		}
		p.at = clock.Now()
		if !w.enter(c.Name, p.lease) {
			p.err = errors.New("the lease was over at once")
		}
	}()
	return p
}

func (p *wait) gets(within time.Duration) (*wait, error) {
	select {
	case <-p.done:
		return p, p.err
	case <-time.After(within):
		return p, fmt.Errorf("it has waited for %v in vain", within)
	}
}
