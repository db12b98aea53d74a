package rig

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/internal/script"
	"github.com/redlock-go/redlock/resp"
)

// op is one operation of the differential test: a batch of commands, or a wait
// for the next expiry.
type op struct {
	commands []resp.Command
	wait     bool
	offset   int64 // ms: of the wait, against the expiry
}

// inFuture marks an argument that is a time: ms from now on.
const inFuture = "now+"

var diffKeys = []string{"a", "{a}:t", "{a}:q", "{a}:r", "{a}:q:late", "{a}:l", "b", "{b}:t"}

// diffWaiters are two that somebody listens for, one that nobody does, the same of
// readers, and one that is no waiter's name.
var (
	diffListening = script.ProcessID{1}
	diffDead      = script.ProcessID{2}
	diffWaiters   = []string{
		string(diffListening.Waiter(5, 1)), string(diffListening.Waiter(7, 27)), string(diffDead.Waiter(6, 1)),
		string(diffListening.Waiter(4, 3).For(script.Reader)), string(diffListening.Waiter(8, 4).For(script.Reader)),
		string(diffDead.Waiter(6, 2).For(script.Reader)), "short",
	}
	diffNames = len(diffWaiters) - 1
)

// look asks for the whole state.
var look = func() []resp.Command {
	var all []resp.Command
	for _, key := range append(diffKeys, slotKeys...) {
		all = append(
			all,
			resp.Command{"PEXPIRETIME", key}, resp.Command{"TYPE", key}, resp.Command{"GET", key},
			resp.Command{"ZRANGE", key, "0", "-1", "WITHSCORES"},
			append(resp.Command{"ZMSCORE", key, "t", "u", "r", "w", "v1", "v2", "rl1.v", "rl1.w"}, diffWaiters...),
		)
	}
	return all
}()

// batch returns the commands, with times filled in.
func (o op) batch(now int64) []resp.Command {
	batch := make([]resp.Command, len(o.commands))
	for i, cmd := range o.commands {
		batch[i] = append(resp.Command{}, cmd...)
		for j, arg := range cmd {
			if ms, ok := strings.CutPrefix(arg, inFuture); ok {
				n, _ := strconv.ParseInt(ms, 10, 64)
				batch[i][j] = strconv.FormatInt(now+n, 10)
			}
		}
	}
	return batch
}

// sleep waits until the next key expires that does so soon, give or take the
// offset. It is the passing of time itself that is tested here.
func (o op) sleep(m *script.Model, now int64) {
	const soon = 100
	next := int64(0)
	for _, e := range m.Entries(now) {
		if e.ExpireAt > 0 && e.ExpireAt-now < soon && (next == 0 || e.ExpireAt < next) {
			next = e.ExpireAt
		}
	}
	if next > 0 {
		time.Sleep(time.Until(time.UnixMilli(next + o.offset)))
	}
}

func (o op) String() string {
	if o.wait {
		return fmt.Sprintf("wait for the next expiry %+d ms", o.offset)
	}
	words := make([]string, len(o.commands))
	for i, cmd := range o.commands {
		for _, arg := range cmd {
			for _, s := range script.All {
				if arg == s.Source || arg == s.SHA {
					arg = s.Name + ".lua"
				}
			}
			words[i] += fmt.Sprintf("%q ", arg)
		}
	}
	return strings.Join(words, "; ")
}

// generate makes a random sequence: of what is said of semaphores mostly; else of everything, or mostly of
// what readers do.
func generate(r *rand.Rand, n int, ofSlots bool) []op {
	g := generator{r, !ofSlots && r.IntN(3) == 0, ofSlots}
	ops := make([]op, n)
	for i := range ops {
		ops[i] = g.op()
	}
	return ops
}

type generator struct {
	*rand.Rand
	reads   bool
	ofSlots bool
}

func (g generator) of(list ...string) string { return list[g.IntN(len(list))] }

func (g generator) key() string { return g.of("a", "a", "b") }
func (g generator) value() string {
	return g.of("v1", "v2", "rl1.v", "rl1.w", "", "12", "\x00\r\n", "rl1>"+g.waiter(), "rl1=")
}
func (g generator) waiter() string { return g.of(diffWaiters[:diffNames]...) }

// ttl is short mostly, so that keys do expire.
func (g generator) ttl() int64 {
	if g.IntN(4) == 0 {
		return 60_000
	}
	return 1 + g.Int64N(25)
}

func (g generator) token() uint64 {
	if g.IntN(4) == 0 {
		return 1<<53 - 5 + g.Uint64N(5)
	}
	return 1 + g.Uint64N(6)
}

func (g generator) params() script.Params {
	return script.Params{Key: g.key(), TTL: g.ttl(), Retention: g.ttl(), Block: g.Uint64N(3), Waiter: script.Waiter(g.waiter())}
}

func (g generator) op() op {
	if g.reads && g.IntN(4) > 0 {
		return op{commands: []resp.Command{g.reading()}}
	}
	switch n := g.IntN(100); {
	case n < 12:
		return op{wait: true, offset: g.Int64N(4) - 1}
	case n < 26:
		return op{commands: g.params().Acquire(g.value(), g.token(), g.IntN(2) == 0)}
	case n < 46:
		return op{commands: []resp.Command{g.scripted()}}
	case n < 66 && g.ofSlots:
		return op{commands: []resp.Command{g.scripted()}}
	case n < 66:
		return op{commands: []resp.Command{g.reading()}}
	case n < 70:
		return op{commands: []resp.Command{g.scriptCommand()}}
	case n < 92:
		return op{commands: []resp.Command{g.plain()}}
	default:
		return op{commands: []resp.Command{g.wrong()}}
	}
}

// scripted is one of our scripts, by its SHA or whole.
func (g generator) scripted() resp.Command {
	var cmd resp.Command
	n := g.IntN(13)
	if g.ofSlots && g.IntN(4) > 0 {
		n = 13
	}
	switch n {
	case 13:
		cmd = g.slots()
	case 12:
		p := g.params()
		if g.IntN(2) == 0 {
			p.Kind = script.Reader
		}
		cmd = p.Evict(g.value(), g.token())[0]
		if g.IntN(4) == 0 {
			cmd = script.TellEvicted(g.key(), g.value(), "somebody")[0]
		}
	case 7, 8, 9:
		cmd = g.several()
	case 11:
		cmd = script.Announce(g.key(), g.value(), g.token(), g.ttl())[0]
	case 0:
		cmd = g.params().Extend(g.value(), g.token())[0]
	case 1:
		cmd = g.extendMany()
	case 2:
		cmd = g.params().Raise(g.value(), g.token())[0]
	case 10:
		cmd = g.handed()
	case 3, 4:
		cmd = g.params().Take(g.value(), g.token())[0]
	default:
		w := g.of("", g.waiter(), g.waiter())
		stay := w != "" && g.IntN(2) == 0
		deputy := script.Deputy(g.of("", "next", "last", "both"))
		if cmd = script.Release(g.key(), g.value(), script.Waiter(w), stay, deputy); !stay && g.of("", "others") != "" {
			cmd = script.ReleaseToOthers(g.key(), g.value(), script.Waiter(w), deputy)
		}
	}
	if g.IntN(2) == 0 {
		cmd, _ = script.Eval(cmd)
	}
	return cmd
}

// several is about both keys, or one.
func (g generator) several() resp.Command {
	keys := []string{"a", "b"}
	if g.IntN(4) == 0 {
		keys = []string{g.key()}
	}
	kind, p := script.NewSeveral(keys), g.params()
	p.Tries = g.IntN(50)
	if g.IntN(3) == 0 {
		p.Waiter = ""
	}
	switch g.IntN(6) {
	case 0:
		return kind.Raise(&p, g.value(), g.token())[0]
	case 1:
		return kind.Extend(&p, g.value(), g.token())[0]
	case 2, 3:
		return kind.Release("", g.value(), p.Waiter, p.Waiter != "" && g.IntN(2) == 0, script.Deputy(g.of("", "next", "last", "both")))
	default:
		return kind.Ask(&p, g.value(), g.token())[0]
	}
}

// handed passes a key on from one value to another, or back.
func (g generator) handed() resp.Command {
	p := g.params()
	p.From = g.value()
	if g.IntN(2) == 0 {
		return p.Return(g.value(), core.Outvoted)[0]
	}
	return p.Hand(g.value())[0]
}

// reading is one of the scripts of readers, most often of one of two who share key a.
func (g generator) reading() resp.Command {
	p, value := g.params(), g.of("v1", "v2", "v1", "v2", g.value())
	p.Key = g.of("a", "a", "a", "b")
	if g.reads && g.IntN(2) == 0 {
		p.TTL = 60_000
	}
	if g.IntN(3) == 0 {
		p.Waiter = ""
	}
	var cmd resp.Command
	switch g.IntN(8) {
	case 0:
		cmd = script.Reader.Raise(&p, value, g.token())[0]
	case 1, 2:
		cmd = script.Reader.Extend(&p, value, g.token())[0]
	case 3, 4:
		stay := p.Waiter != "" && g.IntN(2) == 0
		cmd = script.Reader.Release(p.Key, value, p.Waiter, stay, script.Deputy(g.of("", "next", "last", "both")))
	default:
		cmd = script.Reader.Ask(&p, value, g.token())[0]
	}
	if g.IntN(2) == 0 {
		cmd, _ = script.Eval(cmd)
	}
	return cmd
}

// extendMany extends a few keys in one call, one of them twice at times, and at times
// one that is a register.
func (g generator) extendMany() resp.Command {
	terms := g.params()
	batch := make([]resp.Command, 2+g.IntN(3))
	for i := range batch {
		p := terms
		p.Key = g.of("a", "b", script.Register("b"))
		batch[i] = p.Extend(g.value(), g.token())[0]
	}
	folded, ok := script.Fold(batch)
	if !ok || len(folded.Batch) != 1 {
		panic("extensions with the same terms were not folded")
	}
	return folded.Batch[0]
}

func (g generator) scriptCommand() resp.Command {
	s := script.All[g.IntN(len(script.All))]
	switch g.IntN(3) {
	case 0:
		return resp.Command{"SCRIPT", "FLUSH"}
	case 1:
		return resp.Command{"SCRIPT", "EXISTS", s.SHA, strings.Repeat("0", 40)}
	default:
		return resp.Command{"SCRIPT", "LOAD", s.Source}
	}
}

// plain is what other clients of Redlock send, and people by hand.
func (g generator) plain() resp.Command {
	key, value, ms := g.anyKey(), g.value(), strconv.FormatInt(g.ttl(), 10)
	token := strconv.FormatUint(g.token(), 10)
	switch g.IntN(35) {
	case 28:
		return resp.Command{"PUBSUB", "CHANNELS", g.of("*", "redlock:wake:*", "redlock:wake:01??*", `redlock\:wake*0`, "x*", "redlock:wake:?")}
	case 29: // with one key at the most the order is the same
		return resp.Command{"SCAN", "0", "MATCH", g.of(key, "{?}:q", `\?`, "*{a}:t", "a?*t"), "COUNT", "1000", "TYPE", g.of("string", "zset")}
	case 31, 32:
		return resp.Command{"ZRANGE", key, g.bound(), g.bound(), "BYSCORE", "LIMIT", g.of("0", "1", "5", "-1"), g.of("0", "1", "-1")}
	case 33:
		return resp.Command{"ZRANGE", key, g.bound(), g.bound(), g.of("BYSCORE", "byscore"), "WITHSCORES"}
	case 34:
		return resp.Command{"ZCOUNT", key, g.bound(), g.bound()}
	case 0:
		return resp.Command{"SET", key, value, "NX", "PX", ms}
	case 1:
		return resp.Command{"set", key, value, "px", ms, "nx"}
	case 2:
		return resp.Command{"SET", key, value, "PX", ms}
	case 3:
		return resp.Command{"SET", key, value, g.of("XX", "KEEPTTL", "GET")}
	case 4:
		return resp.Command{"SET", key, value, "NX", "PXAT", inFuture + strconv.FormatInt(g.Int64N(60)-20, 10)}
	case 5:
		return resp.Command{"SET", key, value, g.of("EX", "EXAT"), g.of("1", "9999999999")}
	case 6:
		return resp.Command{"SET", key, value}
	case 7, 8:
		return resp.Command{"DEL", key, g.of(diffKeys...)}
	case 9:
		return resp.Command{"GET", key}
	case 10:
		return resp.Command{"PTTL", key}
	case 11:
		return resp.Command{"PEXPIRE", key, g.of(ms, ms, ms, "0", "-1")}
	case 12:
		return resp.Command{"EXISTS", key, g.of(diffKeys...)}
	case 13:
		return resp.Command{"INCR", key}
	case 14, 15:
		return resp.Command{"ZADD", key, "GT", "CH", token, g.of("t", "t", "u")}
	case 16:
		return resp.Command{"ZADD", key, g.of("GT", "CH"), token, "t"}
	case 17:
		return resp.Command{"ZADD", g.of(diffKeys[:5]...), token, "t", g.of("0.5", "-3", "1e300", "inf"), "u"}
	case 18:
		return resp.Command{"ZSCORE", key, g.of("t", "u")}
	case 19:
		return resp.Command{"PUBLISH", g.of(key, diffListening.Channel()), value}
	case 20:
		return resp.Command{"ZADD", "{a}:q", token, g.of(diffWaiters...)}
	case 21:
		return resp.Command{"ZREM", key, g.of(diffWaiters...), g.of("t", "u")}
	case 22:
		return resp.Command{"ZRANK", key, g.of("t", diffWaiters[1])}
	case 23:
		return resp.Command{"ZRANGE", key, g.of("0", "-1", "1", "-7"), g.of("0", "-1", "5")}
	case 24:
		return resp.Command{"SETRANGE", key, g.of("0", "3", "7"), g.of("+", "", "xyz")}
	case 25:
		return resp.Command{"PEXPIREAT", key, g.of(inFuture+ms, inFuture+"-5", "5", "-1", "0"), "GT"}[:3+g.IntN(2)]
	case 26:
		return resp.Command{"ZREMRANGEBYSCORE", key, g.of("-inf", "3"), g.of(token, "inf")}
	case 27:
		return resp.Command{"ZMSCORE", key, "t", g.of("u", "w")}
	default:
		return resp.Command{"PING"}
	}
}

// wrong is what no server accepts, or on keys of the wrong type.
func (g generator) wrong() resp.Command {
	key := g.anyKey()
	all := []resp.Command{
		{"SET", key},
		{"SET", key, "v", "NX", "XX"},
		{"SET", key, "v", "PX"},
		{"SET", key, "v", "PX", g.of("0", "-1", "x", "1.5", "+5", "007", "9223372036854775807")},
		{"SET", key, "v", "PX", "5", "EX", "5"},
		{"SET", key, "v", "PX", "5", "KEEPTTL"},
		{"SET", key, "v", "WHAT"},
		{"GET"},
		{"GET", key, key},
		{"DEL"},
		{"PTTL"},
		{"PEXPIRE", key},
		{"PEXPIRE", key, g.of("x", "", "9223372036854775807")},
		{"ZADD", key, "1"},
		{"ZADD", key, "GT", "CH", g.of("x", "nan", ""), "t"},
		{"ZADD", key, "1", "t", "2"},
		{"ZSCORE", key},
		{"ZREM", key},
		{"ZMSCORE", key},
		{"ZREMRANGEBYSCORE", key, "1"},
		{"ZREMRANGEBYSCORE", key, "x", "1"},
		{"PEXPIREAT", key},
		{"PEXPIREAT", key, "x"},
		{"ZRANK", key},
		{"ZRANGE", key, "0"},
		{"ZRANGE", key, "x", "1"},
		{"ZRANGE", key, "x", "1", "BYSCORE"},
		{"ZRANGE", key, "0", "1", "LIMIT", "0", "1"},
		{"ZRANGE", key, "0", "1", "BYSCORE", "LIMIT", "x", "1"},
		{"ZRANGE", key, "0", "1", "BYSCORE", "LIMIT", "0"},
		{"ZRANGE", key, "0", "1", "WHAT"},
		{"ZCOUNT", key, "0"},
		{"ZCOUNT", key, "(x", "1"},
		{"SETRANGE", key, "-1", "x"},
		{"SETRANGE", key, "x", "x"},
		{"EXISTS"},
		{"INCR"},
		{"PING", "a", "b"},
		{"PUBLISH", key},
		{"TIME", "x"},
		{"SCRIPT"},
		{"SCRIPT", "WHAT"},
		{"SCRIPT", "LOAD"},
		{"EVALSHA", script.ReleaseScript.SHA},
		{"EVALSHA", script.ReleaseScript.SHA, g.of("x", "-1", "9"), key, "v"},
		{"EVALSHA", "short", "1", key, "v"},
		{"EVALSHA", strings.ToUpper(script.ReleaseScript.SHA), "2", key, "{a}:q", "v", "", "5", "", ""},
		{"EVALSHA", strings.Repeat("0", 40), "1", key, "v"},
		{"NOSUCH", "a", strings.Repeat("x", 200), "b"},
	}
	return all[g.IntN(len(all))]
}
