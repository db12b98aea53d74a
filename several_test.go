package redlock_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/redlocktest"
)

func TestAcquireAllExcludesEachOfThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		nodes := redlocktest.NewNodes(5)
		a, b := open(t, nodes), open(t, nodes)

		before, err := b.Acquire(ctx, "y")
		ok(t, err)
		ok(t, before.Release(ctx))
		set, err := a.AcquireAll(ctx, []string{"y", "x", "z"})
		ok(t, err)
		if got := strings.Join(set.Keys(), " "); got != "redlock:y redlock:x redlock:z" {
			t.Errorf("Keys() = %s", got)
		}
		if set.Token() <= before.Token() {
			t.Errorf("token %d after %d of one of the locks", set.Token(), before.Token())
		}
		for _, name := range []string{"x", "y", "z"} {
			var held *redlock.HeldError
			if _, err := b.TryAcquire(ctx, name); !errors.As(err, &held) || held.Key != "redlock:"+name {
				t.Errorf("TryAcquire(%s) = %v", name, err)
			}
		}
		var held *redlock.HeldError
		if _, err := b.TryAcquireAll(ctx, []string{"w", "z"}); !errors.As(err, &held) || held.Key != "redlock:z" || held.Holder != t.Name() {
			t.Errorf("TryAcquireAll = %v; want to be told of z", err)
		}
		free, err := b.TryAcquire(ctx, "w") // nothing was taken in vain
		ok(t, err)
		ok(t, free.Release(ctx))

		ok(t, set.Extend(ctx))
		time.Sleep(3 * redlock.DefaultTTL) // it is renewed
		ok(t, set.Context().Err())
		ok(t, set.Release(ctx))
		synctest.Wait()
		if left := keysOf(nodes); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
		after, err := b.TryAcquire(ctx, "x")
		ok(t, err)
		if after.Token() <= set.Token() {
			t.Errorf("token %d after %d of the set", after.Token(), set.Token())
		}
		ok(t, after.Release(ctx))
	})
}

// TestAcquireAllDines has five sit at a round table, each in need of two forks, in the
// order in which they lie: who took them one by one would starve all.
func TestAcquireAllDines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		var mu sync.Mutex
		forks, meals := make([]int, 5), make([]int, 5)
		var all sync.WaitGroup
		ctx, enough := context.WithTimeout(t.Context(), time.Minute)
		defer enough()
		for who := range 5 {
			l := open(t, nodes)
			left, right := who, (who+1)%5
			all.Go(func() {
				for range 40 {
					lease, err := l.AcquireAll(ctx, []string{fmt.Sprint("fork ", left), fmt.Sprint("fork ", right)})
					if err != nil {
						t.Errorf("philosopher %d after %d meals: %v", who, meals[who], err)
						return
					}
					mu.Lock()
					for _, f := range []int{left, right} {
						if forks[f]++; forks[f] > 1 {
							t.Errorf("fork %d is in two hands", f)
						}
					}
					meals[who]++
					mu.Unlock()
					time.Sleep(5 * time.Millisecond)
					mu.Lock()
					forks[left]--
					forks[right]--
					mu.Unlock()
					if err := lease.Release(ctx); err != nil {
						t.Error(err)
					}
				}
			})
		}
		begin := time.Now()
		all.Wait()
		t.Logf("%v meals in %v", meals, time.Since(begin))
	})
}

// TestAcquireAllAgainstSingles: who wants two locks that others take one by one, all the
// time, gets its turn.
func TestAcquireAllAgainstSingles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		ctx, enough := context.WithCancel(t.Context())
		var singles sync.WaitGroup
		for _, name := range []string{"a", "b"} {
			for range 3 {
				l := open(t, nodes)
				singles.Go(func() {
					for {
						lease, err := l.Acquire(ctx, name)
						if err != nil {
							return
						}
						time.Sleep(20 * time.Millisecond)
						_ = lease.Release(ctx)
					}
				})
			}
		}
		l := open(t, nodes)
		var longest time.Duration
		for range 20 {
			begin := time.Now()
			lease, err := l.AcquireAll(t.Context(), []string{"a", "b"})
			ok(t, err)
			longest = max(longest, time.Since(begin))
			time.Sleep(20 * time.Millisecond)
			ok(t, lease.Release(t.Context()))
		}
		t.Logf("the longest wait was %v", longest)
		if longest > 2*time.Second {
			t.Errorf("a set waited for %v while others took its locks for 20ms each", longest)
		}
		enough()
		singles.Wait()
	})
}

func TestAcquireAllReleasesWhatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		nodes := redlocktest.NewNodes(3)
		l := open(t, nodes)
		lease, err := l.AcquireAll(ctx, []string{"a", "b", "c"})
		ok(t, err)
		synctest.Wait() // the last node has it, too
		for _, n := range nodes[:2] {
			n.Exec("DEL", "redlock:b")
		}
		if err := lease.Release(ctx); !errors.Is(err, redlock.ErrLost) {
			t.Errorf("Release = %v; want ErrLost: two nodes had lost one of the locks", err)
		}
		synctest.Wait()
		if left := keysOf(nodes); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	})
}

func TestAcquireAllNames(t *testing.T) {
	l := open(t, redlocktest.NewNodes(1))
	many := make([]string, redlock.MostNames+1)
	for i := range many {
		many[i] = fmt.Sprint("n", i)
	}
	for _, tc := range []struct {
		names []string
		want  string
	}{
		{nil, "no name"},
		{many, "at most 64"},
		{[]string{"a", ""}, "is empty"},
		{[]string{"a", "b", "a"}, `"a" was given twice`},
		{[]string{"a", strings.Repeat("n", redlock.MaxName+1)}, "bytes long"},
	} {
		if _, err := l.AcquireAll(t.Context(), tc.names); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("AcquireAll(%.40q) = %v; want an error with %q", tc.names, err, tc.want)
		}
	}
	lease, err := l.TryAcquireAll(t.Context(), many[1:])
	ok(t, err)
	ok(t, lease.Release(t.Context()))
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
