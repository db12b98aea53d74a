package look

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/cmd/redlock/internal/exit"
	"github.com/redlock-go/redlock/cmd/redlock/internal/report"
)

// Reign is an object of "redlock leader --json".
type Reign struct {
	Time      report.Stamp         `json:"time"`
	Key       string               `json:"key"`
	Leader    *string              `json:"leader"` // null if nobody leads, or it is not known
	Token     uint64               `json:"token,omitempty"`
	Remaining report.Millis        `json:"remaining_ms,omitempty"`
	Reason    string               `json:"reason,omitempty"` // "no_quorum"
	Need      int                  `json:"need,omitempty"`
	Got       int                  `json:"got,omitempty"`
	Nodes     []report.NodeTrouble `json:"nodes,omitempty"`
}

// Leader shows who leads the election with that name and key. It returns the exit status.
func Leader(ctx context.Context, l *redlock.Locker, name, key string, p Page) (status int, err error) {
	leader, err := l.Leader(ctx, name)
	return p.leader(key, leader, err)
}

// Leaders goes on, and shows each change. It returns when the context ends, or stdout takes
// nothing any more.
func Leaders(ctx context.Context, l *redlock.Locker, name, key string, p Page) (status int, err error) {
	for leader, err := range l.Watch(ctx, name) {
		if status, err = p.leader(key, leader, err); err != nil {
			return 0, err
		}
	}
	return status, nil
}

// leader shows one answer, and returns the status that it stands for. An error is one that
// ends the program.
func (p Page) leader(key string, leader redlock.Leader, answer error) (status int, err error) {
	line := Reign{Time: report.Stamp(time.Now()), Key: key}
	var quorum *redlock.QuorumError
	switch {
	case errors.As(answer, &quorum):
		status, line.Reason, line.Need, line.Got, line.Nodes = exit.NotAcquired, report.ReasonNoQuorum, quorum.Need, quorum.Got, troubles(quorum)
	case answer != nil:
		return 0, exit.Failed(answer)
	case leader.IsNobody():
		status = exit.Nobody
	default:
		line.Leader, line.Token, line.Remaining = &leader.Holder, leader.Token, report.Millis(leader.Remaining)
	}
	switch {
	case p.JSON:
		return status, p.object(line)
	case status == exit.NotAcquired:
		p.Tell(report.Unknown{Key: key, Need: line.Need, Got: line.Got, Nodes: line.Nodes})
		return status, nil
	case status == exit.Nobody:
		_, err = fmt.Fprintln(p.Out, "nobody")
		return status, exit.Failed(err)
	}
	_, err = fmt.Fprintf(p.Out, "%s, token %d, for %v yet unless it renews\n", report.OneLine(leader.Holder), leader.Token, line.Remaining)
	return status, exit.Failed(err)
}
