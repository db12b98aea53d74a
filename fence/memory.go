package fence

import (
	"context"
	"sync"
	"time"
)

// Memory is a [Register] in the memory of this process, for a resource that
// this process alone writes to and that does not outlive it, and for tests. A
// restart forgets: a resource that stays (a file, a database, a device) needs a
// register that stays, or else a stale token is admitted after the restart.
//
// The zero value is ready for use and keeps every resource for ever. A Memory
// must not be copied after first use.
type Memory struct {
	// Retention lets the register forget a resource for which no token was shown
	// for that long; it then takes at most twice that time. It must be longer
	// than any holder of a stale token can be paused. 0: never forget.
	Retention time.Duration

	mu sync.Mutex
	// Two generations instead of a time for each resource: what was shown since
	// turned lies in recent, what was shown in the retention before it in former.
	recent, former map[string]uint64
	turned         time.Time
}

// Admit implements [Register]. Its errors are a [*StaleError] and one that
// wraps [ErrNotToken]; it does not look at ctx.
func (m *Memory) Admit(_ context.Context, resource string, token uint64) error {
	if err := valid(token); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.turn(time.Now())
	newest := max(m.recent[resource], m.former[resource])
	// A refused token keeps the resource in mind too: there is a stale holder about.
	m.recent[resource] = max(newest, token)
	return Verdict(resource, token, newest)
}

// turn makes the recent generation the former one when the retention has
// passed, and with it forgets what was former.
func (m *Memory) turn(now time.Time) {
	switch {
	case m.recent == nil:
		m.recent, m.turned = make(map[string]uint64), now
	case m.Retention <= 0 || now.Sub(m.turned) < m.Retention:
	default:
		if now.Sub(m.turned) < 2*m.Retention {
			m.former = m.recent
		} else {
			m.former = nil
		}
		m.recent, m.turned = make(map[string]uint64), now
	}
}
