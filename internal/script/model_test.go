package script

import (
	"fmt"
	"strings"
	"testing"

	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/resp"
)

// step is one command at a time, and the reply, rendered, that Redis 7.0.15
// gave. The differential test asks a real server for many more.
type step struct {
	at      int64
	command string // words; "_" stands for the empty string
	want    string
}

func play(t *testing.T, m *Model, steps []step) {
	t.Helper()
	for _, s := range steps {
		cmd := resp.Command(strings.Fields(s.command))
		for i := range cmd {
			if cmd[i] == "_" {
				cmd[i] = ""
			}
		}
		if got := m.Exec(s.at, cmd).String(); got != s.want {
			t.Errorf("at %d: %s\n got %s\nwant %s", s.at, s.command, got, s.want)
		}
	}
}

func TestModelCommands(t *testing.T) {
	const (
		wrong  = `error "WRONGTYPE Operation against a key holding the wrong kind of value"`
		syntax = `error "ERR syntax error"`
		number = `error "ERR value is not an integer or out of range"`
	)
	for name, steps := range map[string][]step{
		"set takes a free key only, and GET tells who has it": {
			{1, "SET k a NX GET PX 100", "nil"},
			{2, "set k b nx get px 100", `"a"`},
			{2, "SET k b NX PX 100", "nil"},
			{2, "GET k", `"a"`},
			{3, "SET k b PX 100", `"OK"`},
			{3, "PTTL k", "100"},
			{3, "SET k c KEEPTTL", `"OK"`},
			{3, "PEXPIRETIME k", "103"},
			{3, "SET k d", `"OK"`},
			{3, "PTTL k", "-1"},
			{3, "SET other d XX", "nil"},
			{3, "SET k _ XX GET EX 1", `"d"`},
			{3, "GET k", `""`},
			{3, "PEXPIRETIME k", "1003"},
		},
		"a key lives through the millisecond of its expiry": {
			{1000, "SET k a PX 10", `"OK"`},
			{1010, "PTTL k", "0"},
			{1010, "EXISTS k k", "2"},
			{1011, "GET k", "nil"},
			{1011, "PTTL k", "-2"},
			{1011, "PEXPIRE k 100", "0"},
			{1011, "DEL k", "0"},
			{1011, "SET k b NX GET PX 10", "nil"},
		},
		"pexpire": {
			{1, "SET k a", `"OK"`},
			{1, "PEXPIRE k 50", "1"},
			{9, "PEXPIRE k 50", "1"},
			{9, "PEXPIRETIME k", "59"},
			{9, "PEXPIRE k 0", "1"},
			{9, "EXISTS k", "0"},
			{9, "PEXPIRE k", `error "ERR wrong number of arguments for 'pexpire' command"`},
			{9, "PEXPIRE k x", number},
			{9, "PEXPIRE k 9223372036854775807", `error "ERR invalid expire time in 'pexpire' command"`},
		},
		"set refuses": {
			{1, "SET k a PX 0", `error "ERR invalid expire time in 'set' command"`},
			{1, "SET k a PX -1", `error "ERR invalid expire time in 'set' command"`},
			{1, "SET k a PX 1.5", number},
			{1, "SET k a PX +5", number},
			{1, "SET k a PX", syntax},
			{1, "SET k a NX XX", syntax},
			{1, "SET k a PX 1 EX 1", syntax},
			{1, "SET k a FOO", syntax},
			{1, "SET k", `error "ERR wrong number of arguments for 'set' command"`},
			{1, "EXISTS k", "0"},
		},
		"a register only rises": {
			{1, "ZADD r GT CH 1785000000000000 t", "1"},
			{1, "ZADD r GT CH 1785000000000000 t", "0"},
			{1, "ZADD r GT CH 5 t", "0"},
			{1, "ZSCORE r t", `"1785000000000000"`},
			{1, "ZADD r GT CH 1785000000000001 t", "1"},
			{1, "ZSCORE r t", `"1785000000000001"`},
			{1, "ZSCORE r u", "nil"},
			{1, "ZSCORE none t", "nil"},
			{1, "ZADD f inf t -inf u 1e300 v", "3"},
			{1, "ZSCORE f t", `"inf"`},
			{1, "ZSCORE f u", `"-inf"`},
			{1, "ZSCORE f v", `"1.0000000000000001e+300"`},
			{1, "ZADD r 7 t", "0"},
			{1, "ZSCORE r t", `"7"`},
			{1, "ZADD r CH 8 t 1e3 u", "2"},
			{1, "ZADD r GT CH abc t", `error "ERR value is not a valid float"`},
			{1, "ZADD r 1 t 2", syntax},
			{1, "TYPE r", `"zset"`},
		},
		"wrong types": {
			{1, "SET s 1", `"OK"`},
			{1, "ZADD z 1 t", "1"},
			{1, "ZADD s GT CH 1 t", wrong},
			{1, "ZSCORE s t", wrong},
			{1, "GET z", wrong},
			{1, "INCR z", wrong},
			{1, "SET z v NX GET PX 9", wrong},
			{1, "SET z v NX PX 9", "nil"},
			{1, "SET z v PX 9", `"OK"`},
			{1, "GET z", `"v"`},
		},
		"the rest": {
			{1500, "TIME", `["1" "500000"]`},
			{1, "PING", `"PONG"`},
			{1, "PING x", `"x"`},
			{1, "PING x y", `error "ERR wrong number of arguments for 'ping' command"`},
			{1, "PUBLISH c m", "0"},
			{1, "PUBLISH c", `error "ERR wrong number of arguments for 'publish' command"`},
			{1, "INCR n", "1"},
			{1, "INCR n", "2"},
			{1, "TYPE none", `"none"`},
			{1, "FOO a b", `error "ERR unknown command 'FOO', with args beginning with: 'a' 'b' "`},
			{1, "FLUSHALL", `"OK"`},
			{1, "EXISTS n", "0"},
			{1, "SCRIPT NOPE", `error "ERR unknown subcommand 'NOPE'. Try SCRIPT HELP."`},
		},
	} {
		t.Run(name, func(t *testing.T) { play(t, NewModel(), steps) })
	}
}

func TestModelScripts(t *testing.T) {
	p := Params{Key: "k", TTL: 100, Retention: 1000}
	m := NewModel()
	do := func(at int64, cmd resp.Command, want string) {
		t.Helper()
		if got := m.Exec(at, cmd).String(); got != want {
			t.Errorf("at %d: %v\n got %s\nwant %s", at, cmd, got, want)
		}
	}
	load := func() {
		t.Helper()
		for _, s := range All {
			do(0, resp.Command{"SCRIPT", "LOAD", s.Source}, fmt.Sprintf("%q", s.SHA))
		}
	}
	const noScript = `error "NOSCRIPT No matching script. Please use EVAL."`

	// A script is unknown until it was loaded or evaluated, and after a restart.
	do(0, Release("k", "a", "", false, Nobody), noScript)
	eval, _ := Eval(Release("k", "a", "", false, Nobody))
	do(0, eval, "0")
	do(0, Release("k", "a", "", false, Nobody), "0")
	m.Reload()
	do(0, Release("k", "a", "", false, Nobody), noScript)
	load()
	do(0, resp.Command{"SCRIPT", "EXISTS", ReleaseScript.SHA, "x"}, "[1 0]")

	// Extend retains, tells the other holder, and gives nothing back that was lost.
	do(1, p.Extend("a", 5)[0], "0")
	for i, want := range []string{"nil", "1", "1", "100"} {
		do(1, p.Acquire("a", 5, true)[i], want)
	}
	do(51, p.Extend("a", 5)[0], "1")
	do(51, resp.Command{"PEXPIRETIME", "k"}, "151")
	do(51, resp.Command{"PEXPIRETIME", Register("k")}, "1051")
	do(60, p.Extend("b", 9)[0], `"a"`)
	do(60, resp.Command{"ZSCORE", Register("k"), "t"}, `"5"`)

	// Raise accepts what is above the register, of the holder only.
	do(60, p.Raise("b", 9)[0], "[-1]")
	do(60, p.Raise("a", 5)[0], `[0 "5"]`)
	do(60, p.Raise("a", 6)[0], `[1 "6"]`)

	// Release deletes only its own value.
	do(60, Release("k", "b", "", false, Nobody), "0")
	do(60, Release("k", "a", "", false, Nobody), "1")
	do(60, Release("k", "a", "", false, Nobody), "0")

	// A call that fails leaves behind what was done before it.
	do(70, resp.Command{"SET", Register("k"), "broken"}, `"OK"`)
	do(70, resp.Command{"SET", "k", "a", "PX", "10"}, `"OK"`)
	if got := m.Exec(70, p.Extend("a", 7)[0]); got.Code() != "WRONGTYPE" {
		t.Errorf("extend on a broken register: %v", got)
	}
	do(70, resp.Command{"PTTL", "k"}, "100")
}

func TestModelKnowsEveryScript(t *testing.T) {
	for _, s := range All {
		if _, ok := equivalents[s]; !ok {
			t.Errorf("the model has no equivalent of %s.lua", s.Name)
		}
	}
	if len(equivalents) != len(All) {
		t.Errorf("%d equivalents for %d scripts", len(equivalents), len(All))
	}
}

func TestModelCopiesAreIndependent(t *testing.T) {
	m := NewModel()
	play(t, m, []step{{1, "SET k a PX 10", `"OK"`}, {1, "ZADD r 1 t", "1"}})
	c := m.Clone()
	play(t, c, []step{{1, "DEL k", "1"}, {1, "ZADD r GT 9 t", "0"}, {1, "SET new v", `"OK"`}})
	want := "[{k string a [] 11} {r zset  [{t 1}] 0}]"
	if got := fmt.Sprint(m.Entries(1)); got != want {
		t.Errorf("the original became %s", got)
	}
	if got := fmt.Sprint(c.Entries(1)); got != "[{new string v [] 0} {r zset  [{t 9}] 0}]" {
		t.Errorf("the copy is %s", got)
	}
	if got := fmt.Sprint(m.Entries(12)); got != "[{r zset  [{t 1}] 0}]" {
		t.Errorf("later: %s", got)
	}
	if v, ok := m.Get(11, "k"); v != "a" || !ok {
		t.Errorf("Get: %q %v", v, ok)
	}
	if v, ok := m.Get(12, "k"); ok {
		t.Errorf("Get of an expired key: %q", v)
	}
	m.Reset()
	if got := m.Entries(1); len(got) != 0 {
		t.Errorf("after Reset: %v", got)
	}
}

func TestModelPublishes(t *testing.T) {
	m := NewModel()
	var heard []string
	m.Publish = func(channel, message string) int {
		heard = append(heard, channel+" "+message)
		return len(heard)
	}
	play(t, m, []step{{1, "publish c one", "1"}, {2, "PUBLISH d _", "2"}})
	play(t, m.Clone(), []step{{3, "PUBLISH c copy", "0"}})
	m.Reload()
	m.Reset()
	play(t, m, []step{{4, "PUBLISH c two", "3"}})
	if got := fmt.Sprintf("%q", heard); got != `["c one" "d " "c two"]` {
		t.Errorf("heard %s", got)
	}
}

func TestModelClockMayTickInsideACommand(t *testing.T) {
	m := NewModel()
	m.Exec(0, resp.Command{"SCRIPT", "LOAD", ExtendScript.Source})
	m.Exec(0, resp.Command{"SET", "k", "a"})
	now := int64(99)
	tick := func() int64 { now++; return now }
	m.ExecTicking(tick, Params{Key: "k", TTL: 10, Retention: 1000}.Extend("a", 1)[0])
	// 100 for the question what has expired, then 101 for the key, 102 for the register.
	if got := fmt.Sprint(m.Entries(100)); got != "[{k string a [] 111} {{k}:t zset  [{t 1}] 1102}]" {
		t.Error(got)
	}
}

func TestModelRefusesWhatItDoesNotKnow(t *testing.T) {
	m := NewModel()
	for _, cmd := range []resp.Command{
		{},
		{"PEXPIRE", "k", "1", "NX"},
		{"ZADD", "k", "INCR", "1", "t"},
		{"EVAL", "return 1", "0"},
		{"SCRIPT", "FLUSH", "ASYNC"},
		{"EVAL", ReleaseScript.Source, "1", "k"},
	} {
		if got := m.Exec(1, cmd); got.Code() != "ERR" || !strings.Contains(got.Text, "model") {
			t.Errorf("%v: %v", cmd, got)
		}
	}
	if got := m.Exec(1, resp.Command{"FOO", strings.Repeat("x", 500)}); len(got.Text) > 250 {
		t.Errorf("a long argument is echoed whole: %d bytes", len(got.Text))
	}
}

// Hand passes a key on from one value to another, and back, keeps the mark and the expiry; it
// touches nobody else's key, and none that is gone.
func TestModelHands(t *testing.T) {
	p := Params{Key: "k", TTL: 100, Retention: 1000, From: "rl1.a"}
	m := NewModel()
	do := func(at int64, cmd resp.Command, want string) {
		t.Helper()
		if got := m.Exec(at, cmd).String(); got != want {
			t.Errorf("at %d: %v\n got %s\nwant %s", at, cmd, got, want)
		}
	}
	do(0, resp.Command{"SCRIPT", "LOAD", HandScript.Source}, fmt.Sprintf("%q", HandScript.SHA))
	take, giveBack := p.Hand("rl1.b")[0], p.Return("rl1.b", core.Outvoted)[0]
	do(0, take, "0")
	do(0, resp.Command{"EXISTS", "k"}, "0")
	do(0, resp.Command{"SET", "k", "rl1.a", "PX", "50"}, `"OK"`)
	do(10, take, "1")
	do(10, resp.Command{"GET", "k"}, `"rl1.b"`)
	do(10, resp.Command{"PEXPIRETIME", "k"}, "50")
	do(10, p.Hand("rl1.c")[0], `"rl1.b"`)
	do(20, take, "1") // sent twice
	do(20, resp.Command{"SETRANGE", "k", "3", "+"}, "5")
	do(30, giveBack, "1")
	do(30, resp.Command{"GET", "k"}, `"rl1+a"`)
	do(30, resp.Command{"PEXPIRETIME", "k"}, "50")
	do(30, take, "1")
	do(30, resp.Command{"GET", "k"}, `"rl1+b"`)
	do(51, take, "0")
}
