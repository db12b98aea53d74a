package redlock_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/redlocktest"
	"github.com/redlock-go/redlock/resp"
)

// newer are nodes of which each knows a command of those that release a key, or none.
func newer(commands ...string) redlocktest.Nodes {
	nodes := redlocktest.NewNodes(len(commands))
	for i, command := range commands {
		nodes[i].Knows(command)
	}
	return nodes
}

// released lists by what a node was asked to release the lock k, in order: the names of commands.
// What tries whether the node knows them is not about a lock.
func released(n *redlocktest.Node) (names []string) {
	for _, batch := range n.History() {
		for _, cmd := range batch {
			about := slices.Contains(cmd, "redlock:k") && !slices.Contains(cmd, "{redlock:k}:t")
			if about && cmd[0] != "SET" && cmd[0] != "PTTL" {
				names = append(names, cmd[0])
			}
		}
	}
	return names
}

// Each node of a mixed fleet is told to release in the way that it knows best.
func TestNativeRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := newer("DELEX", "DELIFEQ", "", "DELEX", "DELIFEQ")
		l := open(t, nodes)
		synctest.Wait() // the nodes are verified
		for range 3 {
			lease := acquire(t, l, "k")
			if err := lease.Release(t.Context()); err != nil {
				t.Error(err)
			}
			synctest.Wait()
			if left := keysOf(nodes); left != nil {
				t.Fatalf("left behind: %v", left)
			}
		}
		for i, want := range [][]string{
			{"DELEX", "DELEX", "DELEX"},
			{"DELIFEQ", "DELIFEQ", "DELIFEQ"},
			{"EVALSHA", "EVAL", "EVALSHA", "EVALSHA"},
			{"DELEX", "DELEX", "DELEX"},
			{"DELIFEQ", "DELIFEQ", "DELIFEQ"},
		} {
			if got := released(nodes[i]); !slices.Equal(got, want) {
				t.Errorf("%s is released by %v, want %v", nodes[i].Name(), got, want)
			}
		}
	})
}

// Who waits gets the lock at once: its mark makes the native release miss, and the
// script hands over.
func TestNativeReleaseMissesWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := newer("DELEX", "DELIFEQ", "")
		holder, other := open(t, nodes), open(t, nodes)
		lease := acquire(t, holder, "k")
		got := make(chan time.Time, 1)
		go func() {
			next, err := other.Acquire(t.Context(), "k")
			if err != nil {
				t.Error(err)
			}
			got <- time.Now()
			if next.Token() <= lease.Token() {
				t.Errorf("token %d after %d", next.Token(), lease.Token())
			}
		}()
		synctest.Wait()
		time.Sleep(time.Second)
		synctest.Wait()
		begin := time.Now()
		if err := lease.Release(t.Context()); err != nil {
			t.Error(err)
		}
		if took := (<-got).Sub(begin); took != 0 {
			t.Errorf("the next waits for %v on nodes that take no time", took)
		}
		synctest.Wait() // two nodes decide: the third may hear of the release after that
		for i, first := range []string{"DELEX", "DELIFEQ", "EVALSHA"} {
			if got := released(nodes[i]); got[0] != first {
				t.Errorf("%s is released by %v, first by %s", nodes[i].Name(), got, first)
			}
		}
	})
}

// tampered calls alter with each command that is said to a node, and gives its reply in
// place of the node's. What is altered is not executed.
func tampered(alter func(cmd resp.Command) (resp.Reply, bool)) redlocktest.Hook {
	return func(ctx context.Context, batch []resp.Command, next func(context.Context, []resp.Command) ([]resp.Reply, error)) ([]resp.Reply, error) {
		replies := make([]resp.Reply, 0, len(batch))
		for _, cmd := range batch {
			if r, altered := alter(cmd); altered {
				replies = append(replies, r)
				continue
			}
			r, err := next(ctx, []resp.Command{cmd})
			if err != nil {
				return nil, err
			}
			replies = append(replies, r...)
		}
		return replies, nil
	}
}

// A server that forbids the command, from the beginning or all at once, or that turns out
// to be an older one, gets the script; and from then on only that.
func TestNativeReleaseForbidden(t *testing.T) {
	forbidden := resp.OfError("NOPERM User redlock has no permissions to run the 'delex' command")
	for _, test := range []struct {
		name  string
		later bool // than the verification
		hurt  func(n *redlocktest.Node)
		tries []string
	}{
		{"from the beginning", false, func(n *redlocktest.Node) {
			n.Hook(tampered(func(cmd resp.Command) (resp.Reply, bool) { return forbidden, cmd[0] == "DELEX" }))
		}, nil},
		{"all at once", true, func(n *redlocktest.Node) {
			n.Hook(tampered(func(cmd resp.Command) (resp.Reply, bool) { return forbidden, cmd[0] == "DELEX" }))
		}, nil},
		{"an older server", true, func(n *redlocktest.Node) { n.Knows("") }, []string{"DELEX"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				nodes := newer("DELEX", "DELEX", "DELEX")
				if !test.later {
					test.hurt(nodes[0])
				}
				l := open(t, nodes)
				synctest.Wait()
				if test.later {
					test.hurt(nodes[0])
				}
				for range 3 {
					lease := acquire(t, l, "k")
					synctest.Wait()
					if err := lease.Release(t.Context()); err != nil {
						t.Error(err)
					}
					synctest.Wait()
					if left := keysOf(nodes); left != nil {
						t.Fatalf("left behind: %v", left)
					}
				}
				want := append(test.tries, "EVALSHA", "EVAL", "EVALSHA", "EVALSHA")
				if got := released(nodes[0]); !slices.Equal(got, want) {
					t.Errorf("it is released by %v, want %v", got, want)
				}
				if got := released(nodes[1]); !slices.Equal(got, []string{"DELEX", "DELEX", "DELEX"}) {
					t.Errorf("another node is released by %v", got)
				}
			})
		})
	}
}

// A node that is busy refuses both, and is asked natively again when it is not.
func TestNativeReleaseWhileTheNodeIsBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := newer("DELEX", "DELEX", "DELEX")
		l := open(t, nodes)
		lease := acquire(t, l, "k")
		synctest.Wait()
		busy := true
		nodes[0].Hook(tampered(func(resp.Command) (resp.Reply, bool) {
			return resp.OfError("BUSY Redis is busy running a script"), busy
		}))
		if err := lease.Release(t.Context()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		busy = false
		lease = acquire(t, l, "other")
		synctest.Wait()
		if err := lease.Release(t.Context()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		history := nodes[0].History()
		if last := history[len(history)-1]; last[0][0] != "DELEX" {
			t.Errorf("the last release is %v", last)
		}
	})
}

// An answer that is lost, to the native release or to the script that follows, leaves no
// key behind, and the release still counts the others.
func TestNativeReleaseAnswerLost(t *testing.T) {
	for _, command := range []string{"DELEX", "EVALSHA"} {
		for _, executed := range []bool{true, false} {
			t.Run(command, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					nodes := newer("DELEX", "DELEX", "DELEX")
					l := open(t, nodes)
					lease := acquire(t, l, "k")
					synctest.Wait()
					if command == "EVALSHA" { // as if somebody had marked it, who is gone by now
						value, _ := nodes[0].Get(lease.Key())
						nodes[0].Exec("SET", lease.Key(), "rl1+"+value[len("rl1+"):], "PX", "10000")
					}
					lost := false
					nodes[0].Hook(func(ctx context.Context, batch []resp.Command, next func(context.Context, []resp.Command) ([]resp.Reply, error)) ([]resp.Reply, error) {
						if lost || batch[0][0] != command {
							return next(ctx, batch)
						}
						lost = true
						if executed {
							_, _ = next(ctx, batch)
						}
						return nil, errors.New("connection reset")
					})
					if err := lease.Release(t.Context()); err != nil {
						t.Error(err)
					}
					time.Sleep(time.Second) // probes, and pays
					synctest.Wait()
					if !lost {
						t.Fatalf("no %s was sent: %v", command, released(nodes[0]))
					}
					if left := keysOf(nodes); left != nil {
						t.Errorf("left behind: %v", left)
					}
				})
			})
		}
	}
}

// A lease that was taken over, or is gone, is told from one that was deleted.
func TestNativeReleaseOfWhatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := newer("DELEX", "DELIFEQ", "")
		l := open(t, nodes)
		lease := acquire(t, l, "k")
		synctest.Wait()
		nodes[0].Exec("DEL", lease.Key())
		nodes[1].Exec("SET", lease.Key(), "of another", "PX", "10000")
		err := lease.Release(t.Context())
		if !errors.Is(err, redlock.ErrLost) && !errors.Is(err, redlock.ErrNotHeld) {
			t.Errorf("Release = %v", err)
		}
		synctest.Wait()
		if value, _ := nodes[1].Get(lease.Key()); value != "of another" {
			t.Errorf("another's key holds %q now", value)
		}
	})
}
