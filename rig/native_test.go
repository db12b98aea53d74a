package rig

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/internal/redisserver"
	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/resp"
)

// mini is a server that knows DELEX, as Redis does from 8.4, and remembers by what it was asked to
// release the lock k.
type mini struct {
	*miniredis.Miniredis
	mu      sync.Mutex
	refuses string // the error reply to DELEX, "" for none
	asked   []string
}

func startMini(t *testing.T) *mini {
	t.Helper()
	m := &mini{Miniredis: miniredis.RunT(t)}
	m.ClockTTL(true)
	m.Server().SetPreHook(m.hook)
	return m
}

func (m *mini) URL() string { return "redis://" + m.Addr() }

func (m *mini) hook(peer *server.Peer, command string, args ...string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	about := map[string]string{"DELEX": "redlock:k", "EVALSHA": script.ReleaseScript.SHA, "EVAL": script.ReleaseScript.Source}[command]
	if about != "" && len(args) > 0 && args[0] == about {
		m.asked = append(m.asked, command)
	}
	if command == "DELEX" && m.refuses != "" {
		peer.WriteError(m.refuses)
		return true
	}
	return false
}

func (m *mini) refuse(why string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refuses = why
}

func (m *mini) take() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	asked := m.asked
	m.asked = nil
	return asked
}

// A newer server is told to release by its own command, an older one by the script.
func TestNativeRelease(t *testing.T) {
	eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
		newer := []*mini{startMini(t), startMini(t)}
		older := redisserver.Start(t)
		admit(older)
		l := newLocker(t, open, patient, newer[0].URL(), newer[1].URL(), "redis://"+older.Addr())
		have := func() (nodes int64) {
			for _, m := range newer {
				if m.Exists("redlock:k") {
					nodes++
				}
			}
			return nodes + older.Do("EXISTS", "redlock:k").Int
		}
		cycles := func(n int) {
			t.Helper()
			for range n {
				lease := acquire(t, l, "k")
				until(t, 10*time.Second, "all have the key", func() bool { return have() == 3 })
				ok(t, lease.Release(t.Context()))
				until(t, 10*time.Second, "all are free of the key", func() bool { return have() == 0 })
			}
		}
		cycles(5)
		for _, m := range newer {
			if asked := m.take(); len(asked) != 5 || len(slices.Compact(asked)) != 1 || asked[0] != "DELEX" {
				t.Errorf("5 releases are %v", asked)
			}
		}
		// From now on the user may not. The first time it costs a try.
		newer[0].refuse("NOPERM User redlock has no permissions to run the 'delex' command")
		cycles(3)
		if asked := newer[0].take(); !slices.Equal(asked, []string{"DELEX", "EVALSHA", "EVAL", "EVALSHA", "EVALSHA"}) {
			t.Errorf("3 releases that are forbidden are %v", asked)
		}
		if asked := newer[1].take(); !slices.Equal(asked, []string{"DELEX", "DELEX", "DELEX"}) {
			t.Errorf("3 releases of another node are %v", asked)
		}
	})
}

// Where somebody waits the native release misses, and the script hands over.
func TestNativeReleaseHandsOver(t *testing.T) {
	eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
		var urls []string
		var servers []*mini
		for range 3 {
			servers = append(servers, startMini(t))
			urls = append(urls, servers[len(servers)-1].URL())
		}
		holder := newLocker(t, open, patient, urls...)
		lease := acquire(t, holder, "k")
		waiting := wait(t, newLocker(t, open, patient, urls...), "k")
		until(t, 10*time.Second, "it stands in the queues of all nodes", func() bool {
			return !slices.ContainsFunc(servers, func(m *mini) bool { return !m.Exists(script.Queue("redlock:k")) })
		})
		for _, s := range servers {
			s.take()
		}
		begin := time.Now()
		ok(t, lease.Release(t.Context()))
		next := waiting.has(t, patient.TTL)
		if took := time.Since(begin); took > patient.TTL/4 {
			t.Errorf("it takes %v: nobody was told", took)
		}
		if next.Token() <= lease.Token() {
			t.Errorf("token %d after %d", next.Token(), lease.Token())
		}
		missed := 0
		for _, s := range servers {
			if asked := s.take(); len(asked) >= 3 && slices.Equal(asked[:3], []string{"DELEX", "EVALSHA", "EVAL"}) {
				missed++
			}
		}
		if missed < 2 {
			t.Errorf("on %d of 3 nodes the script came after the native release", missed)
		}
		ok(t, next.Release(t.Context()))
	})
}

// patient is for servers in this process, on a machine that is busy elsewhere.
var patient = redlock.Config{TTL: 20 * time.Second, NodeTimeout: 2 * time.Second}

// The model's DELEX is that of another's hand.
func TestNativeReleaseOfTheModel(t *testing.T) {
	eachAdapter(t, func(t *testing.T, open func(urls ...string) ([]redlock.Node, error)) {
		nodes, err := open(startMini(t).URL())
		ok(t, err)
		defer nodes[0].Close()
		model := script.NewModel()
		model.Native = script.Delex
		var batch []resp.Command
		for _, line := range []string{
			"DELEX k IFEQ a", "SET k a", "DELEX k IFEQ b", "GET k", "delex k ifeq a", "GET k", "DELEX k IFEQ a",
			"SET k a", "DELEX k", "GET k", "DELEX k IFEQ", "DELEX", "DELEX k IFEQ a b", "ZADD k 1 a", "DELEX k IFEQ a", "TYPE k", "DELEX k",
		} {
			batch = append(batch, strings.Fields(line))
		}
		replies, err := nodes[0].Do(t.Context(), batch)
		ok(t, err)
		for i, got := range replies {
			if want := model.Exec(1, batch[i]); !got.Equal(want) {
				t.Errorf("%v: miniredis says %v, the model %v", batch[i], got, want)
			}
		}
	})
}
