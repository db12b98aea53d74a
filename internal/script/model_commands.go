package script

import (
	"crypto/sha1" //nolint:gosec // EVALSHA names a script by its SHA-1; nothing is secured by it.
	"encoding/hex"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/redlock-go/redlock/resp"
)

// command is one command of the model.
type command struct {
	arity int // with the name, as Redis counts it: -n means n or more
	do    func(r *run, cmd resp.Command) resp.Reply
}

// commands are those that the model knows. It is filled by init because EVAL
// executes commands in its turn.
var commands map[string]command

func init() {
	commands = map[string]command{
		"del":         {-2, (*run).del},
		"delex":       {-2, (*run).delex},
		"delifeq":     {3, (*run).delifeq},
		"eval":        {-3, (*run).eval},
		"evalsha":     {-3, (*run).evalsha},
		"exists":      {-2, (*run).exists},
		"flushall":    {1, (*run).flushall},
		"get":         {2, (*run).get},
		"incr":        {2, (*run).incr},
		"pexpire":     {-3, (*run).pexpire},
		"pexpireat":   {-3, (*run).pexpireat},
		"pexpiretime": {2, (*run).pexpiretime},
		"ping":        {-1, (*run).ping},
		"pttl":        {2, (*run).pttl},
		"publish":     {3, (*run).publish},
		"pubsub":      {-2, (*run).pubsub},
		"scan":        {-2, (*run).scan},
		"setrange":    {4, (*run).setrange},
		"script":      {-2, (*run).script},
		"set":         {-3, (*run).set},
		"time":        {1, (*run).time},
		"type":        {2, (*run).typeOf},
		"zadd":        {-4, (*run).zadd},
		"zmscore":     {-3, (*run).zmscore},
		"zcount":      {4, (*run).zcount},
		"zrange":      {-4, (*run).zrange},
		"zrank":       {-3, (*run).zrank},
		"zrem":        {-3, (*run).zrem},
		"zscore":      {3, (*run).zscore},

		"zremrangebyscore": {4, (*run).zremrangebyscore},
	}
}

func (r *run) ping(cmd resp.Command) resp.Reply {
	switch len(cmd) {
	case 1:
		return resp.OfText("PONG")
	case 2:
		return resp.OfText(cmd[1])
	}
	return wrongArity("ping")
}

func (r *run) time(resp.Command) resp.Reply {
	now := r.now()
	return resp.OfArray(
		resp.OfText(strconv.FormatInt(now/1000, 10)),
		resp.OfText(strconv.FormatInt(now%1000*1000, 10)),
	)
}

func (r *run) flushall(resp.Command) resp.Reply {
	clear(r.keys)
	return replyOK
}

func (r *run) typeOf(cmd resp.Command) resp.Reply {
	e, ok := r.find(cmd[1])
	if !ok {
		return resp.OfText("none")
	}
	return resp.OfText(e.kind())
}

func (r *run) del(cmd resp.Command) resp.Reply {
	n := int64(0)
	for _, key := range cmd[1:] {
		if _, ok := r.find(key); ok {
			delete(r.keys, key)
			n++
		}
	}
	return resp.OfInt(n)
}

func (r *run) exists(cmd resp.Command) resp.Reply {
	n := int64(0)
	for _, key := range cmd[1:] {
		if _, ok := r.find(key); ok {
			n++
		}
	}
	return resp.OfInt(n)
}

func (r *run) get(cmd resp.Command) resp.Reply {
	e, ok := r.find(cmd[1])
	switch {
	case !ok:
		return replyNil
	case e.sorted:
		return wrongType
	}
	return resp.OfText(e.text)
}

func (r *run) incr(cmd resp.Command) resp.Reply {
	e, ok := r.find(cmd[1])
	n := int64(0)
	if ok {
		if e.sorted {
			return wrongType
		}
		if n, ok = parseInt(e.text); !ok {
			return notInteger
		}
	}
	if n == math.MaxInt64 {
		return resp.OfError("ERR increment or decrement would overflow")
	}
	e.text = strconv.FormatInt(n+1, 10)
	r.keys[cmd[1]] = e
	return resp.OfInt(n + 1)
}

// publish answers the number of receivers.
func (r *run) publish(cmd resp.Command) resp.Reply {
	if r.Publish == nil {
		return resp.OfInt(0)
	}
	return resp.OfInt(int64(r.Publish(cmd[1], cmd[2])))
}

// set is SET key value [NX | XX] [GET] [PX ms | EX s | PXAT ms | EXAT s | KEEPTTL].
func (r *run) set(cmd resp.Command) resp.Reply {
	key := cmd[1]
	var nx, xx, get, keep bool
	var unit, amount string
	for i := 3; i < len(cmd); i++ {
		switch option := strings.ToLower(cmd[i]); {
		case option == "nx" && !xx:
			nx = true
		case option == "xx" && !nx:
			xx = true
		case option == "get":
			get = true
		case option == "keepttl" && unit == "":
			keep = true
		case slices.Contains([]string{"px", "ex", "pxat", "exat"}, option) && unit == "" && !keep && i+1 < len(cmd):
			i++
			unit, amount = option, cmd[i]
		default:
			return syntaxError
		}
	}
	expireAt := int64(0)
	if unit != "" {
		var fault resp.Reply
		if expireAt, fault = r.expiry(unit, amount, "set"); fault.Kind == resp.Error {
			return fault
		}
	}

	old, found := r.find(key)
	before := replyNil // what GET answers
	if get && found {
		if old.sorted {
			return wrongType
		}
		before = resp.OfText(old.text)
	}
	if nx && found || xx && !found {
		return before
	}
	if keep {
		expireAt = old.expireAt
	}
	r.keys[key] = entry{text: cmd[2], expireAt: expireAt}
	if get {
		return before
	}
	return replyOK
}

// expiry turns the arguments of an expiry into a point in time, and gives an
// error reply if they are not one.
func (r *run) expiry(unit, amount, name string) (at int64, fault resp.Reply) {
	n, ok := parseInt(amount)
	if !ok {
		return 0, notInteger
	}
	invalid := resp.OfError("ERR invalid expire time in '" + name + "' command")
	if unit == "ex" || unit == "exat" {
		if n > math.MaxInt64/1000 {
			return 0, invalid
		}
		n *= 1000
	}
	base := int64(0)
	if unit == "ex" || unit == "px" {
		base = r.now()
	}
	if n <= 0 || n > math.MaxInt64-base {
		return 0, invalid
	}
	return base + n, resp.Reply{}
}

func (r *run) pexpire(cmd resp.Command) resp.Reply {
	if len(cmd) > 3 {
		return notModelled("the options of PEXPIRE")
	}
	n, ok := parseInt(cmd[2])
	if !ok {
		return notInteger
	}
	now := r.now()
	if n > math.MaxInt64-now {
		return resp.OfError("ERR invalid expire time in 'pexpire' command")
	}
	e, ok := r.find(cmd[1])
	if !ok {
		return resp.OfInt(0)
	}
	if n <= 0 { // already over, which deletes the key at once
		delete(r.keys, cmd[1])
		return resp.OfInt(1)
	}
	e.expireAt = now + n
	r.keys[cmd[1]] = e
	return resp.OfInt(1)
}

func (r *run) pttl(cmd resp.Command) resp.Reply {
	at := r.pexpiretime(cmd).Int
	if at < 0 {
		return resp.OfInt(at)
	}
	return resp.OfInt(max(at-r.now(), 0))
}

func (r *run) pexpiretime(cmd resp.Command) resp.Reply {
	e, ok := r.find(cmd[1])
	switch {
	case !ok:
		return resp.OfInt(-2)
	case e.expireAt == 0:
		return resp.OfInt(-1)
	}
	return resp.OfInt(e.expireAt)
}

// zadd is ZADD key [GT] [CH] score member [score member …].
func (r *run) zadd(cmd resp.Command) resp.Reply {
	var gt, ch bool
	i := 2
options:
	for ; i < len(cmd); i++ {
		switch strings.ToLower(cmd[i]) {
		case "gt":
			gt = true
		case "ch":
			ch = true
		case "nx", "xx", "lt", "incr":
			return notModelled("this option of ZADD: " + cmd[i])
		default:
			break options
		}
	}
	pairs := cmd[i:]
	if len(pairs) == 0 || len(pairs)%2 != 0 {
		return syntaxError
	}
	scores := make([]float64, 0, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		f, err := strconv.ParseFloat(pairs[i], 64)
		if err != nil && !math.IsInf(f, 0) || math.IsNaN(f) {
			return notFloat
		}
		scores = append(scores, f)
	}
	e, ok := r.find(cmd[1])
	if ok && !e.sorted {
		return wrongType
	}
	e.sorted = true
	e.members = slices.Clone(e.members)
	added, changed := int64(0), int64(0)
	for i, score := range scores {
		name := pairs[2*i+1]
		switch at := slices.IndexFunc(e.members, func(m Member) bool { return m.Name == name }); {
		case at < 0:
			e.members = append(e.members, Member{Name: name, Score: score})
			added++
		case score > e.members[at].Score || !gt && score != e.members[at].Score:
			e.members[at].Score = score
			changed++
		}
	}
	slices.SortFunc(e.members, func(a, b Member) int {
		switch {
		case a.Score < b.Score:
			return -1
		case a.Score > b.Score:
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	r.keys[cmd[1]] = e
	if ch {
		return resp.OfInt(added + changed)
	}
	return resp.OfInt(added)
}

func (r *run) zscore(cmd resp.Command) resp.Reply {
	e, ok := r.find(cmd[1])
	if ok && !e.sorted {
		return wrongType
	}
	for _, m := range e.members {
		if m.Name == cmd[2] {
			return resp.OfText(formatScore(m.Score))
		}
	}
	return replyNil
}

// script is SCRIPT LOAD source | EXISTS sha … | FLUSH.
func (r *run) script(cmd resp.Command) resp.Reply {
	switch sub := strings.ToLower(cmd[1]); sub {
	case "load":
		if len(cmd) != 3 {
			return wrongArity("script|load")
		}
		sum := sha1.Sum([]byte(cmd[2])) //nolint:gosec // see the import
		sha := hex.EncodeToString(sum[:])
		r.scripts[sha] = true
		return resp.OfText(sha)
	case "exists":
		if len(cmd) < 3 {
			return wrongArity("script|exists")
		}
		known := resp.OfArray()
		for _, sha := range cmd[2:] {
			n := int64(0)
			if r.scripts[strings.ToLower(sha)] {
				n = 1
			}
			known.Items = append(known.Items, resp.OfInt(n))
		}
		return known
	case "flush":
		if len(cmd) != 2 {
			return notModelled("the options of SCRIPT FLUSH")
		}
		clear(r.scripts)
		return replyOK
	}
	return resp.OfError("ERR unknown subcommand '" + cmd[1] + "'. Try SCRIPT HELP.")
}
