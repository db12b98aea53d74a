package redlock_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/redlocktest"
	"github.com/redlock-go/redlock/resp"
)

func owned(by string) func(*redlock.Config) { return func(c *redlock.Config) { c.Owner = by } }

// terms are those of an election, as their leaders see them.
type terms struct {
	t       *testing.T
	leading atomic.Int64

	mu     sync.Mutex
	tokens []uint64
}

// count is how many have led.
func (s *terms) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.tokens)
}

// lead is one term: it lasts until the leader's context ends, or work returns.
func (s *terms) lead(ctx context.Context, work func(ctx context.Context)) {
	if s.leading.Add(1) != 1 {
		s.t.Error("two lead at once (E1)")
	}
	token, ok := redlock.TokenFrom(ctx)
	if lease, held := redlock.LeaseFrom(ctx); !ok || !held || lease.Token() != token {
		s.t.Errorf("the context has token %d, %t, and the lease %v", token, ok, lease)
	}
	s.mu.Lock()
	if n := len(s.tokens); n > 0 && s.tokens[n-1] >= token {
		s.t.Errorf("a leader has the token %d after %d (E2)", token, s.tokens[n-1])
	}
	s.tokens = append(s.tokens, token)
	s.mu.Unlock()
	work(ctx)
	s.leading.Add(-1)
}

func untilDone(ctx context.Context) { <-ctx.Done() }

// One leads until its context ends, and then at once the next: in another process, and
// in the same.
func TestElectOneAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(5)
		for _, n := range nodes {
			n.Delay(time.Millisecond)
		}
		all := terms{t: t}
		inOrder := func(c *redlock.Config) { c.HandOvers = -1 }
		lockers := []*redlock.Locker{open(t, nodes, inOrder), open(t, nodes, inOrder), open(t, nodes, inOrder)}
		var ends []context.CancelFunc
		over := make(chan error)
		for i := range 6 {
			ctx, cancel := context.WithCancel(t.Context())
			ends = append(ends, cancel)
			go func() {
				over <- lockers[i%3].Elect(ctx, "x", func(ctx context.Context) error {
					all.lead(ctx, untilDone)
					return nil
				})
			}()
			time.Sleep(20 * time.Millisecond)
		}
		for i, end := range ends {
			if all.count() != i+1 {
				t.Fatalf("%d have led before the end of the term %d", all.count(), i)
			}
			end()
			if err := <-over; !errors.Is(err, context.Canceled) {
				t.Errorf("Elect returned %v", err)
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
}

// How fn returns says what follows.
func TestElectReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		l := open(t, nodes)
		free := func() {
			t.Helper()
			synctest.Wait()
			for _, n := range nodes {
				if v, held := n.Get("redlock:x"); held {
					t.Errorf("%s is left behind on %s", v, n.Name())
				}
			}
		}
		if err := l.Elect(t.Context(), "x", func(context.Context) error { return nil }); err != nil {
			t.Errorf("after work that was done: %v", err)
		}
		free()
		broken := errors.New("broken")
		if err := l.Elect(t.Context(), "x", func(context.Context) error { return broken }); err != broken { //nolint:errorlint // it is passed on as it is
			t.Errorf("after work that failed: %v", err)
		}
		free()
		terms := 0
		err := l.Elect(t.Context(), "x", func(context.Context) error {
			if terms++; terms < 3 {
				return redlock.ErrStepDown
			}
			return nil
		})
		if err != nil || terms != 3 {
			t.Errorf("after stepping down twice: %v, %d terms", err, terms)
		}
		free()
		func() {
			defer func() {
				if recover() != "help" {
					t.Error("the panic is lost")
				}
			}()
			_ = l.Elect(t.Context(), "x", func(context.Context) error { panic("help") })
		}()
		free()
		ctx, cancel := context.WithCancelCause(t.Context())
		err = l.Elect(ctx, "x", func(ctx context.Context) error { cancel(broken); <-ctx.Done(); return nil })
		if !errors.Is(err, context.Canceled) || !errors.Is(err, broken) {
			t.Errorf("after the end of its context: %v", err)
		}
		free()
		ctx, cancelNow := context.WithCancel(t.Context())
		err = l.Elect(ctx, "x", func(ctx context.Context) error { cancelNow(); <-ctx.Done(); return broken })
		if err != broken { //nolint:errorlint // it is passed on as it is
			t.Errorf("after the end of its context, and work that failed: %v", err)
		}
		if err := l.Elect(t.Context(), "", nil); err == nil {
			t.Error("it has no name")
		}
		err = l.Elect(t.Context(), "x", func(ctx context.Context) error {
			go l.Close()
			<-ctx.Done()
			return nil
		})
		if !errors.Is(err, redlock.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

// A leader that loses the nodes is told in time, is let to return, and stands again;
// the outage is ridden out and told.
func TestElectRidesOutAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(5)
		l := open(t, nodes)
		ctx, cancel := context.WithCancel(t.Context())
		all := terms{t: t}
		elected := make(chan context.Context, 1)
		var mu sync.Mutex
		var list []error
		told := func() (all []error) {
			mu.Lock()
			defer mu.Unlock()
			all, list = list, nil
			return all
		}
		over := make(chan error)
		for _, n := range nodes[:3] {
			n.Kill() // an outage from the beginning
		}
		go func() {
			over <- l.Elect(ctx, "x", func(ctx context.Context) error {
				all.lead(ctx, func(ctx context.Context) {
					elected <- ctx
					<-ctx.Done()
					time.Sleep(3 * time.Second) // it takes its time
				})
				return errors.New("disturbed")
			}, redlock.WithOnWait(func(err error) {
				mu.Lock()
				defer mu.Unlock()
				list = append(list, err)
			}))
		}()
		time.Sleep(20 * time.Second)
		if all := told(); len(all) < 15 || len(all) > 60 || !errors.Is(all[0], redlock.ErrNoQuorum) {
			t.Errorf("told %d times in 20 s: %v", len(all), all)
		}
		for _, n := range nodes[:3] {
			n.ReviveEmpty()
		}
		term := <-elected
		lease, _ := redlock.LeaseFrom(term)
		time.Sleep(time.Minute)
		if term.Err() != nil {
			t.Fatalf("it leads no more: %v", context.Cause(term))
		}
		for _, n := range nodes[2:] {
			n.Kill()
		}
		told()
		<-term.Done()
		if !errors.Is(context.Cause(term), redlock.ErrLost) || time.Now().After(lease.Deadline()) {
			t.Errorf("it ended %v after the deadline, by %v", time.Since(lease.Deadline()), context.Cause(term))
		}
		for _, n := range nodes[2:] {
			n.ReviveEmpty()
		}
		time.Sleep(2500 * time.Millisecond)
		if all.count() != 1 {
			t.Error("it is elected while fn has not returned")
		}
		<-elected
		waits := told()
		if len(waits) == 0 || !errors.Is(waits[0], redlock.ErrLost) || !strings.Contains(waits[0].Error(), "disturbed") {
			t.Fatalf("of the loss it was told %v", waits)
		}
		if slices.IndexFunc(waits[1:], func(err error) bool { return !errors.Is(err, redlock.ErrNoQuorum) }) >= 0 {
			t.Errorf("while it waited for the nodes it was told %v", waits[1:])
		}
		cancel()
		if err := <-over; err == nil {
			t.Error("Elect returned nothing after the end of its context")
		}
	})
}

// readings counts the batches that look who leads.
type readings struct{ n atomic.Int64 }

func (r *readings) hook(ctx context.Context, batch []resp.Command, next func(context.Context, []resp.Command) ([]resp.Reply, error)) ([]resp.Reply, error) {
	for _, cmd := range batch {
		if cmd[0] == "GET" && cmd[1] == "{redlock:x}:l" {
			r.n.Add(1)
		}
	}
	return next(ctx, batch)
}

// told is what a watch tells.
type told struct {
	holder string
	token  uint64
	dark   bool
	at     time.Duration // since the beginning
}

// watch watches the election x in the background, until the test ends.
func watch(t *testing.T, l *redlock.Locker) (all <-chan told) {
	ctx, cancel := context.WithCancel(context.Background())
	begin, list, done := time.Now(), make(chan told, 100), make(chan struct{})
	go func() {
		defer close(done)
		highest := uint64(0)
		for leader, err := range l.Watch(ctx, "x") {
			if err != nil && !errors.Is(err, redlock.ErrNoQuorum) {
				t.Errorf("the watch tells %v", err)
			}
			if leader.Token != 0 && leader.Token < highest {
				t.Errorf("it tells of a leader with the token %d after one with %d (E2)", leader.Token, highest)
			}
			highest = max(highest, leader.Token)
			list <- told{leader.Holder, leader.Token, err != nil, time.Since(begin)}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return list
}

// stand has a locker stand for election until the function that is returned is called.
func stand(t *testing.T, l *redlock.Locker) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = l.Elect(ctx, "x", func(ctx context.Context) error { <-ctx.Done(); return nil })
	}()
	end = func() {
		cancel()
		<-done
	}
	t.Cleanup(end)
	return end
}

// Changes are pushed. Between them a watch reads once in a TTL.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(5)
		for _, n := range nodes {
			n.Delay(time.Millisecond)
		}
		looks := new(readings)
		nodes[0].Hook(looks.hook)
		watcher := open(t, nodes)
		news := watch(t, watcher)
		next := func(holder string, within time.Duration) told {
			t.Helper()
			start := time.Now()
			select {
			case n := <-news:
				if n.holder != holder || n.dark || time.Since(start) > within {
					t.Errorf("after %v it tells %+v, expected %q", time.Since(start), n, holder)
				}
				return n
			case <-time.After(time.Minute):
				t.Fatalf("it never tells of %q", holder)
				panic("unreachable")
			}
		}
		next("", 5*time.Millisecond)
		endA := stand(t, open(t, nodes, owned("A")))
		next("A", 15*time.Millisecond)
		endB := stand(t, open(t, nodes, owned("B")))
		time.Sleep(time.Second)
		looks.n.Store(0)
		time.Sleep(100 * 10 * time.Second) // a hundred TTLs
		if n := looks.n.Load(); n < 100 || n > 160 {
			t.Errorf("%d readings in 100 TTLs", n)
		}
		endA()
		n := next("B", 15*time.Millisecond) // perhaps after a moment of nobody: not with somebody who waits
		leader, err := watcher.Leader(t.Context(), "x")
		if err != nil || leader.Token != n.token || leader.Holder != "B" || leader.Remaining < 6*time.Second || leader.Remaining > 10*time.Second {
			t.Errorf("Leader reads %v, %v", leader, err)
		}
		endB()
		next("", 10*time.Millisecond)
		if leader, err := watcher.Leader(t.Context(), "x"); err != nil || !leader.IsNobody() {
			t.Errorf("Leader reads %v, %v", leader, err)
		}
		looks.n.Store(0)
		time.Sleep(1000 * time.Second)
		if n := looks.n.Load(); n < 95 || n > 140 {
			t.Errorf("%d readings in 100 TTLs in which nobody led", n)
		}
	})
}

// A leader that is gone without a word is told of when its TTL is over; what was not
// pushed, within a TTL.
func TestWatchWithoutPushes(t *testing.T) {
	for name, deafen := range map[string]func(nodes redlocktest.Nodes){
		"pushes are lost": func(nodes redlocktest.Nodes) {
			for _, n := range nodes {
				n.HookSubscribe(func(ctx context.Context, channel string, ready func(), _ func(string), next func(context.Context, string, func(), func(string)) error) error {
					return next(ctx, channel, ready, func(string) {})
				})
			}
		},
		"nobody is let in": func(nodes redlocktest.Nodes) {
			for _, n := range nodes {
				n.HookSubscribe(func(context.Context, string, func(), func(string), func(context.Context, string, func(), func(string)) error) error {
					return errors.New("NOPERM")
				})
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				nodes := redlocktest.NewNodes(3)
				deafen(nodes)
				news := watch(t, open(t, nodes))
				expect := func(holder string, within time.Duration) {
					t.Helper()
					start := time.Now()
					if n := <-news; n.holder != holder || time.Since(start) > within {
						t.Errorf("after %v it tells %+v, expected %q", time.Since(start), n, holder)
					}
				}
				expect("", time.Millisecond)
				conns := nodes.Connect()
				a, err := redlock.New(redlock.Config{Nodes: conns, Owner: "A"})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { a.Close() })
				stand(t, a)
				expect("A", 10100*time.Millisecond)
				time.Sleep(time.Minute)
				for _, c := range conns { // A is gone, for all that others see
					c.(*redlocktest.Conn).Hook(func(context.Context, []resp.Command, func(context.Context, []resp.Command) ([]resp.Reply, error)) ([]resp.Reply, error) {
						return nil, errors.New("cut off")
					})
				}
				expect("", 10100*time.Millisecond)
				stand(t, open(t, nodes, owned("B")))
				expect("B", 10100*time.Millisecond)
			})
		})
	}
}

// After a subscription was lost the watch looks at once when it stands again.
func TestWatchAfterALostSubscription(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		news := watch(t, open(t, nodes))
		<-news
		for _, n := range nodes {
			n.HookSubscribe(func(ctx context.Context, channel string, ready func(), receive func(string), next func(context.Context, string, func(), func(string)) error) error {
				time.Sleep(100 * time.Millisecond) // to come back
				return next(ctx, channel, ready, receive)
			})
			n.CutSubscriptions()
		}
		time.Sleep(50 * time.Millisecond)
		stand(t, open(t, nodes, owned("A")))
		start := time.Now()
		if n := <-news; n.holder != "A" || time.Since(start) > 80*time.Millisecond {
			t.Errorf("after %v it tells %+v", time.Since(start), n)
		}
	})
}

// Two watches share a subscription to each node, and nothing is left of them.
func TestWatchesShareSubscriptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		var live, made atomic.Int64
		nodes[0].HookSubscribe(func(ctx context.Context, channel string, ready func(), receive func(string), next func(context.Context, string, func(), func(string)) error) error {
			if channel == "redlock:leader:redlock:x" {
				live.Add(1)
				made.Add(1)
				defer live.Add(-1)
			}
			return next(ctx, channel, ready, receive)
		})
		l := open(t, nodes)
		ctx, cancel := context.WithCancel(t.Context())
		sequence := l.Watch(ctx, "x")
		over := make(chan int)
		for range 5 {
			go func() {
				n := 0
				for _, err := range sequence {
					if err == nil {
						n++
					}
				}
				over <- n
			}()
		}
		time.Sleep(time.Second)
		if live.Load() != 1 {
			t.Errorf("%d subscriptions to one node", live.Load())
		}
		end := stand(t, open(t, nodes))
		time.Sleep(time.Second)
		end()
		time.Sleep(time.Second)
		cancel()
		for range 5 {
			if n := <-over; n != 3 {
				t.Errorf("a watch told %d times", n)
			}
		}
		for leader, err := range l.Watch(t.Context(), "x") { // one that is left by itself
			if err != nil || !leader.IsNobody() {
				t.Errorf("it tells %v, %v", leader, err)
			}
			break
		}
		synctest.Wait()
		if live.Load() != 0 || made.Load() != 2 {
			t.Errorf("%d subscriptions are left of %d", live.Load(), made.Load())
		}
		var last error
		go func() {
			time.Sleep(time.Second)
			l.Close()
		}()
		for _, err := range l.Watch(t.Context(), "x") {
			last = err
		}
		if !errors.Is(last, redlock.ErrClosed) {
			t.Errorf("after Close it ended with %v", last)
		}
	})
}

// An outage is told once, and its end.
func TestWatchInAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		l := open(t, nodes)
		news := watch(t, l)
		<-news
		nodes[0].Kill()
		nodes[1].Kill()
		if n := <-news; !n.dark {
			t.Errorf("it tells %+v", n)
		}
		start := time.Now()
		_, err := l.Leader(t.Context(), "x")
		var quorum *redlock.QuorumError
		if !errors.As(err, &quorum) || quorum.Got != 1 || len(quorum.Nodes) != 2 || time.Since(start) > 50*time.Millisecond {
			t.Errorf("Leader reads %v in %v", err, time.Since(start))
		}
		time.Sleep(10 * time.Second)
		nodes[0].Revive()
		start = time.Now()
		if n := <-news; n.dark || n.token != 0 || time.Since(start) > 3*time.Second {
			t.Errorf("after %v it tells %+v", time.Since(start), n)
		}
	})
}

// Who holds the key otherwise was not elected.
func TestHolderIsNoLeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		l := open(t, nodes)
		news := watch(t, l)
		<-news
		lease := acquire(t, l, "x")
		if leader, err := l.Leader(t.Context(), "x"); err != nil || !leader.IsNobody() {
			t.Errorf("Leader reads %v, %v", leader, err)
		}
		time.Sleep(time.Minute)
		if len(news) > 0 {
			t.Errorf("it tells %+v", <-news)
		}
		lease.Release(t.Context())
		// One node's memory of an old leader is none: only a majority is.
		for _, n := range nodes[:1] {
			n.Exec("SET", "redlock:x", "rl1.AAAAAAAAAAAAAAAAAAAAAA.ghost")
			n.Exec("SET", "{redlock:x}:l", "99999999999999 rl1.AAAAAAAAAAAAAAAAAAAAAA.ghost")
		}
		if leader, err := l.Leader(t.Context(), "x"); err != nil || !leader.IsNobody() {
			t.Errorf("Leader reads %v, %v", leader, err)
		}
	})
}

// Leadership that passes from one caller to the next in a process is told as a new term.
func TestWatchHandOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		news := watch(t, open(t, nodes))
		<-news
		l := open(t, nodes)
		over := make(chan error)
		for range 5 {
			go func() {
				over <- l.Elect(t.Context(), "x", func(context.Context) error { time.Sleep(5 * time.Millisecond); return nil })
			}()
		}
		for range 5 {
			if err := <-over; err != nil {
				t.Error(err)
			}
		}
		var terms []uint64
		for {
			n := <-news
			if n.token == 0 && len(terms) == 5 {
				break
			}
			if n.token != 0 {
				terms = append(terms, n.token)
			}
		}
		if !slices.IsSorted(terms) {
			t.Errorf("five terms of a process, told as %v", terms)
		}
	})
}

// Who watches hears at once that a leader's Locker was closed.
func TestCloseWhileLeading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		news := watch(t, open(t, nodes))
		<-news
		l := open(t, nodes)
		led := make(chan error, 1)
		go func() {
			led <- l.Elect(t.Context(), "x", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		}()
		if n := <-news; n.token == 0 {
			t.Fatalf("told %v, and somebody was elected", n)
		}
		start := time.Now()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if n := <-news; n.token != 0 || time.Since(start) > 10*time.Millisecond {
			t.Errorf("told %v after %v", n, time.Since(start))
		}
		if err := <-led; !errors.Is(err, redlock.ErrClosed) {
			t.Errorf("Elect returned %v", err)
		}
	})
}

// A leader gives its lock back to the nodes, also where others of its process wait for it: who comes
// next may be one who did not stand for election, and is not reported.
func TestLeaderPassesToNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		news := watch(t, open(t, nodes))
		<-news
		l := open(t, nodes)
		before := acquired(t, l, "x")
		led, next := make(chan error, 1), make(chan *redlock.Lease, 1)
		go func() {
			led <- l.Elect(t.Context(), "x", func(context.Context) error { time.Sleep(time.Second); return nil })
		}()
		synctest.Wait()
		go func() { next <- acquired(t, l, "x") }()
		synctest.Wait()
		if err := before.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := <-news; n.token == 0 {
			t.Errorf("told %v, and somebody was elected", n)
		}
		if err := <-led; err != nil {
			t.Fatal(err)
		}
		lease, start := <-next, time.Now()
		if n := <-news; n.token != 0 || time.Since(start) > time.Second {
			t.Errorf("told %v after %v, and who has the lock was not elected", n, time.Since(start))
		}
		if err := lease.Release(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Where the nodes will not note who leads, by their rights, the leader leads, and it is told
// that nobody knows.
func TestElectUnnoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		for _, n := range nodes {
			n.Hook(func(ctx context.Context, batch []resp.Command, next func(context.Context, []resp.Command) ([]resp.Reply, error)) ([]resp.Reply, error) {
				if len(batch) == 1 && len(batch[0]) > 4 && batch[0][4] == "{redlock:x}:l" {
					return []resp.Reply{resp.OfError("NOPERM this user has no permissions to access one of the keys used as arguments")}, nil
				}
				return next(ctx, batch)
			})
		}
		var said strings.Builder
		l := open(t, nodes, func(c *redlock.Config) { c.Logger = slog.New(slog.NewTextHandler(&said, nil)) })
		err := l.Elect(t.Context(), "x", func(ctx context.Context) error {
			time.Sleep(time.Minute)
			return ctx.Err()
		})
		if err != nil {
			t.Error(err)
		}
		if n := strings.Count(said.String(), "who watches may not know"); n != 1 || !strings.Contains(said.String(), "NOPERM") {
			t.Errorf("told %d times:\n%s", n, said.String())
		}
	})
}
