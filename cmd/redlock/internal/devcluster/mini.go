package devcluster

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"

	"github.com/redlock-go/redlock/internal/script"
)

// MiniNode is a node that lives in this process. What makes it fit for the lock:
// its TTLs run down by the clock, and it says who it is. Its methods may be
// called from many goroutines at once.
type MiniNode struct {
	redis *miniredis.Miniredis
	addr  string
	runID string
	start time.Time

	mu     sync.Mutex
	frozen chan struct{} // closed when it thaws; nil: it is not frozen
	dead   bool
}

// StartMini starts a node on a free port of 127.0.0.1.
func StartMini() (*MiniNode, error) {
	id := make([]byte, 20)
	if _, err := rand.Read(id); err != nil {
		return nil, err
	}
	m := &MiniNode{redis: miniredis.NewMiniRedis(), runID: hex.EncodeToString(id), start: time.Now()}
	m.redis.ClockTTL(true)
	if err := m.redis.Set(script.FreshKey, m.runID); err != nil {
		return nil, err
	}
	if err := m.redis.Start(); err != nil {
		return nil, err
	}
	m.addr = m.redis.Addr()
	m.redis.Server().SetPreHook(m.hook)
	return m, nil
}

// URL is the node's address for clients.
func (m *MiniNode) URL() string { return "redis://" + m.addr }

// Name is the node's name as errors have it.
func (m *MiniNode) Name() string { return m.addr }

// Freeze makes the node fall silent: it keeps its connections and accepts new
// ones, and answers nothing until Thaw, as a process that was stopped.
func (m *MiniNode) Freeze() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.frozen == nil && !m.dead {
		m.frozen = make(chan struct{})
	}
}

// Thaw lets a frozen node go on. It then executes what was sent to it.
func (m *MiniNode) Thaw() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.frozen != nil {
		close(m.frozen)
		m.frozen = nil
	}
}

// Kill ends the node: its connections break, and new ones are refused. What a
// frozen node was sent is not executed. It is idempotent.
func (m *MiniNode) Kill() {
	m.mu.Lock()
	m.dead = true
	m.mu.Unlock()
	m.Thaw()
	m.redis.Close()
}

// Forget empties the node, as FLUSHALL does.
func (m *MiniNode) Forget() { m.redis.FlushAll() }

// hook sees each command before miniredis does, and reports whether it has dealt
// with it.
func (m *MiniNode) hook(peer *server.Peer, command string, _ ...string) bool {
	m.mu.Lock()
	frozen := m.frozen
	m.mu.Unlock()
	if frozen != nil {
		<-frozen
	}
	m.mu.Lock()
	dead := m.dead
	m.mu.Unlock()
	if dead {
		peer.Close()
		return true
	}
	if command != "INFO" {
		return false
	}
	// miniredis itself says nothing of who it is, and the lock asks that.
	peer.WriteBulk(fmt.Sprintf("# Server\r\nredis_mode:standalone\r\nrun_id:%s\r\nuptime_in_seconds:%d\r\n# Replication\r\nrole:master\r\n",
		m.runID, int(time.Since(m.start).Seconds())))
	return true
}
