package script

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/redlock-go/redlock/resp"
)

// Model is a node, as an executable specification: what a Redis primary says
// and keeps when it is sent the commands that this module and other Redlock
// clients send. The differential test holds it against a real server; the
// simulator and redlocktest use it as their node.
//
// It is pure: time comes in as an argument, in ms of the node's own clock, and
// must not run backwards. It is not safe for concurrent use.
//
// What it does not know, it refuses by an error reply that names the model, or
// as an unknown command; it never answers something else than Redis would. It
// speaks as RESP2 does: a score is a Text.
type Model struct {
	// Publish delivers a message to whoever is subscribed to the channel, and
	// returns how many they are: subscribers are connections, which are the
	// world's and not the model's. It is called in the middle of a command, be
	// it the client's or a script's, and must not use the Model. Nil: nobody is
	// subscribed. It survives Reset and Reload; a world whose server restarts
	// ends the subscriptions itself.
	Publish func(channel, message string) (receivers int)

	// Native is the compare-and-delete that the server has as a command of its own:
	// none, as up to Redis 8.2 and Valkey 8, if it is not set. It survives Reset and Reload.
	Native Native

	// Channels lists the channels that somebody is subscribed to, in any order. Nil: none.
	// What holds for Publish holds for it.
	Channels func() []string

	keys    map[string]entry
	scripts map[string]bool // the script cache, by SHA
}

// entry is what a key holds. Nothing that it points to is ever written, so that
// a copy of a Model is a copy of its map.
type entry struct {
	sorted   bool // a sorted set, else a string
	text     string
	members  []Member
	expireAt int64 // ms; 0 for never
}

// Member is a member of a sorted set.
type Member struct {
	Name  string
	Score float64
}

// Entry is one key of a Model, as [Model.Entries] lists it.
type Entry struct {
	Key      string
	Type     string   // "string" or "zset", as TYPE says it
	Value    string   // of a string
	Members  []Member // of a sorted set, by score, then by name; not to be written to
	ExpireAt int64    // ms of the node's clock, as PEXPIRETIME says it; 0 for never
}

// NewModel returns an empty node, as it is after its first start.
func NewModel() *Model {
	return &Model{keys: map[string]entry{}, scripts: map[string]bool{}}
}

// Clone returns an independent copy of what the node holds. Nobody is subscribed
// to the copy: its Publish and Channels are nil.
func (m *Model) Clone() *Model {
	return &Model{Native: m.Native, keys: maps.Clone(m.keys), scripts: maps.Clone(m.scripts)}
}

// Reset is a restart without memory: no key is left and no script.
func (m *Model) Reset() {
	clear(m.keys)
	clear(m.scripts)
}

// Reload is a restart of a node that keeps its data on disk: the keys are still
// there, but no script (measured on Redis 7.0: neither RDB nor AOF keeps them).
func (m *Model) Reload() { clear(m.scripts) }

// Entries lists what is alive at now, sorted by key.
func (m *Model) Entries(now int64) []Entry {
	list := make([]Entry, 0, len(m.keys))
	for key, e := range m.keys {
		if e.expiredAt(now) {
			continue
		}
		list = append(list, Entry{Key: key, Type: e.kind(), Value: e.text, Members: e.members, ExpireAt: e.expireAt})
	}
	slices.SortFunc(list, func(a, b Entry) int { return strings.Compare(a.Key, b.Key) })
	return list
}

// Get returns the string that the key holds at now; ok is false if it holds
// none, or a sorted set.
func (m *Model) Get(now int64, key string) (value string, ok bool) {
	e, ok := m.keys[key]
	if !ok || e.sorted || e.expiredAt(now) {
		return "", false
	}
	return e.text, true
}

// Score returns the score that a sorted set has for a member at now; ok is false if it has
// none.
func (m *Model) Score(now int64, key, member string) (score float64, ok bool) {
	e := m.keys[key]
	if e.expiredAt(now) {
		return 0, false
	}
	for _, x := range e.members {
		if x.Name == member {
			return x.Score, true
		}
	}
	return 0, false
}

// Exec executes one command at the time now and returns the reply.
func (m *Model) Exec(now int64, cmd resp.Command) resp.Reply {
	r := run{Model: m, start: now}
	return r.exec(cmd)
}

// ExecTicking is Exec for a command in whose middle the clock may tick: clock
// is read once for the question which keys have expired, and then, as Redis
// 7.0 does it, again for every expiry that is set or told, in a script too.
// The clock must not run backwards.
func (m *Model) ExecTicking(clock func() int64, cmd resp.Command) resp.Reply {
	r := run{Model: m, start: clock(), clock: clock}
	return r.exec(cmd)
}

// expiredAt: a key lives through the millisecond that its expiry names.
func (e entry) expiredAt(now int64) bool { return e.expireAt != 0 && now > e.expireAt }

func (e entry) kind() string {
	if e.sorted {
		return "zset"
	}
	return "string"
}

// run is the execution of one command.
type run struct {
	*Model
	start int64
	clock func() int64 // nil: time stands still
}

func (r *run) now() int64 {
	if r.clock == nil {
		return r.start
	}
	return r.clock()
}

// exec executes a command, be it the client's or a script's.
func (r *run) exec(cmd resp.Command) resp.Reply {
	if len(cmd) == 0 {
		return resp.OfError("ERR the model was given an empty command")
	}
	name := strings.ToLower(cmd[0])
	c, ok := commands[name]
	if n, newer := natives[name]; newer && n != r.Native {
		ok = false
	}
	if !ok {
		return unknown(cmd)
	}
	if c.arity > 0 && len(cmd) != c.arity || len(cmd) < -c.arity {
		return wrongArity(name)
	}
	return c.do(r, cmd)
}

// find returns what a key holds, deleting it if it has expired.
func (r *run) find(key string) (entry, bool) {
	e, ok := r.keys[key]
	if ok && e.expiredAt(r.start) {
		delete(r.keys, key)
		return entry{}, false
	}
	return e, ok
}

// The replies that Redis gives alike in many places.
var (
	replyOK     = resp.OfText("OK")
	replyNil    = resp.Reply{}
	wrongType   = resp.OfError("WRONGTYPE Operation against a key holding the wrong kind of value")
	syntaxError = resp.OfError("ERR syntax error")
	notInteger  = resp.OfError("ERR value is not an integer or out of range")
	notFloat    = resp.OfError("ERR value is not a valid float")
	noScript    = resp.OfError("NOSCRIPT No matching script. Please use EVAL.")
)

func wrongArity(name string) resp.Reply {
	return resp.OfError("ERR wrong number of arguments for '" + name + "' command")
}

// notModelled is the answer to what Redis knows and the model does not.
func notModelled(what string) resp.Reply {
	return resp.OfError("ERR redlock's model of a node does not know " + what)
}

func unknown(cmd resp.Command) resp.Reply {
	const most = 128
	cut := func(s string, n int) string { return s[:min(len(s), n)] }
	var args strings.Builder
	for _, arg := range cmd[1:] {
		if args.Len() >= most {
			break
		}
		args.WriteString("'" + cut(arg, most-args.Len()) + "' ")
	}
	return resp.OfError("ERR unknown command '" + cut(cmd[0], most) + "', with args beginning with: " + args.String())
}

// parseInt is as strict as Redis: no sign but "-", no leading zero.
func parseInt(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && strconv.FormatInt(n, 10) == s
}

// formatScore is "%.17g", as Redis 7.0 prints a score in RESP2. Of a whole number
// below 2^53, such as a token, every version prints just the digits.
func formatScore(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	return strconv.FormatFloat(f, 'g', 17, 64)
}
