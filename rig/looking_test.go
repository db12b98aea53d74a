package rig

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/internal/redisserver"
	"github.com/redlock-go/redlock/internal/script"
)

// guarded starts servers with the users, and returns the URLs without who logs in.
func guarded(t *testing.T, n int, users ...[]string) (servers []*redisserver.Server, urls func(user string) []string) {
	t.Helper()
	for range n {
		server := redisserver.Start(t)
		for _, user := range users {
			setUser(t, server, user)
		}
		admit(server)
		servers = append(servers, server)
	}
	return servers, func(user string) (urls []string) {
		for _, s := range servers {
			urls = append(urls, "redis://"+user+":PASSWORD@"+s.Addr())
		}
		return urls
	}
}

// Who may only read can look, sees everything, and tries nothing else; and needs each of
// the rights that docs/ACL.md names.
func TestLookingOnlyReads(t *testing.T) {
	locks, looks := documented(t, "redlock"), documented(t, "redlock-look")
	eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
		servers, urls := guarded(t, 3, locks, looks)
		cfg := redlock.Config{TTL: 10 * time.Second, NodeTimeout: 500 * time.Millisecond, Owner: "holder"}
		holder := newLocker(t, open, cfg, urls("redlock")...)
		waiter := newLocker(t, open, cfg, urls("redlock")...)
		for _, name := range []string{"k", "a*c", "abc", "a[b]c", `a\c`, "a?c"} {
			acquire(t, holder, name)
		}
		for _, name := range []string{"k", "a*s", "as"} {
			_, err := holder.AcquireSlot(t.Context(), name, 2)
			ok(t, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		waits := make(chan struct{})
		go func() {
			defer close(waits)
			_, _ = waiter.Acquire(ctx, "k")
		}()
		for _, s := range servers {
			hopefully(t, func() bool { return len(s.Do("ZRANGE", "{redlock:k}:q", "0", "-1").Items) == 1 })
		}

		eye := newLocker(t, open, cfg, urls("redlock-look")...)
		in, err := eye.Inspect(t.Context(), "k")
		ok(t, err)
		h := in.Holder
		if in.Verdict != redlock.Held || h.Label != "holder" || h.Nodes != 3 || h.Remaining <= 0 || time.Since(h.Since).Abs() > 20*time.Second ||
			len(in.Waiters) != 1 || in.Waiters[0].Nodes != 3 {
			t.Errorf("%+v, held by %+v", in, h)
		}
		for prefix, want := range map[string][]string{
			"": {"a*c", "a*s()", "a?c", "a[b]c", `a\c`, "abc", "as()", "k", "k()"}, "a*": {"a*c", "a*s()"}, "a?": {"a?c"}, "a[b": {"a[b]c"}, `a\`: {`a\c`},
		} {
			var found []string
			for e, err := range eye.List(t.Context(), prefix) {
				ok(t, err)
				if e.Semaphore {
					e.Name += "()"
				}
				found = append(found, e.Name)
			}
			if slices.Sort(found); !slices.Equal(found, want) {
				t.Errorf("%q: found %q", prefix, found)
			}
		}
		if _, err := eye.ForceRelease(t.Context(), *h); !errors.Is(err, redlock.ErrNoQuorum) || !strings.Contains(err.Error(), "NOPERM") && !strings.Contains(err.Error(), "docs/ACL.md") {
			t.Errorf("ForceRelease without the right to: %v", err)
		}
		servers[0].Do("ACL", "LOG", "RESET")
		for i, right := range looks {
			if !strings.ContainsAny(right[:1], "+%") || right == "+ping" {
				continue
			}
			setUser(t, servers[0], slices.Delete(slices.Clone(looks), i, i+1))
			nodes, err := open(urls("redlock-look")[0])
			ok(t, err)
			refused := ""
			batch := append(script.Look("redlock:k"), script.Locks.Page("0", "redlock:"))
			replies, err := nodes[0].Do(t.Context(), append(batch, script.Verify()...))
			ok(t, err)
			ok(t, nodes[0].Close())
			if refused = refusal(replies); !strings.Contains(refused, "NOPERM") {
				t.Errorf("without %s: %q", right, refused)
			}
		}
		cancel()
		<-waits
	})
}

// An eviction reaches its holder by a push if the evictor may ask who listens, and else
// when the lease is renewed.
func TestForceReleaseOnServers(t *testing.T) {
	locks := documented(t, "redlock")
	forces := append([]string{"operator"}, append(slices.Clone(locks[1:]), "+pubsub|channels")...)
	eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
		servers, urls := guarded(t, 3, locks, forces)
		cfg := redlock.Config{TTL: 3 * time.Second, NodeTimeout: 500 * time.Millisecond}
		holder, waiter := newLocker(t, open, cfg, urls("redlock")...), newLocker(t, open, cfg, urls("redlock")...)
		for _, user := range []string{"operator", "redlock"} {
			lease := acquire(t, holder, "k")
			for _, s := range servers { // it listens, as its lease lasts
				hopefully(t, func() bool { return len(s.Do("PUBSUB", "CHANNELS", "redlock:wake:*").Items) > 0 })
			}
			next := make(chan *redlock.Lease, 1)
			go func() { next <- acquire(t, waiter, "k") }()
			for _, s := range servers {
				hopefully(t, func() bool { return len(s.Do("ZRANGE", "{redlock:k}:q", "0", "-1").Items) == 1 })
			}
			op := newLocker(t, open, cfg, urls(user)...)
			in, err := op.Inspect(t.Context(), "k")
			ok(t, err)
			start := time.Now()
			token, err := op.ForceRelease(t.Context(), *in.Holder)
			ok(t, err)
			<-lease.Context().Done()
			cause := context.Cause(lease.Context())
			pushed := errors.Is(cause, redlock.ErrEvicted)
			if pushed != (user == "operator") || !errors.Is(cause, redlock.ErrLost) {
				t.Errorf("evicted by %s, it ended after %v with %v", user, time.Since(start), cause)
			}
			second := <-next
			if lease.Token() >= token || token >= second.Token() {
				t.Errorf("tokens %d, %d, %d", lease.Token(), token, second.Token())
			}
			if _, err := op.ForceRelease(t.Context(), *in.Holder); !errors.Is(err, redlock.ErrHeld) {
				t.Errorf("again: %v", err)
			}
			ok(t, second.Release(t.Context()))

			// Of those who have slots, or read, one.
			slot, err := holder.AcquireSlot(t.Context(), "s", 2)
			ok(t, err)
			reader, err := holder.AcquireRead(t.Context(), "r")
			ok(t, err)
			for _, lease := range []*redlock.Lease{slot, reader} {
				in, err := op.Inspect(t.Context(), strings.TrimPrefix(lease.Key(), redlock.DefaultPrefix))
				ok(t, err)
				share := append(in.Readers, in.Slots...)[0]
				token, err := op.ForceRelease(t.Context(), share.Holder())
				ok(t, err)
				<-lease.Context().Done()
				if token <= lease.Token() {
					t.Errorf("token %d after %d", token, lease.Token())
				}
				hopefully(t, func() bool { // a grant that was on its way is given back by the holder
					_, err := op.ForceRelease(t.Context(), share.Holder())
					return errors.Is(err, redlock.ErrNotHeld)
				})
			}
			ok(t, op.Close())
		}
	})
}

// hopefully waits until it is so.
func hopefully(t *testing.T, is func() bool) {
	t.Helper()
	if !eventually(20*time.Second, is) {
		t.Fatal("it is not so after 20 s")
	}
}
