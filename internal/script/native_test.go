package script

import (
	"slices"
	"testing"

	"github.com/redlock-go/redlock/resp"
)

// A node is found out by what it answers, and not by what it calls itself.
func TestReadNatives(t *testing.T) {
	for what, test := range map[string]struct {
		replies []resp.Reply
		want    Native
	}{
		"Redis 8.4":          {[]resp.Reply{resp.OfInt(0), resp.OfError("ERR unknown command 'DELIFEQ', with args beginning with: ")}, Delex},
		"Valkey 9.0":         {[]resp.Reply{resp.OfError("ERR unknown command 'DELEX', with args beginning with: "), resp.OfInt(0)}, Delifeq},
		"both":               {[]resp.Reply{resp.OfInt(0), resp.OfInt(0)}, Delex},
		"Redis 7.0":          {[]resp.Reply{resp.OfError("ERR unknown command 'DELEX'"), resp.OfError("ERR unknown command 'DELIFEQ'")}, Scripted},
		"an ACL":             {[]resp.Reply{resp.OfError("NOPERM User redlock has no permissions to run the 'delex' command"), resp.OfError("ERR unknown command 'DELIFEQ'")}, Scripted},
		"something else":     {[]resp.Reply{resp.OfText("OK"), {}}, Scripted},
		"a busy Valkey node": {[]resp.Reply{resp.OfError("BUSY"), resp.OfError("BUSY")}, Scripted},
	} {
		if got := readNatives(test.replies); got != test.want {
			t.Errorf("%s: %v, want %v", what, got, test.want)
		}
	}
	m := NewModel()
	for _, native := range []Native{Scripted, Delex, Delifeq} {
		m.Native = native
		m.Exec(1, Admit("0123456789")[0])
		var replies []resp.Reply
		for _, cmd := range tryNatives() {
			replies = append(replies, m.Exec(1, cmd))
		}
		if got := readNatives(replies); got != native {
			t.Errorf("a node that has %v is taken for one that has %v: %v", native, got, replies)
		}
		if _, there := m.Get(1, FreshKey); !there {
			t.Errorf("%v: to try it deletes a key", native)
		}
	}
}

// The native release, and the script where it has not deleted the key, leave just what
// the script alone does, and say the same in the end.
func TestNativeReleaseDoesWhatTheScriptDoes(t *testing.T) {
	const key = "k"
	mine, yours := Value(ID{1}, "me"), Value(ID{2}, "you")
	waits := Params{Key: key, TTL: 1000, Retention: 1000, Waiter: ProcessID{3}.Waiter(1e15, 1)}
	for what, before := range map[string][]resp.Command{
		"ours":              {{"SET", key, mine, "PX", "1000"}},
		"absent":            {{"PING"}},
		"another's":         {{"SET", key, yours, "PX", "1000"}},
		"another library's": {{"SET", key, "x", "PX", "1000"}},
		"somebody waits":    append([]resp.Command{{"SET", key, mine, "PX", "1000"}}, waits.Take(yours, 1)...),
		"a set":             {{"ZADD", key, "1", "a"}},
		"reserved":          {{"SET", key, waits.Waiter.Reservation(), "PX", "500"}},
		"somebody has waited": append([]resp.Command{{"SET", key, mine, "PX", "1000"}},
			append(waits.Take(yours, 1), Leave(key, waits.Waiter))...),
	} {
		for _, listens := range []int{0, 1} {
			scripted := NewModel()
			scripted.Publish = func(string, string) int { return listens }
			for _, s := range All {
				scripted.Exec(0, resp.Command{"SCRIPT", "LOAD", s.Source})
			}
			for _, cmd := range before {
				scripted.Exec(1, cmd)
			}
			for _, native := range []Native{Delex, Delifeq} {
				for _, known := range []bool{true, false} { // the script, to the node
					newer := scripted.Clone()
					newer.Publish, newer.Native = scripted.Publish, native
					if !known {
						newer.Reload()
					}
					cmd, said := new(ReleaseBatch).Of(native, key, Queue(key), mine)[0], 0
					var reply resp.Reply
					for ok := true; ok; said++ {
						reply = newer.Exec(2, cmd)
						var again resp.Command
						if again, ok = Reword(cmd, reply); ok {
							cmd = again
						}
					}
					old := scripted.Clone()
					old.Publish = scripted.Publish
					want := old.Exec(2, new(ReleaseBatch).Of(Scripted, key, Queue(key), mine)[0])
					if !reply.Equal(want) {
						t.Errorf("%s, %v: %v, want %v", what, native, reply, want)
					}
					if got, want := newer.Entries(2), old.Entries(2); !slices.EqualFunc(got, want, sameEntry) {
						t.Errorf("%s, %v: it leaves\n%v, want\n%v", what, native, got, want)
					}
					if most := map[bool]int{true: 2, false: 3}[known]; said > most || what == "ours" && said != 1 {
						t.Errorf("%s, %v: it takes %d commands", what, native, said)
					}
				}
			}
		}
	}
}

func sameEntry(a, b Entry) bool {
	return a.Key == b.Key && a.Type == b.Type && a.Value == b.Value && a.ExpireAt == b.ExpireAt && slices.Equal(a.Members, b.Members)
}

// One claim has nodes of several kinds; it asks for its batches again and again.
func TestReleaseBatchOfEachKind(t *testing.T) {
	var b ReleaseBatch
	want := map[Native]resp.Command{
		Delifeq:  {"DELIFEQ", "k", "v"},
		Delex:    {"DELEX", "k", "IFEQ", "v"},
		Scripted: Release("k", "v", "", false, Both),
	}
	for range 2 {
		for _, native := range []Native{Delifeq, Scripted, Delex} {
			if got := b.Of(native, "k", Queue("k"), "v"); len(got) != 1 || !slices.Equal(got[0], want[native]) {
				t.Errorf("%v: %q, want %q", native, got, want[native])
			}
		}
	}
	for _, native := range []Native{Scripted, Delex, Delifeq} {
		if n := testing.AllocsPerRun(10, func() { new(ReleaseBatch).Of(native, "k", "{k}:q", "v") }); n > 1 {
			t.Errorf("%v: %v allocations for the first kind that is asked for", native, n)
		}
	}
}

func TestModelNatives(t *testing.T) {
	const wrong = `error "WRONGTYPE Operation against a key holding the wrong kind of value"`
	m := NewModel()
	m.Native = Delex
	play(t, m, []step{
		{1, "SET k a PX 10", `"OK"`},
		{1, "DELEX k IFEQ b", "0"},
		{1, "DELIFEQ k a", `error "ERR unknown command 'DELIFEQ', with args beginning with: 'k' 'a' "`},
		{12, "DELEX k IFEQ a", "0"},
		{12, "SET k a", `"OK"`},
		{12, "delex k ifeq a", "1"},
		{12, "DELEX k IFEQ a", "0"},
		{12, "SET k a", `"OK"`},
		{12, "DELEX k", "1"},
		{12, "DELEX k IFEQ", `error "ERR wrong number of arguments for 'delex' command"`},
		{12, "ZADD k 1 a", "1"},
		{12, "DELEX k IFEQ a", `error "ERR Key should be of string type if conditions are specified"`},
	})
	m = NewModel()
	m.Native = Delifeq
	m.Reset()
	play(t, m.Clone(), []step{
		{1, "SET k a PX 10", `"OK"`},
		{1, "DELIFEQ k b", "0"},
		{1, "DELEX k IFEQ a", `error "ERR unknown command 'DELEX', with args beginning with: 'k' 'IFEQ' 'a' "`},
		{12, "DELIFEQ k a", "0"},
		{12, "SET k a", `"OK"`},
		{12, "DELIFEQ k a", "1"},
		{12, "DELIFEQ k", `error "ERR wrong number of arguments for 'delifeq' command"`},
		{12, "ZADD k 1 a", "1"},
		{12, "DELIFEQ k a", wrong},
	})
}
