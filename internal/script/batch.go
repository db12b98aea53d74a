package script

import (
	"strconv"
	"sync/atomic"

	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/resp"
)

// Params are what every batch about one key has in common.
type Params struct {
	Key       string
	TTL       int64 // ms
	Retention int64 // ms, of the register of tokens

	// Block is how many tokens are reserved with one that is proposed.
	Block uint64

	// Waiter is who asks, if it stands in the nodes' queues for the key; "" if not.
	Waiter Waiter

	// From is the value that the key had in the hands of another process, of a lease that was handed
	// over; "" if there was none.
	From string

	// Slot is the slot that a request is about, of a Kind that has several.
	Slot int

	// Kind is what is asked for; nil for the plain lock.
	Kind Kind

	// Tries is how often the Waiter has asked before.
	Tries int
}

// member is the one member of the register of tokens, a sorted set, whose
// score is the highest token that the node has seen for the key. A sorted set,
// because ZADD GT is the one plain command that only ever raises a number.
const member = "t"

// Register is the key of the register of tokens. The braces make it hash to
// the slot of the key itself.
func Register(key string) string { return "{" + key + "}:t" }

// Acquire is the uncontended path, one pipelined write of plain commands:
// take the key if it is free, and else learn who has it; propose a token; let
// the register of a key that is never used again expire in the end. With
// look, it also asks how long the key will live. With a block of tokens, it does so
// too, and raises the register to the last of them, whether the first was accepted or
// not.
//
// ReadAcquire reads the replies.
func (p Params) Acquire(value string, token uint64, look bool) []resp.Command {
	var room [2048]byte
	text := strconv.AppendUint(append(append(append(room[:0], '{'), p.Key...), "}:t"...), token, 10)
	both := string(text)
	register, proposal := both[:len(p.Key)+4], both[len(p.Key)+4:]
	b := &struct { // in one piece, as this is on the hot path
		batch [5]resp.Command
		args  [18]string
	}{args: [18]string{
		"SET", p.Key, value, "NX", "GET", "PX", ttls.text(p.TTL),
		"ZADD", register, "GT", "CH", proposal, member,
		"PEXPIRE", register, retentions.text(p.Retention),
		"PTTL", p.Key,
	}}
	b.batch[0], b.batch[1], b.batch[2] = b.args[:7:7], b.args[7:13:13], b.args[13:16:16]
	b.batch[3] = b.args[16:]
	switch {
	case p.Block > 0:
		b.batch[4] = resp.Command{"ZADD", register, "GT", p.last(token), member}
		return b.batch[:5]
	case look:
		return b.batch[:4]
	}
	return b.batch[:3]
}

// last is the last token of a block.
func (p Params) last(token uint64) string { return strconv.FormatUint(token+p.Block, 10) }

// Raise proposes a token to a node that granted the key: the second round.
// ReadRaise reads the reply.
func (p Params) Raise(value string, token uint64) []resp.Command {
	return []resp.Command{RaiseScript.call(
		[]string{p.Key, Register(p.Key)},
		value, strconv.FormatUint(token, 10), strconv.FormatInt(p.Retention, 10), p.last(token),
	)}
}

// Extend resets the expiry of the key. ReadExtend reads the reply.
func (p Params) Extend(value string, token uint64) []resp.Command {
	return []resp.Command{ExtendScript.call(
		[]string{p.Key, Register(p.Key)},
		value, ttls.text(p.TTL), strconv.FormatUint(token, 10), retentions.text(p.Retention),
	)}
}

// Release gives the key back if it holds the value. A waiter that releases also
// leaves the queue, unless it stays in it. ReadRelease reads the reply.
func Release(key, value string, waiter Waiter, stay bool, deputy Deputy) resp.Command {
	cmd := release(key, Queue(key), value, waiter, stay, deputy)
	return cmd[:]
}

func release(key, queue, value string, waiter Waiter, stay bool, deputy Deputy) [10]string {
	kept := ""
	if stay {
		kept = queueKept
	}
	return [10]string{"EVALSHA", ReleaseScript.SHA, "2", key, queue, value, string(waiter), reservation, kept, string(deputy)}
}

// ReleaseToOthers is Release that leaves the key to clients that know of no queue, for the
// time of a reservation.
func ReleaseToOthers(key, value string, waiter Waiter, deputy Deputy) resp.Command {
	cmd := release(key, Queue(key), value, waiter, false, deputy)
	cmd[7] = "-" + reservation
	return cmd[:]
}

// Pay is what a debt is paid with.
func Pay(d core.Debt) resp.Command {
	kind, ok := d.Kind.(Kind)
	switch {
	case d.Back != "":
		return hand(d.Key, d.Value, d.Back)
	case ok && d.Value == "":
		return kind.Release(d.Key, format, Waiter(d.Waiter), false, Nobody) // no claim has that value
	case ok:
		return kind.Release(d.Key, d.Value, Waiter(d.Waiter), false, Both)
	case d.Value == "":
		return Leave(d.Key, Waiter(d.Waiter))
	}
	return Release(d.Key, d.Value, Waiter(d.Waiter), false, Both)
}

// ReleaseBatch has room for the batch that releases one key, for those who do not
// stand in its queue. It is for those who keep it with what they know of the key.
type ReleaseBatch struct {
	batch  [1]resp.Command
	args   [10]string
	native Native
	other  *ReleaseBatch // for nodes that have another native
}

// Of returns the batch for a node that has this native. It is built once: the key, its queue
// and the value must be the same each time, and no two calls may run at once.
func (b *ReleaseBatch) Of(native Native, key, queue, value string) []resp.Command {
	switch {
	case b.batch[0] == nil && native == Scripted:
		b.args = release(key, queue, value, "", false, Both)
		b.batch[0] = b.args[:]
	case b.batch[0] == nil:
		b.native, b.batch[0] = native, native.command(&b.args, key, value)
	case b.native != native:
		if b.other == nil {
			b.other = new(ReleaseBatch)
		}
		return b.other.Of(native, key, queue, value)
	}
	return b.batch[:]
}

// decimal remembers the last number that was written out: most often the next is
// the same.
type decimal struct{ last atomic.Pointer[written] }

type written struct {
	n    int64
	text string
}

var ttls, retentions decimal

func (d *decimal) text(n int64) string {
	w := d.last.Load()
	if w == nil || w.n != n {
		w = &written{n, strconv.FormatInt(n, 10)}
		d.last.Store(w)
	}
	return w.text
}

// Probe asks a node for a sign of life.
func Probe() []resp.Command { return []resp.Command{{"PING"}} }
