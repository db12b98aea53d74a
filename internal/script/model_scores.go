package script

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/redlock-go/redlock/resp"
)

// The commands that only the scripts of readers need.

// pexpireat is PEXPIREAT key ms [GT]. A time that is over deletes the key at once.
func (r *run) pexpireat(cmd resp.Command) resp.Reply {
	gt := len(cmd) == 4 && strings.EqualFold(cmd[3], "gt")
	if len(cmd) > 3 && !gt {
		return notModelled("the options of PEXPIREAT")
	}
	at, ok := parseInt(cmd[2])
	if !ok {
		return notInteger
	}
	e, found := r.find(cmd[1])
	if !found || gt && (e.expireAt == 0 || at <= e.expireAt) {
		return resp.OfInt(0)
	}
	if at <= r.now() {
		delete(r.keys, cmd[1])
		return resp.OfInt(1)
	}
	e.expireAt = at
	r.keys[cmd[1]] = e
	return resp.OfInt(1)
}

// zmscore is ZMSCORE key member [member …].
func (r *run) zmscore(cmd resp.Command) resp.Reply {
	e, ok := r.find(cmd[1])
	if ok && !e.sorted {
		return wrongType
	}
	scores := resp.OfArray()
	for _, name := range cmd[2:] {
		score := replyNil
		if at := slices.IndexFunc(e.members, func(m Member) bool { return m.Name == name }); at >= 0 {
			score = resp.OfText(formatScore(e.members[at].Score))
		}
		scores.Items = append(scores.Items, score)
	}
	return scores
}

// zremrangebyscore is ZREMRANGEBYSCORE key min max, both included. A set that is empty is gone.
func (r *run) zremrangebyscore(cmd resp.Command) resp.Reply {
	var bounds [2]float64
	for i, text := range cmd[2:4] {
		f, err := strconv.ParseFloat(text, 64)
		switch {
		case strings.HasPrefix(text, "("):
			return notModelled("an open range of ZREMRANGEBYSCORE")
		case err != nil && !math.IsInf(f, 0), math.IsNaN(f):
			return resp.OfError("ERR min or max is not a float")
		}
		bounds[i] = f
	}
	e, found := r.find(cmd[1])
	switch {
	case found && !e.sorted:
		return wrongType
	case !found:
		return resp.OfInt(0)
	}
	kept := slices.DeleteFunc(slices.Clone(e.members), func(m Member) bool { return bounds[0] <= m.Score && m.Score <= bounds[1] })
	gone := len(e.members) - len(kept)
	if e.members = kept; len(kept) == 0 {
		delete(r.keys, cmd[1])
	} else {
		r.keys[cmd[1]] = e
	}
	return resp.OfInt(int64(gone))
}
