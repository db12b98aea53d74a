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
	recent, former map[string]seen
	turned         time.Time
}

// seen are the highest tokens of anybody, and of a writer.
type seen struct{ any, written uint64 }

// Admit implements [Register]. Its errors are a [*StaleError] and one that
// wraps [ErrNotToken]; it does not look at ctx.
func (m *Memory) Admit(_ context.Context, resource string, token uint64) error {
	return m.admit(resource, token, false)
}

// AdmitRead implements [ReadRegister], as Admit does Register.
func (m *Memory) AdmitRead(_ context.Context, resource string, token uint64) error {
	return m.admit(resource, token, true)
}

func (m *Memory) admit(resource string, token uint64, reads bool) error {
	if err := valid(token); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.turn(time.Now())
	recent, former := m.recent[resource], m.former[resource]
	now := seen{max(recent.any, former.any), max(recent.written, former.written)}
	newest := now.any
	if reads {
		newest = now.written
	}
	err := Verdict(resource, token, newest)
	if err == nil {
		now.any = max(now.any, token)
		if !reads {
			now.written = token
		}
	}
	m.recent[resource] = now // a refused token keeps the resource in mind too: there is a stale holder about
	return err
}

// turn makes the recent generation the former one when the retention has
// passed, and with it forgets what was former.
func (m *Memory) turn(now time.Time) {
	switch {
	case m.recent == nil:
		m.recent, m.turned = make(map[string]seen), now
	case m.Retention <= 0 || now.Sub(m.turned) < m.Retention:
	default:
		if now.Sub(m.turned) < 2*m.Retention {
			m.former = m.recent
		} else {
			m.former = nil
		}
		m.recent, m.turned = make(map[string]seen), now
	}
}
