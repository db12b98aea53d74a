package script

import (
	"strconv"

	"github.com/redlock-go/redlock/resp"
)

// Params are what every batch about one key has in common.
type Params struct {
	Key       string
	TTL       int64 // ms
	Retention int64 // ms, of the register of tokens
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
// look, it also asks how long the key will live.
//
// ReadAcquire reads the replies.
func (p Params) Acquire(value string, token uint64, look bool) []resp.Command {
	register := Register(p.Key)
	batch := make([]resp.Command, 0, 4)
	batch = append(
		batch,
		resp.Command{"SET", p.Key, value, "NX", "GET", "PX", strconv.FormatInt(p.TTL, 10)},
		resp.Command{"ZADD", register, "GT", "CH", strconv.FormatUint(token, 10), member},
		resp.Command{"PEXPIRE", register, strconv.FormatInt(p.Retention, 10)},
	)
	if look {
		batch = append(batch, resp.Command{"PTTL", p.Key})
	}
	return batch
}

// Raise proposes a token to a node that granted the key: the second round.
// ReadRaise reads the reply.
func (p Params) Raise(value string, token uint64) []resp.Command {
	return []resp.Command{RaiseScript.call(
		[]string{p.Key, Register(p.Key)},
		value, strconv.FormatUint(token, 10), strconv.FormatInt(p.Retention, 10),
	)}
}

// Extend resets the expiry of the key. ReadExtend reads the reply.
func (p Params) Extend(value string, token uint64) []resp.Command {
	return []resp.Command{ExtendScript.call(
		[]string{p.Key, Register(p.Key)},
		value, strconv.FormatInt(p.TTL, 10), strconv.FormatUint(token, 10), strconv.FormatInt(p.Retention, 10),
	)}
}

// Release deletes the key if it holds the value. ReadRelease reads the reply.
func Release(key, value string) resp.Command {
	return ReleaseScript.call([]string{key}, value)
}

// Probe asks a node for a sign of life.
func Probe() []resp.Command { return []resp.Command{{"PING"}} }
