package script

import (
	"strings"

	"github.com/redlock-go/redlock/resp"
)

// equivalents are the scripts in Go, call by call as in their Lua, so that they
// leave the same behind when a call in the middle fails.
var equivalents = map[*Script]struct {
	keys, args int
	do         func(r *run, keys, args []string) resp.Reply
}{
	TakeScript:    {3, 8, (*run).take},
	ReleaseScript: {2, 5, (*run).release},
	ExtendScript:  {2, 4, (*run).extend},
	RaiseScript:   {2, 4, (*run).raise},

	ExtendManyScript: {2, 4, (*run).extendMany},

	TakeAllScript:    {3, 8, (*run).takeAll},
	ReleaseAllScript: {3, 5, (*run).releaseAll},
	ExtendAllScript:  {3, 6, (*run).extendAll},
	RaiseAllScript:   {3, 3, (*run).raiseAll},

	HandScript: {1, 2, (*run).hand},

	AnnounceScript: {2, 4, (*run).announce},

	EvictScript:       {3, 5, (*run).evict},
	EvictSlotScript:   {4, 9, (*run).evictSlot},
	EvictReaderScript: {4, 8, (*run).evictReader},
	TellEvictedScript: {0, 1, (*run).tellEvicted},

	ReadTakeScript:    {4, 7, (*run).readTake},
	ReadRaiseScript:   {3, 3, (*run).readRaise},
	ReadExtendScript:  {4, 4, (*run).readExtend},
	ReadReleaseScript: {3, 6, (*run).readRelease},
	TakeSlotScript:    {4, 11, (*run).takeSlot},
	ReleaseSlotScript: {3, 6, (*run).releaseSlot},
	ExtendSlotScript:  {3, 5, (*run).extendSlot},
	RaiseSlotScript:   {3, 4, (*run).raiseSlot},
}

func (r *run) eval(cmd resp.Command) resp.Reply {
	keys, args, fault := split(cmd)
	if fault.Kind == resp.Error {
		return fault
	}
	for _, s := range All {
		if s.Source == cmd[1] {
			r.scripts[s.SHA] = true
			return r.runScript(s, keys, args)
		}
	}
	return notModelled("this script")
}

func (r *run) evalsha(cmd resp.Command) resp.Reply {
	sha := strings.ToLower(cmd[1])
	if len(sha) != 40 {
		return noScript
	}
	keys, args, fault := split(cmd)
	switch {
	case fault.Kind == resp.Error:
		return fault
	case !r.scripts[sha]:
		return noScript
	}
	s := BySHA(sha)
	if s == nil {
		return notModelled("this script")
	}
	return r.runScript(s, keys, args)
}

// split takes the keys and arguments out of an EVAL or EVALSHA.
func split(cmd resp.Command) (keys, args []string, fault resp.Reply) {
	n, ok := parseInt(cmd[2])
	switch {
	case !ok:
		return nil, nil, notInteger
	case n > int64(len(cmd)-3):
		return nil, nil, resp.OfError("ERR Number of keys can't be greater than number of args")
	case n < 0:
		return nil, nil, resp.OfError("ERR Number of keys can't be negative")
	}
	return cmd[3 : 3+n], cmd[3+n:], resp.Reply{}
}

func (r *run) runScript(s *Script, keys, args []string) resp.Reply {
	e, ok := equivalents[s]
	if !ok {
		return notModelled("the script " + s.Name)
	}
	if len(keys) < e.keys || len(args) < e.args {
		return notModelled("the script " + s.Name + " with too few keys or arguments")
	}
	return e.do(r, keys, args)
}

// call is redis.call of a script: the caller returns at once if the reply is an
// error. Redis then adds to the text where in the script it happened.
func (r *run) call(cmd ...string) resp.Reply { return r.exec(cmd) }

func (r *run) extend(keys, args []string) resp.Reply {
	key, register := keys[0], keys[1]
	value, ttl, token, retention := args[0], args[1], args[2], args[3]
	holder := r.call("GET", key)
	switch {
	case holder.Kind == resp.Error:
		return holder
	case holder.Kind == resp.Nil:
		return resp.OfInt(0)
	case holder.Text != value && holder.Text != marked(value):
		return holder
	}
	for _, cmd := range []resp.Command{
		{"PEXPIRE", key, ttl},
		{"ZADD", register, "GT", token, member},
		{"PEXPIRE", register, retention},
	} {
		if done := r.call(cmd...); done.Kind == resp.Error {
			return done
		}
	}
	return resp.OfInt(1)
}

// extendMany calls by redis.pcall: an error is the reply for that key.
func (r *run) extendMany(keys, args []string) resp.Reply {
	if len(keys)%2 != 0 || len(args) != 2+len(keys) {
		return notModelled("the script extend_many with as many arguments")
	}
	replies := make([]resp.Reply, 0, len(keys)/2)
	for i := 0; i < len(keys); i += 2 {
		replies = append(replies, r.extend(keys[i:i+2], []string{args[2+i], args[0], args[3+i], args[1]}))
	}
	return resp.OfArray(replies...)
}

func (r *run) raise(keys, args []string) resp.Reply {
	key, register := keys[0], keys[1]
	value, token, retention, last := args[0], args[1], args[2], args[3]
	holder := r.call("GET", key)
	if holder.Kind == resp.Error {
		return holder
	}
	if holder.Kind != resp.Text || holder.Text != value && holder.Text != marked(value) {
		return resp.OfArray(resp.OfInt(-1))
	}
	accepted := r.call("ZADD", register, "GT", "CH", token, member)
	if accepted.Kind == resp.Error {
		return accepted
	}
	if accepted.Int == 1 {
		if last != token {
			if done := r.call("ZADD", register, "GT", last, member); done.Kind == resp.Error {
				return done
			}
		}
		if done := r.call("PEXPIRE", register, retention); done.Kind == resp.Error {
			return done
		}
		return resp.OfArray(resp.OfInt(1), resp.OfText(token))
	}
	seen := r.call("ZSCORE", register, member)
	if seen.Kind == resp.Error {
		return seen
	}
	return resp.OfArray(resp.OfInt(0), seen)
}
