package script

import (
	"math"
	"strconv"
	"strings"

	"github.com/redlock-go/redlock/resp"
)

// What of a sorted set lies between two ranks or two scores.

var notFloatBound = resp.OfError("ERR min or max is not a float")

// zrange is ZRANGE key start stop [BYSCORE] [LIMIT offset count] [WITHSCORES].
func (r *run) zrange(cmd resp.Command) resp.Reply {
	var byScore, withScores, limited bool
	offset, count := int64(0), int64(-1)
	for i := 4; i < len(cmd); i++ {
		switch strings.ToLower(cmd[i]) {
		case "byscore":
			byScore = true
		case "withscores":
			withScores = true
		case "limit":
			if i+2 >= len(cmd) {
				return syntaxError
			}
			var ok1, ok2 bool
			offset, ok1 = parseInt(cmd[i+1])
			count, ok2 = parseInt(cmd[i+2])
			if !ok1 || !ok2 {
				return notInteger
			}
			limited = true
			i += 2
		case "rev", "bylex":
			return notModelled("this option of ZRANGE: " + cmd[i])
		default:
			return syntaxError
		}
	}
	if limited && !byScore {
		return resp.OfError("ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX")
	}
	var from, to int64 // ranks, to is not among them
	if byScore {
		low, high, ok := bounds(cmd[2], cmd[3])
		if !ok {
			return notFloatBound
		}
		e, found := r.find(cmd[1])
		if found && !e.sorted {
			return wrongType
		}
		from, to = between(e.members, low, high)
		switch {
		case offset < 0:
			to = from
		case offset > 0:
			from = min(to, from+offset)
		}
		if count >= 0 {
			to = min(to, from+count)
		}
		return list(e.members[from:to], withScores)
	}
	start, ok1 := parseInt(cmd[2])
	stop, ok2 := parseInt(cmd[3])
	if !ok1 || !ok2 {
		return notInteger
	}
	e, found := r.find(cmd[1])
	if found && !e.sorted {
		return wrongType
	}
	n := int64(len(e.members))
	rank := func(i int64) int64 {
		if i < 0 {
			return i + n
		}
		return i
	}
	from = max(0, rank(start))
	to = max(from, min(n-1, rank(stop))+1)
	if from >= n {
		from, to = n, n
	}
	return list(e.members[from:to], withScores)
}

func list(members []Member, withScores bool) resp.Reply {
	reply := resp.OfArray()
	for _, m := range members {
		reply.Items = append(reply.Items, resp.OfText(m.Name))
		if withScores {
			reply.Items = append(reply.Items, resp.OfText(formatScore(m.Score)))
		}
	}
	return reply
}

// zcount is ZCOUNT key min max.
func (r *run) zcount(cmd resp.Command) resp.Reply {
	low, high, ok := bounds(cmd[2], cmd[3])
	if !ok {
		return notFloatBound
	}
	e, found := r.find(cmd[1])
	if found && !e.sorted {
		return wrongType
	}
	from, to := between(e.members, low, high)
	return resp.OfInt(to - from)
}

// bound is an end of a range of scores.
type bound struct {
	score     float64
	exclusive bool
}

func bounds(low, high string) (l, h bound, ok bool) {
	l, ok1 := parseBound(low)
	h, ok2 := parseBound(high)
	return l, h, ok1 && ok2
}

func parseBound(s string) (b bound, ok bool) {
	s, b.exclusive = strings.CutPrefix(s, "(")
	f, err := strconv.ParseFloat(s, 64)
	b.score = f
	return b, (err == nil || math.IsInf(f, 0)) && !math.IsNaN(f)
}

// between returns the ranks of the first member in the range and of the first behind it.
func between(members []Member, low, high bound) (from, to int64) {
	for _, m := range members {
		switch {
		case m.Score < low.score || low.exclusive && m.Score == low.score:
			from++
			to++
		case m.Score < high.score || !high.exclusive && m.Score == high.score:
			to++
		}
	}
	return from, max(from, to)
}
