package script

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/redlock-go/redlock/resp"
)

// Above asks for the register of tokens of what is to be taken from its holder. ReadAbove reads
// the reply.
func (p Params) Above() []resp.Command {
	if kind, ok := p.Kind.(Divided); ok {
		return []resp.Command{kind.Above(&p)}
	}
	return []resp.Command{above(p.Key)}
}

// above is that of a key.
func above(key string) resp.Command { return resp.Command{"ZSCORE", Register(key), member} }

// ReadAbove reads a register: the highest token that a node has seen, 0 if it knows none.
func ReadAbove(replies []resp.Reply) (uint64, error) {
	if len(replies) != 1 {
		return 0, garbage("%d replies to a ZSCORE", len(replies)).Err
	}
	switch r := replies[0]; r.Kind {
	case resp.Nil:
		return 0, nil
	case resp.Text:
		return readToken(r.Text), nil
	case resp.Error:
		return 0, ServerError(r.Text)
	default:
		return 0, garbage("%v to ZSCORE", r).Err
	}
}

// Evict takes the key, or a part of what is divided, from the holder of that value, as it was seen,
// and raises the register to the token. ReadEvict reads the reply.
func (p Params) Evict(seen string, token uint64) []resp.Command {
	if kind, ok := p.Kind.(Divided); ok {
		return []resp.Command{kind.Evict(&p, seen, token)}
	}
	return []resp.Command{EvictScript.call(
		[]string{p.Key, Register(p.Key), Queue(p.Key)},
		seen, strconv.FormatUint(token, 10), strconv.FormatInt(p.Retention, 10), reservation, string(Both),
	)}
}

// TellEvicted tells every process that listens of an eviction. It need not succeed.
func TellEvicted(key, seen, by string) []resp.Command {
	return []resp.Command{TellEvictedScript.call(nil, Eviction(key, seen, by))}
}

// Evicted is what became of an eviction on a node.
type Evicted struct {
	Deleted  bool
	Holder   string // who has the key instead, unmarked; "" if nobody
	Register uint64 // not 0: nothing was done, as the node has seen this token
}

// ReadEvict reads the reply to an eviction.
func ReadEvict(replies []resp.Reply) (Evicted, error) {
	if len(replies) != 1 {
		return Evicted{}, garbage("%d replies to an eviction", len(replies)).Err
	}
	r := replies[0]
	switch {
	case r.Kind == resp.Error:
		return Evicted{}, ServerError(r.Text)
	case r.Kind == resp.Int: // from where a release follows
		return Evicted{Deleted: r.Int > 0}, nil
	case r.Kind != resp.Array || len(r.Items) == 0 || r.Items[0].Kind != resp.Int:
	case r.Items[0].Int == 1, r.Items[0].Int == 2:
		return Evicted{Deleted: true}, nil
	case r.Items[0].Int == -1 && len(r.Items) > 1 && r.Items[1].Kind == resp.Text:
		return Evicted{Register: max(1, readToken(r.Items[1].Text))}, nil
	case r.Items[0].Int == 0 && len(r.Items) > 1 && r.Items[1].Kind == resp.Text:
		return Evicted{Holder: Unmarked(r.Items[1].Text)}, nil
	case r.Items[0].Int == 0:
		return Evicted{}, nil
	}
	return Evicted{}, garbage("%v to an eviction", r).Err
}

// Eviction is what the processes that listen are told of one:
//
//	!<id of the value> <length of the key> <key><who evicted>
func Eviction(key, seen, by string) string {
	id, _ := IDOf(seen)
	return "!" + id + " " + strconv.Itoa(len(key)) + " " + key + by
}

// ReadEviction reads a message of a process's channel that tells of an eviction; ok is
// false if it tells of something else.
func ReadEviction(message string) (id ID, key, by string, ok bool) {
	rest, ok := strings.CutPrefix(message, "!")
	text, rest, ok1 := strings.Cut(rest, " ")
	length, rest, ok2 := strings.Cut(rest, " ")
	n, err := strconv.Atoi(length)
	if !ok || !ok1 || !ok2 || err != nil || n < 0 || n > len(rest) || len(text) != idLength {
		return ID{}, "", "", false
	}
	if _, err = base64.RawURLEncoding.Decode(id[:], []byte(text)); err != nil {
		return ID{}, "", "", false
	}
	return id, rest[:n], rest[n:], true
}

// IDOf is the id in a value of ours, as text; ok is false for every other value.
func IDOf(value string) (id string, ok bool) {
	if _, ok = Label(value); !ok {
		return "", false
	}
	return value[len(format) : len(format)+idLength], true
}

// HolderID tells one holder from another, for people: the id in a value of ours, and a
// digest of what another library wrote, which may be any bytes.
func HolderID(value string) string {
	if id, ok := IDOf(Unmarked(value)); ok {
		return id
	}
	sum := sha256.Sum256([]byte(value))
	return "other-" + hex.EncodeToString(sum[:8])
}
