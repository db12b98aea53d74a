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

// mostRewordings is how often a command is said in another way: a native release becomes
// a call of the script, and that one the script's source.
const mostRewordings = 2

// do sends a batch and sees to it that scripts which the node does not know are
// sent whole, and that the script decides where a native release has not deleted the
// key. ctx ends after the locker's patience, so that a client library can be
// expected to give the connection up; nobody waits for that.
// The replies are in room if they have place there.
func (ln *lane) do(ctx context.Context, batch []resp.Command, room []resp.Reply) ([]resp.Reply, error) {
	replies, err := ln.exchange(ctx, batch, room)
	if err != nil {
		return nil, err
	}
	said, at := batch, []int(nil) // what was said last, and to which of the commands that belongs
	latest := replies
	for range mostRewordings {
		again, places := ln.reword(said, latest, at)
		if again == nil {
			break
		}
		if latest, err = ln.exchange(ctx, again, nil); err != nil {
			return nil, err
		}
		for j, i := range places {
			replies[i] = latest[j]
		}
		said, at = again, places
	}
	return replies, nil
}

// reword returns what is to be said in another way, given the replies to what was said, and
// to which commands of the batch that belongs; at is the same for what was said, nil
// if that was the batch itself.
func (ln *lane) reword(said []resp.Command, replies []resp.Reply, at []int) (again []resp.Command, places []int) {
	var loaded map[string]bool
	for j := range replies {
		cmd, ok := script.Reword(said[j], replies[j])
		if !ok {
			continue
		}
		if script.LacksNative(said[j], replies[j]) {
			ln.native.Store(uint32(script.Scripted))
		}
		if cmd[0] == "EVAL" {
			if loaded[cmd[1]] {
				cmd = said[j] // known by the time that this one is executed
			} else if loaded == nil {
				loaded = make(map[string]bool)
			}
			loaded[cmd[1]] = true
		}
		i := j
		if at != nil {
			i = at[j]
		}
		again, places = append(again, cmd), append(places, i)
	}
	return again, places
}

// howToRelease is what the node has for it. If it should turn out to know it no longer, as
// the server has been replaced by another, do falls back on the script.
func (ln *lane) howToRelease() script.Native { return script.Native(ln.native.Load()) }

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
