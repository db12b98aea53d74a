package redlock

import (
	"context"
	"errors"
	"fmt"

	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/resp"
)

// sendFolded sends a batch in which what can go together does.
func (ln *lane) sendFolded(ctx context.Context, batch []resp.Command, room []resp.Reply) ([]resp.Reply, error) {
	if len(batch) < 2 {
		return ln.do(ctx, batch, room)
	}
	folded, ok := script.Fold(batch)
	if !ok {
		return ln.do(ctx, batch, room)
	}
	replies, err := ln.do(ctx, folded.Batch, nil)
	if err != nil {
		return nil, err
	}
	return folded.Unfold(replies, room[:0]), nil
}

// do sends a batch and sees to it that scripts which the node does not know are
// sent whole. ctx ends after the locker's patience, so that a client library can be
// expected to give the connection up; nobody waits for that.
// The replies are in room if they have place there.
func (ln *lane) do(ctx context.Context, batch []resp.Command, room []resp.Reply) ([]resp.Reply, error) {
	replies, err := ln.exchange(ctx, batch, room)
	if err != nil {
		return nil, err
	}
	var missing []int // commands whose script the node does not know
	for i := range replies {
		if replies[i].Kind == resp.Error && replies[i].Code() == "NOSCRIPT" {
			missing = append(missing, i)
		}
	}
	if missing == nil {
		return replies, nil
	}
	loaded := make(map[string]bool)
	again := make([]resp.Command, 0, len(missing))
	for _, i := range missing {
		cmd := batch[i]
		if eval, ok := script.Eval(cmd); ok && !loaded[cmd[1]] {
			loaded[cmd[1]] = true // by the time that the next is executed
			cmd = eval
		}
		again = append(again, cmd)
	}
	whole, err := ln.exchange(ctx, again, nil)
	if err != nil {
		return nil, err
	}
	for j, i := range missing {
		replies[i] = whole[j]
	}
	return replies, nil
}

func (ln *lane) exchange(ctx context.Context, batch []resp.Command, room []resp.Reply) (replies []resp.Reply, err error) {
	switch {
	case ln.direct == nil:
		replies, err = ln.node.Do(ctx, batch)
	case ctx.Err() != nil:
		return nil, ctx.Err()
	default:
		replies, err = ln.direct.Exchange(batch, room)
	}
	switch {
	case err == nil && len(replies) == len(batch):
		return replies, nil
	case err == nil:
		return nil, fmt.Errorf("%d replies to a batch of %d commands: this is no Redis server", len(replies), len(batch))
	case errors.Is(err, context.DeadlineExceeded):
		return nil, timeoutError{after: ln.locker.patience()}
	}
	return nil, err
}
