package redlock

import (
	"context"
	"time"

	"github.com/redlock-go/redlock/resp"
)

// Suspend makes the locker believe that the machine was suspended for that long.
func (l *Locker) Suspend(d time.Duration) {
	l.clock.before.Add(-int64(d))
	l.clock.ahead.Add(-int64(d)) // the wall clock went on
}

// Survey asks all nodes, and returns what each says, or why it does not.
func (l *Locker) Survey(ctx context.Context, batch ...resp.Command) (replies [][]resp.Reply, errs []error) {
	for _, a := range l.survey(ctx, batch) {
		replies, errs = append(replies, a.replies), append(errs, a.err)
	}
	return replies, errs
}
