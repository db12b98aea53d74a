package script

import (
	"strconv"

	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/resp"
)

// Reader is the Kind of those who share a key with others that read it, while nobody
// writes. Writers want the plain lock on the same key.
var Reader Divided = reader{}

type reader struct{}

const (
	// sharedValue is what the key holds while readers share it.
	sharedValue = "rl1="

	readersMark = ".r"
)

// IsShared reports whether a key that holds the value is shared by readers.
func IsShared(value string) bool { return value == sharedValue }

// readers is the key of those who read, a sorted set: their values, by when their time is
// over, in ms of the node's clock.
func readers(key string) string { return "{" + key + "}:r" }

// Mark implements [Kind].
func (reader) Mark() string { return readersMark }

// Ask implements [Kind]. Who waited to hold the key alone, and reads now, waits no more.
func (reader) Ask(p *Params, value string, token uint64) []resp.Command {
	waiter := string(p.Waiter)
	if !shares(waiter) {
		waiter = ""
	}
	return []resp.Command{ReadTakeScript.call(
		[]string{p.Key, Register(p.Key), Queue(p.Key), readers(p.Key)},
		value, ttls.text(p.TTL), strconv.FormatUint(token, 10), retentions.text(p.Retention),
		waiter, reservation, queueKept,
	)}
}

// Raise implements [Kind].
func (reader) Raise(p *Params, value string, token uint64) []resp.Command {
	return []resp.Command{ReadRaiseScript.call(
		[]string{p.Key, Register(p.Key), readers(p.Key)},
		value, strconv.FormatUint(token, 10), strconv.FormatInt(p.Retention, 10),
	)}
}

// Extend implements [Kind]. It makes a reader of one who held the key alone.
func (reader) Extend(p *Params, value string, token uint64) []resp.Command {
	return []resp.Command{ReadExtendScript.call(
		[]string{p.Key, Register(p.Key), Queue(p.Key), readers(p.Key)},
		value, ttls.text(p.TTL), strconv.FormatUint(token, 10), retentions.text(p.Retention),
	)}
}

// Release implements [Kind].
func (reader) Release(key, value string, w Waiter, stay bool, deputy Deputy) resp.Command {
	stays := ""
	if stay {
		stays = "1"
	}
	return ReadReleaseScript.call(
		[]string{key, Queue(key), readers(key)},
		value, string(w), reservation, queueKept, string(deputy), stays,
	)
}

// Above implements [Divided]. Readers have the register of those who write.
func (reader) Above(p *Params) resp.Command { return above(p.Key) }

// Evict implements [Divided].
func (r reader) Evict(p *Params, seen string, token uint64) resp.Command {
	return EvictReaderScript.before(r.Release(p.Key, seen, "", false, Both), Register(p.Key),
		strconv.FormatUint(token, 10), strconv.FormatInt(p.Retention, 10))
}

// Read implements [Kind]. Who held the key alone may have asked for something before it
// became a reader: the replies to that are told apart by their form, or are the same.
func (reader) Read(p *Params, op core.Op, value string, replies []resp.Reply) core.Vote {
	if op != core.Ask {
		return p.readAlone(op, value, replies)
	}
	if len(replies) > 1 {
		return readAcquire(value, replies)
	}
	return readTake(replies[0])
}
