package redlock_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/redlocktest"
)

func handOff(t *testing.T, l *redlock.Lease) string {
	t.Helper()
	text, err := l.Handoff()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// holders are the values of the key on the nodes, each once.
func holders(nodes redlocktest.Nodes, key string) []string {
	var all []string
	for _, n := range nodes {
		if value, ok := n.Get(key); ok && !slices.Contains(all, value) {
			all = append(all, value)
		}
	}
	return all
}

// A lease goes on in another process: the same key and token, and nobody gets in between.
func TestHandoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(5)
		a, b, c := open(t, nodes), open(t, nodes), open(t, nodes)
		first := acquire(t, a, "k")
		time.Sleep(5 * time.Second)
		text := handOff(t, first)
		if err := context.Cause(first.Context()); !errors.Is(err, redlock.ErrHandedOver) {
			t.Errorf("the first holder's context: %v", err)
		}
		for name, call := range map[string]func() error{
			"Release": func() error { return first.Release(t.Context()) },
			"Close":   a.Close,
		} {
			if err := call(); err != nil {
				t.Errorf("%s after the hand-over: %v", name, err)
			}
		}
		if err := first.Extend(t.Context()); !errors.Is(err, redlock.ErrHandedOver) {
			t.Errorf("Extend after the hand-over: %v", err)
		}
		if _, err := first.Handoff(); !errors.Is(err, redlock.ErrHandedOver) {
			t.Errorf("a second Handoff: %v", err)
		}
		time.Sleep(2 * time.Second)
		if _, err := c.TryAcquire(t.Context(), "k"); !errors.Is(err, redlock.ErrHeld) {
			t.Errorf("the lock was not held on its way: %v", err)
		}
		old := holders(nodes, first.Key())

		second, err := b.Resume(t.Context(), text+"\n")
		if err != nil {
			t.Fatal(err)
		}
		if second.Key() != first.Key() || second.Token() != first.Token() {
			t.Errorf("resumed %q with token %d: want %q and %d", second.Key(), second.Token(), first.Key(), first.Token())
		}
		if left := time.Until(second.Deadline()); left < 9*time.Second {
			t.Errorf("the resumed lease has %v", left)
		}
		time.Sleep(time.Millisecond) // it returned at the majority
		if now := holders(nodes, first.Key()); len(now) != 1 || slices.Equal(now, old) {
			t.Errorf("the values were %q and are %q: want one, and another", old, now)
		}
		time.Sleep(time.Minute)
		if _, err := c.TryAcquire(t.Context(), "k"); !errors.Is(err, redlock.ErrHeld) {
			t.Errorf("after a minute: %v", err)
		}
		if err := second.Release(t.Context()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if left := holders(nodes, first.Key()); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
		if third := acquire(t, c, "k"); third.Token() <= second.Token() {
			t.Errorf("token %d after %d", third.Token(), second.Token())
		}
		if _, err := b.Resume(t.Context(), text); !errors.Is(err, redlock.ErrLost) || errors.Is(err, redlock.ErrNoQuorum) {
			t.Errorf("resumed again: %v", err)
		}
	})
}

// Of several that resume one lease at once at most one gets it, and as long as none has, it is
// there to be resumed.
func TestOneResumes(t *testing.T) {
	for n := 1; n <= 5; n++ {
		t.Run(fmt.Sprint(n, " nodes"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for round := range 8 {
					nodes := redlocktest.NewNodes(n)
					for i, node := range nodes {
						node.Delay(time.Duration(1+(i*round)%3) * time.Millisecond)
					}
					text := handOff(t, acquire(t, open(t, nodes), "k"))
					var mu sync.Mutex
					var won []*redlock.Lease
					var all sync.WaitGroup
					for i := range 3 {
						l := open(t, nodes)
						all.Go(func() {
							time.Sleep(time.Duration(i*round%4) * time.Millisecond)
							lease, err := l.Resume(t.Context(), text)
							mu.Lock()
							defer mu.Unlock()
							switch {
							case err == nil:
								won = append(won, lease)
							case !errors.Is(err, redlock.ErrLost) && !errors.Is(err, redlock.ErrNoQuorum):
								t.Errorf("the error is %v", err)
							}
						})
					}
					all.Wait()
					synctest.Wait()
					lease, err := open(t, nodes).Resume(t.Context(), text)
					switch {
					case len(won) > 1:
						t.Fatalf("round %d: %d have it", round, len(won))
					case len(won) == 1 && err == nil:
						t.Fatalf("round %d: it was resumed twice", round)
					case len(won) == 0 && err != nil:
						t.Fatalf("round %d: nobody has it, and nobody can: %v", round, err)
					case err == nil:
						won = append(won, lease)
					}
					if err := won[0].Release(t.Context()); err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}

// Too few nodes answer: nothing is deleted, the nodes that did get the old value back, those
// that hung do when they are back, and then the lease can be resumed.
func TestResumeIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(5)
		b, c := open(t, nodes), open(t, nodes)
		text := handOff(t, acquire(t, open(t, nodes), "k"))
		old := holders(nodes, "redlock:k")
		time.Sleep(time.Second)
		for _, n := range nodes[:3] {
			n.Freeze()
		}
		if _, err := b.Resume(t.Context(), text); !errors.Is(err, redlock.ErrNoQuorum) || errors.Is(err, redlock.ErrLost) {
			t.Fatalf("on two of five nodes: %v", err)
		}
		time.Sleep(time.Second)
		for _, n := range nodes[:3] {
			n.Thaw()
		}
		time.Sleep(2 * time.Second)
		if now := holders(nodes, "redlock:k"); !slices.Equal(now, old) {
			t.Errorf("the value was %q, and is %q", old, now)
		}
		if lease, err := c.Resume(t.Context(), text); err != nil {
			t.Error(err)
		} else if err := lease.Release(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Whoever gives up waiting leaves the lease to be resumed.
func TestResumeIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		l := open(t, nodes)
		text := handOff(t, acquire(t, l, "k"))
		for _, n := range nodes {
			n.Delay(20 * time.Millisecond)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if _, err := l.Resume(ctx, text); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("the error is %v", err)
		}
		time.Sleep(time.Second)
		if lease, err := l.Resume(t.Context(), text); err != nil {
			t.Error(err)
		} else if err := lease.Release(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// I9: a node that lost the key and was given it again does not vote, in another process's hands either.
func TestRepairedNodeDoesNotVoteForAResumedLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		a, b := open(t, nodes), open(t, nodes)
		first := acquire(t, a, "k", redlock.WithoutRenewal())
		time.Sleep(time.Millisecond) // the third node's grant
		nodes[1].Exec("DEL", first.Key())
		nodes[2].Freeze()
		if err := first.Extend(t.Context()); !errors.Is(err, redlock.ErrNoQuorum) {
			t.Fatalf("one vote and one repair: %v", err)
		}
		time.Sleep(10 * time.Millisecond)
		if _, ok := nodes[1].Get(first.Key()); !ok {
			t.Fatal("the node was not repaired")
		}
		text := handOff(t, first)
		if _, err := b.Resume(t.Context(), text); !errors.Is(err, redlock.ErrNoQuorum) {
			t.Fatalf("one vote, one repaired node and one that is silent: %v", err)
		}
		nodes[2].Thaw()
		time.Sleep(time.Second)
		if _, err := b.Resume(t.Context(), text); err != nil {
			t.Errorf("two votes: %v", err)
		}
	})
}

// What is gone, or another's, is lost, and the other does not notice.
func TestResumeOfWhatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(5)
		a, b := open(t, nodes), open(t, nodes)
		text := handOff(t, acquire(t, a, "k"))
		time.Sleep(11 * time.Second)
		if _, err := b.Resume(t.Context(), text); !errors.Is(err, redlock.ErrLost) {
			t.Errorf("after the TTL: %v", err)
		}
		other := acquire(t, a, "k")
		if _, err := b.Resume(t.Context(), text); !errors.Is(err, redlock.ErrLost) {
			t.Errorf("another has it: %v", err)
		}
		if _, err := b.Prolong(t.Context(), text); !errors.Is(err, redlock.ErrLost) {
			t.Errorf("another has it, and it is to be extended: %v", err)
		}
		if err := other.Extend(t.Context()); err != nil {
			t.Error(err)
		}
		if err := other.Release(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A node that was away when the lease was resumed has the old value: it is passed on later, and
// released with the others.
func TestLateNodeIsPassedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(5)
		b := open(t, nodes)
		text := handOff(t, acquire(t, open(t, nodes), "k"))
		nodes[0].Freeze()
		second, err := b.Resume(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
		nodes[0].Thaw()
		time.Sleep(4 * time.Second) // a renewal
		for _, n := range nodes[1:3] {
			n.Exec("FLUSHALL") // two are left, and the one that came late: a majority
		}
		if err := second.Extend(t.Context()); err != nil {
			t.Errorf("the node that came late does not vote: %v", err)
		}
		text = handOff(t, second)
		nodes[3].Freeze()
		time.Sleep(time.Second)
		if _, err := b.Resume(t.Context(), text); err == nil {
			t.Fatal("two that voted ever since, one of which hangs, and two repaired ones are no majority")
		}
		nodes[3].Thaw()
		time.Sleep(time.Second)
		third, err := b.Resume(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		if err := third.Release(t.Context()); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		if left := holders(nodes, third.Key()); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	})
}

// Who waits in the queues is served when the lease is released by another process than that which got it.
func TestWaiterOfAResumedLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(5)
		a, b, c := open(t, nodes), open(t, nodes), open(t, nodes)
		first := acquire(t, a, "k")
		got := make(chan time.Time)
		var waiter *redlock.Lease
		go func() {
			waiter, _ = c.Acquire(t.Context(), "k")
			got <- time.Now()
		}()
		time.Sleep(time.Second)
		second, err := b.Resume(t.Context(), handOff(t, first))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		released := time.Now()
		if err := second.Release(t.Context()); err != nil {
			t.Error(err)
		}
		if late := (<-got).Sub(released); late > 10*time.Millisecond {
			t.Errorf("the waiter had it %v after the release", late)
		}
		if waiter == nil || waiter.Token() <= second.Token() {
			t.Errorf("the waiter's lease is %v", waiter)
		}
	})
}

// A lease that was passed on in the process hands over the token that it has, and those who stand by for
// it ask the nodes.
func TestHandoffOfAPassedLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		a, b := open(t, nodes), open(t, nodes)
		first := acquire(t, a, "k")
		leases := make(chan *redlock.Lease, 2)
		stood := func() {
			l, err := a.Acquire(t.Context(), "k")
			if err != nil {
				t.Error(err)
			}
			leases <- l
		}
		for range 3 {
			go stood()
			synctest.Wait()
		}
		if err := first.Release(t.Context()); err != nil { // without a block: the next asks, and reserves one
			t.Error(err)
		}
		held := <-leases
		if err := held.Release(t.Context()); err != nil {
			t.Error(err)
		}
		passed := <-leases
		if passed.Token() != held.Token()+1 {
			t.Fatalf("tokens %d and %d: the lease was not passed on", held.Token(), passed.Token())
		}
		resumed, err := b.Resume(t.Context(), handOff(t, passed))
		if err != nil {
			t.Fatal(err)
		}
		if resumed.Token() != passed.Token() {
			t.Errorf("resumed with token %d, handed over with %d", resumed.Token(), passed.Token())
		}
		synctest.Wait()
		select {
		case <-leases:
			t.Fatal("the last of them has it, too")
		default:
		}
		if err := resumed.Release(t.Context()); err != nil {
			t.Error(err)
		}
		if last := <-leases; last == nil || last.Token() <= resumed.Token() {
			t.Errorf("the last of those who stood by: %v", last)
		}
	})
}

// Between the commands of a script nobody's process holds the lease: it is extended by its text.
func TestProlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(5)
		first := acquire(t, open(t, nodes), "k", redlock.WithoutRenewal())
		text := handOff(t, first)
		for range 10 {
			time.Sleep(8 * time.Second)
			until, err := open(t, nodes).Prolong(t.Context(), text)
			if err != nil {
				t.Fatal(err)
			}
			if left := time.Until(until); left < 9*time.Second || left > 10*time.Second {
				t.Fatalf("valid for %v", left)
			}
		}
		l := open(t, nodes)
		lease, err := l.Resume(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		if lease.Token() != first.Token() {
			t.Errorf("token %d, and %d before", lease.Token(), first.Token())
		}
		if _, err := l.Prolong(t.Context(), text); !errors.Is(err, redlock.ErrLost) {
			t.Errorf("extended by its text, although it was resumed: %v", err)
		}
		if err := lease.Release(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A text is of the nodes that it was written for.
func TestResumeOnOtherNodes(t *testing.T) {
	nodes := redlocktest.NewNodes(3)
	text := handOff(t, acquire(t, open(t, nodes), "k"))
	if _, err := open(t, redlocktest.NewNodes(5)).Resume(t.Context(), text); err == nil || !strings.Contains(err.Error(), "on 3 nodes") {
		t.Errorf("on five nodes: %v", err)
	}
	others := redlocktest.Nodes{nodes[0], redlocktest.NewNode("x"), redlocktest.NewNode("y")}
	if _, err := open(t, others).Resume(t.Context(), text); err == nil || !strings.Contains(err.Error(), "by the same name") {
		t.Errorf("on others: %v", err)
	}
	others = redlocktest.Nodes{nodes[2], nodes[0], nodes[1]}
	if lease, err := open(t, others).Resume(t.Context(), text); err != nil {
		t.Errorf("in another order: %v", err)
	} else if err := lease.Release(t.Context()); err != nil {
		t.Error(err)
	}
}

// What is over cannot be handed over.
func TestHandoffOfWhatIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		l := open(t, nodes)
		lease := acquire(t, l, "k", redlock.WithoutRenewal())
		time.Sleep(11 * time.Second)
		if text, err := lease.Handoff(); !errors.Is(err, redlock.ErrLost) || text != "" {
			t.Errorf("after the deadline: %q, %v", text, err)
		}
		lease = acquire(t, l, "k")
		if err := lease.Release(t.Context()); err != nil {
			t.Error(err)
		}
		if text, err := lease.Handoff(); !errors.Is(err, redlock.ErrNotHeld) || text != "" {
			t.Errorf("after the release: %q, %v", text, err)
		}
	})
}

// Handoff waits for a node that may answer yet, and no longer than that; what it grants later is cleaned up.
func TestHandoffDoesNotWaitForSilentNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(5)
		nodes[3].Delay(10 * time.Millisecond)
		a, b := open(t, nodes), open(t, nodes)
		time.Sleep(time.Second) // they know each other
		nodes[4].Freeze()
		lease := acquire(t, a, "k")
		start := time.Now()
		text := handOff(t, lease)
		if took := time.Since(start); took < 9*time.Millisecond || took > 51*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		nodes[4].Thaw()
		time.Sleep(time.Second)
		if _, ok := nodes[4].Get(lease.Key()); ok {
			t.Error("the node that granted it too late has it")
		}
		nodes[0].Kill()
		second, err := b.Resume(t.Context(), text)
		if err != nil {
			t.Fatal(err) // on three of the four that are listed
		}
		time.Sleep(5 * time.Second)
		if _, ok := nodes[4].Get(lease.Key()); !ok {
			t.Error("the node was not given the key by the new holder")
		}
		if err := second.Release(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Only the plain lock can be handed over; what cannot stays as it is.
func TestHandoffOfASet(t *testing.T) {
	l := open(t, redlocktest.NewNodes(3))
	set, err := l.AcquireAll(t.Context(), []string{"a", "b"})
	if err != nil {
		t.Fatal(err)
	}
	if text, err := set.Handoff(); err == nil || text != "" || !strings.Contains(err.Error(), "plain lock") {
		t.Errorf("two locks were handed over: %q, %v", text, err)
	}
	if err := set.Release(t.Context()); err != nil {
		t.Errorf("it was not as before: %v", err)
	}
}
