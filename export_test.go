package redlock

import "time"

// Suspend makes the locker believe that the machine was suspended for that long.
func (l *Locker) Suspend(d time.Duration) {
	l.clock.before.Add(-int64(d))
	l.clock.ahead.Add(-int64(d)) // the wall clock went on
}
