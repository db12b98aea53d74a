package script

import (
	"fmt"
	"testing"

	"github.com/redlock-go/redlock/resp"
)

// A batch that is folded does the same, and gets the same replies, as one that is not.
func TestFold(t *testing.T) {
	p := func(key string) Params { return Params{Key: key, TTL: 10_000, Retention: 60_000} }
	var batch []resp.Command
	for i := range mostFolded + 3 {
		batch = append(batch, p(fmt.Sprint("k", i)).Extend(fmt.Sprint("v", i), uint64(i))[0])
	}
	other := Params{Key: "k1", TTL: 20_000, Retention: 60_000}.Extend("v1", 1)[0]
	batch = append(batch, Release("k0", "v0", "", false, Nobody), p("k2").Extend("v2", 2)[0], other, resp.Command{"PING"},
		p("k3").Extend("v3", 7)[0], p("set").Extend("v", 7)[0])

	node := func() *Model {
		m := NewModel()
		for i := range mostFolded + 3 {
			value := fmt.Sprint("v", i)
			switch i % 5 {
			case 3:
				continue // absent
			case 4:
				value = "another's"
			}
			m.Exec(0, resp.Command{"SET", fmt.Sprint("k", i), value, "PX", "5000"})
		}
		m.Exec(0, resp.Command{"ZADD", "set", "1", "x"}) // an error for this one only
		m.Exec(0, resp.Command{"SET", Register("k5"), "no register"})
		for _, s := range All {
			m.Exec(0, resp.Command{"SCRIPT", "LOAD", s.Source})
		}
		return m
	}
	one, many := node(), node()
	var want, got []resp.Reply
	for _, cmd := range batch {
		want = append(want, one.Exec(1, cmd))
	}
	folded, ok := Fold(batch)
	if !ok {
		t.Fatal("nothing was folded")
	}
	if len(folded.Batch) != 7 {
		t.Errorf("%d commands are sent, want 7: two for many, and RELEASE, one alone, one with other terms, PING, one for two", len(folded.Batch))
	}
	for _, cmd := range folded.Batch {
		got = append(got, many.Exec(1, cmd))
	}
	replies := folded.Unfold(got, nil)
	if len(replies) != len(want) {
		t.Fatalf("%d replies to %d commands", len(replies), len(want))
	}
	errors := 0
	for i := range want {
		if !replies[i].Equal(want[i]) {
			t.Errorf("%q: %v; alone %v", batch[i][:4], replies[i], want[i])
		}
		if want[i].Kind == resp.Error {
			errors++
		}
	}
	if errors != 2 {
		t.Errorf("%d errors, want one each of the key and the register of a wrong type", errors)
	}
	if a, b := fmt.Sprint(one.Entries(1)), fmt.Sprint(many.Entries(1)); a != b {
		t.Errorf("what is left differs:\n%s\n%s", a, b)
	}
}

func TestFoldNothing(t *testing.T) {
	p := Params{Key: "k", TTL: 10_000, Retention: 60_000}
	for _, batch := range [][]resp.Command{
		nil,
		p.Extend("v", 1),
		p.Acquire("v", 1, true),
		append(p.Extend("v", 1), Release("k", "v", "", false, Nobody)),
	} {
		if folded, ok := Fold(batch); ok {
			t.Errorf("%v was folded to %v", batch, folded.Batch)
		}
	}
}

// What is no list of as many replies is the reply to each, and an error for each.
func TestUnfoldOfAnError(t *testing.T) {
	p := Params{Key: "k", TTL: 10_000, Retention: 60_000}
	folded, _ := Fold(append(p.Extend("v", 1), p.Extend("w", 1)...))
	for _, r := range []resp.Reply{
		resp.OfError("NOPERM no"), resp.OfInt(1), resp.OfText("v"), resp.OfArray(resp.OfInt(1)), {},
	} {
		replies := folded.Unfold([]resp.Reply{r}, nil)
		if len(replies) != 2 {
			t.Fatalf("%v: %v", r, replies)
		}
		for _, reply := range replies {
			if v := readExtend(reply); v.Err == nil {
				t.Errorf("%v is read as %v", r, v)
			}
		}
	}
}
