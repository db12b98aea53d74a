package script

import (
	"slices"
	"strings"
	"testing"

	"github.com/redlock-go/redlock/internal/core"
	"github.com/redlock-go/redlock/resp"
)

// table is one node on which a key is read and written.
type table struct {
	t      *testing.T
	node   *Model
	now    int64
	pushes []string // and to whom: "+name", since they were looked at last
	deaf   map[string]bool
}

const (
	tableTTL = 10_000
	wall     = 1_700_000_000_000_000 // a ticket, a token
)

func newTable(t *testing.T) *table {
	x := &table{t: t, node: NewModel(), now: 1_000_000, deaf: map[string]bool{}}
	for _, s := range All {
		x.node.Exec(x.now, resp.Command{"SCRIPT", "LOAD", s.Source})
	}
	x.node.Publish = func(_, message string) int {
		what, _, _ := strings.Cut(message, " ")
		if x.deaf[what[1:]] {
			return 0
		}
		x.pushes = append(x.pushes, what)
		return 1
	}
	return x
}

func (x *table) params(kind Kind, w Waiter) Params {
	return Params{Key: "k", TTL: tableTTL, Retention: 60_000, Waiter: w, Kind: kind}
}

func (x *table) say(kind Kind, w Waiter, op core.Op, value string, token uint64) core.Vote {
	x.t.Helper()
	p := x.params(kind, w)
	var replies []resp.Reply
	for _, cmd := range p.Batch(core.Effect{Op: op, Token: token}, value, true) {
		r := x.node.Exec(x.now, cmd)
		if r.Kind == resp.Error {
			x.t.Fatalf("%v of %s: %s", op, value, r.Text)
		}
		replies = append(replies, r)
	}
	return p.Read(op, value, replies)
}

func (x *table) want(got core.Vote, answer core.Answer) core.Vote {
	x.t.Helper()
	if got.Answer != answer {
		x.t.Fatalf("the node answered %+v, want %d", got, answer)
	}
	return got
}

func (x *table) pushed(want ...string) {
	x.t.Helper()
	if !slices.Equal(x.pushes, want) {
		x.t.Fatalf("pushed %q, want %q", x.pushes, want)
	}
	x.pushes = nil
}

func (x *table) free() {
	x.t.Helper()
	if value, ok := x.node.Get(x.now, "k"); ok {
		x.t.Fatalf("the key holds %q", value)
	}
}

func named(ticket uint64, kind Kind) Waiter {
	return ProcessID{9}.Waiter(wall+ticket, ticket).For(kind)
}

func TestReadersShareAndWritersAreRefusedUntilTheLast(t *testing.T) {
	x := newTable(t)
	x.want(x.say(Reader, "", core.Ask, "rl1.a", wall), core.Granted)
	x.now += 4_000
	x.want(x.say(Reader, "", core.Ask, "rl1.b", wall+1), core.Granted)
	v := x.want(x.say(nil, "", core.Ask, "rl1.w", wall+2), core.Refused)
	if v.Holder != "rl1=" || v.Remaining.Milliseconds() != tableTTL || v.Foreign {
		t.Errorf("the writer was told %+v", v)
	}

	x.now += tableTTL - 4_000 // the first one's time is over, its release did not come
	x.want(x.say(Reader, "", core.Extend, "rl1.a", wall), core.Absent)
	x.want(x.say(nil, "", core.Ask, "rl1.w", wall+3), core.Refused)
	x.now += 4_000 + 1
	x.want(x.say(nil, "", core.Ask, "rl1.w", wall+4), core.Granted)
	x.want(x.say(Reader, "", core.Extend, "rl1.b", wall), core.Refused)
	x.want(x.say(Reader, "", core.Release, "rl1.b", 0), core.Absent)
	if value, _ := x.node.Get(x.now, "k"); value != "rl1.w" {
		t.Errorf("the key holds %q", value)
	}
}

func TestAReaderLeavesTheOthers(t *testing.T) {
	x := newTable(t)
	x.want(x.say(Reader, "", core.Ask, "rl1.a", wall), core.Granted)
	x.now += 5_000
	x.want(x.say(Reader, "", core.Ask, "rl1.b", wall), core.Granted)
	w := named(1, nil)
	x.want(x.say(nil, w, core.Ask, "rl1.w", wall), core.Refused)
	x.pushed()

	x.want(x.say(Reader, "", core.Release, "rl1.b", 0), core.Deleted)
	x.pushed("?" + string(w)) // it has been told a longer time than that of the one who is left
	if v := x.want(x.say(nil, w, core.Ask, "rl1.w", wall), core.Refused); v.Remaining.Milliseconds() != tableTTL-5_000 {
		t.Errorf("the key is held for %v yet, want the first reader's time", v.Remaining)
	}
	x.want(x.say(Reader, "", core.Extend, "rl1.a", wall), core.Retained)
	v := x.want(x.say(Reader, "", core.Release, "rl1.a", 0), core.Deleted)
	if !v.Waited {
		t.Error("the last one was not told that somebody waits")
	}
	x.pushed("+" + string(w))
	x.want(x.say(nil, w, core.Ask, "rl1.w", wall), core.Granted)
}

func TestReadersOfThePastCountForNothing(t *testing.T) {
	x := newTable(t)
	x.want(x.say(Reader, "", core.Ask, "rl1.a", wall), core.Granted)
	x.node.Exec(x.now, resp.Command{"DEL", "k"}) // by an operator
	x.want(x.say(Reader, "", core.Extend, "rl1.a", wall), core.Absent)
	x.want(x.say(Reader, "", core.Ask, "rl1.b", wall), core.Granted)
	x.want(x.say(Reader, "", core.Extend, "rl1.a", wall), core.Absent)
	x.want(x.say(Reader, "", core.Raise, "rl1.a", wall), core.Absent)
	x.want(x.say(Reader, "", core.Release, "rl1.a", 0), core.Absent)
	x.want(x.say(Reader, "", core.Extend, "rl1.b", wall), core.Retained)
}

func TestAReaderWaitsBehindAWriterThatWaits(t *testing.T) {
	x := newTable(t)
	x.want(x.say(Reader, "", core.Ask, "rl1.a", wall), core.Granted)
	w, before, behind, more := named(2, nil), named(1, Reader), named(3, Reader), named(4, Reader)
	x.want(x.say(nil, w, core.Ask, "rl1.w", wall), core.Refused)
	x.want(x.say(Reader, "", core.Ask, "rl1.b", wall), core.Refused)
	x.pushed("?" + string(w))
	x.want(x.say(Reader, behind, core.Ask, "rl1.c", wall), core.Refused)
	x.want(x.say(Reader, more, core.Ask, "rl1.e", wall), core.Refused)
	if v := x.want(x.say(Reader, before, core.Ask, "rl1.d", wall), core.Granted); v.Accepted || v.Register != wall {
		t.Errorf("who goes before a writer by an old ticket is to learn of its token, and was told %+v", v)
	}

	x.say(Reader, "", core.Release, "rl1.a", 0)
	x.say(Reader, before, core.Release, "rl1.d", 0)
	x.pushed("+"+string(w), "?"+string(behind), "?"+string(more)) // the others look after it
	x.want(x.say(nil, w, core.Ask, "rl1.w", wall), core.Granted)
	x.say(nil, w, core.Release, "rl1.w", 0)
	x.pushed("+"+string(behind), "+"+string(more))
	x.want(x.say(Reader, more, core.Ask, "rl1.e", wall), core.Granted) // it need not wait for the first of them
	x.want(x.say(Reader, behind, core.Ask, "rl1.c", wall), core.Granted)
}

// A writer that is gone, or does not move, keeps readers from reading for a moment only.
func TestAWriterThatDoesNotShowItselfIsPassedBy(t *testing.T) {
	x := newTable(t)
	x.want(x.say(Reader, "", core.Ask, "rl1.a", wall), core.Granted)
	dead, frozen, alive, r := named(1, nil), named(2, nil), named(3, nil), named(4, Reader)
	for _, w := range []Waiter{dead, frozen, alive} {
		x.want(x.say(nil, w, core.Ask, "rl1.w"+string(w), wall), core.Refused)
	}
	x.deaf[string(dead)] = true
	v := x.want(x.say(Reader, r, core.Ask, "rl1.b", wall), core.Refused)
	x.pushed("?" + string(frozen))
	if v.Rank != 2 {
		t.Errorf("the reader is number %d, want 2 behind the two that listen", v.Rank)
	}
	x.now += 3 * ReservationMS
	x.want(x.say(nil, alive, core.Ask, "rl1.v", wall), core.Refused)
	v = x.want(x.say(Reader, r, core.Ask, "rl1.c", wall), core.Refused)
	x.pushed("?" + string(alive))
	if v.Rank != 1 || v.Remaining.Milliseconds() != 3*ReservationMS {
		t.Errorf("the next one is to look after the writer in front of it, and was told %+v", v)
	}
	x.now += ReservationMS
	x.want(x.say(nil, alive, core.Ask, "rl1.v", wall), core.Refused) // it shows itself
	x.now += 3 * ReservationMS
	x.want(x.say(Reader, r, core.Ask, "rl1.c", wall), core.Refused)
	x.want(x.say(Reader, "", core.Ask, "rl1.d", wall), core.Refused)
}

// Who leaves the queue lets those come who waited behind it to read.
func TestAWriterThatGivesUpLetsReadersCome(t *testing.T) {
	x := newTable(t)
	x.want(x.say(Reader, "", core.Ask, "rl1.a", wall), core.Granted)
	w, r := named(1, nil), named(2, Reader)
	x.want(x.say(nil, w, core.Ask, "rl1.w", wall), core.Refused)
	x.want(x.say(Reader, r, core.Ask, "rl1.b", wall), core.Refused)
	x.pushed("?" + string(w))
	x.node.Exec(x.now, Leave("k", w))
	x.pushed("+" + string(r))
	x.want(x.say(Reader, r, core.Ask, "rl1.b", wall), core.Granted)
}

func TestAWriterGoesOnAsAReader(t *testing.T) {
	x := newTable(t)
	x.want(x.say(nil, "", core.Ask, "rl1.a", wall), core.Granted)
	r, w := named(1, Reader), named(2, nil)
	x.want(x.say(Reader, r, core.Ask, "rl1.b", wall+1), core.Refused)
	x.want(x.say(nil, w, core.Ask, "rl1.w", wall+1), core.Refused)
	if value, _ := x.node.Get(x.now, "k"); value != "rl1+a" {
		t.Fatalf("the key holds %q", value)
	}
	x.want(x.say(Reader, "", core.Extend, "rl1.a", wall), core.Retained)
	x.pushed("+" + string(r))
	if v := x.want(x.say(Reader, r, core.Ask, "rl1.b", wall+1), core.Granted); !v.Accepted {
		t.Error("a token above the writer's was not accepted")
	}
	x.want(x.say(Reader, "", core.Extend, "rl1.a", wall), core.Retained)
	x.want(x.say(Reader, "", core.Release, "rl1.a", 0), core.Deleted)
	x.pushed()
	x.want(x.say(Reader, r, core.Release, "rl1.b", 0), core.Deleted)
	x.pushed("+" + string(w))
}

// A node that has not heard that the writer is a reader now is released all the same.
func TestAReaderThatWasNotHeardIsReleased(t *testing.T) {
	x := newTable(t)
	x.want(x.say(nil, "", core.Ask, "rl1.a", wall), core.Granted)
	x.want(x.say(Reader, "", core.Release, "rl1.a", 0), core.Deleted)
	x.free()
}

// A token that a writer proposes after it went on as a reader, to a node that has not heard of that, is a
// writer's, and the key stays its own.
func TestAWriterThatRaisesLate(t *testing.T) {
	x := newTable(t)
	x.want(x.say(nil, "", core.Ask, "rl1.a", wall), core.Granted)
	if v := x.want(x.say(Reader, "", core.Raise, "rl1.a", wall+5), core.Granted); !v.Accepted {
		t.Error("a token above all was not accepted")
	}
	if v := x.want(x.say(Reader, "", core.Raise, "rl1.a", wall+2), core.Granted); v.Accepted || v.Register != wall+5 {
		t.Errorf("a token below the highest: %+v", v)
	}
	x.want(x.say(Reader, "", core.Raise, "rl1.b", wall+9), core.Absent)
	x.want(x.say(Reader, "", core.Extend, "rl1.a", wall+5), core.Retained)
	if v := x.want(x.say(Reader, "", core.Ask, "rl1.b", wall+5), core.Granted); v.Accepted {
		t.Error("a reader's token that is not above the writer's was accepted")
	}
	x.want(x.say(Reader, "", core.Release, "rl1.a", 0), core.Deleted)
}

// A reader's token is above those of writers before, and a writer's above those of
// readers before; between readers there is no order, and no second round.
func TestTokensOfReadersAndWriters(t *testing.T) {
	x := newTable(t)
	accepted := func(kind Kind, value string, token uint64, want bool) {
		t.Helper()
		if v := x.want(x.say(kind, "", core.Ask, value, token), core.Granted); v.Accepted != want {
			t.Fatalf("%s with token %d: accepted %v", value, token, v.Accepted)
		}
	}
	accepted(nil, "rl1.w", 50, true)
	x.say(nil, "", core.Release, "rl1.w", 0)
	accepted(Reader, "rl1.a", 100, true)
	accepted(Reader, "rl1.b", 60, true)
	accepted(Reader, "rl1.c", 50, false)
	if v := x.want(x.say(Reader, "", core.Raise, "rl1.c", 49), core.Granted); v.Accepted || v.Register != 50 {
		t.Fatalf("raised to 49: %+v", v)
	}
	if v := x.want(x.say(Reader, "", core.Raise, "rl1.c", 51), core.Granted); !v.Accepted {
		t.Fatalf("raised to 51: %+v", v)
	}
	for _, value := range []string{"rl1.a", "rl1.b", "rl1.c"} {
		x.say(Reader, "", core.Release, value, 0)
	}
	accepted(nil, "rl1.v", 100, false)
	x.want(x.say(nil, "", core.Raise, "rl1.v", 101), core.Granted)
	x.say(nil, "", core.Release, "rl1.v", 0)
	accepted(Reader, "rl1.d", 101, false)
	accepted(Reader, "rl1.e", 102, true)
}

// What is sent twice is granted twice, whoever has come meanwhile.
func TestAReaderThatAsksTwice(t *testing.T) {
	x := newTable(t)
	x.want(x.say(Reader, "", core.Ask, "rl1.a", wall), core.Granted)
	x.want(x.say(nil, named(1, nil), core.Ask, "rl1.w", wall), core.Refused)
	x.want(x.say(Reader, "", core.Ask, "rl1.a", wall), core.Granted)
	x.want(x.say(Reader, "", core.Ask, "rl1.b", wall), core.Refused)
}

// Other clients' values are what they are.
func TestWhoIsAReader(t *testing.T) {
	if w := named(27, Reader); !shares(string(w)) {
		t.Errorf("%s is not taken for a reader", w)
	}
	x := newTable(t)
	x.node.Exec(x.now, resp.Command{"SET", "k", "theirs", "PX", "500"})
	if v := x.want(x.say(Reader, named(1, Reader), core.Ask, "rl1.a", wall), core.Refused); !v.Foreign || v.Remaining.Milliseconds() != 500 {
		t.Errorf("a reader was told %+v of another library's lock", v)
	}
}

// No number of a plain waiter looks like the mark of a Kind.
func TestMarksAreNotNumbers(t *testing.T) {
	for n := range uint64(100_000) {
		w := string(ProcessID{}.Waiter(1, n))
		if shares(w) || slotsOf(Waiter(w)) != 0 {
			t.Fatalf("waiter %d is called %s, as one of another kind", n, w)
		}
	}
}
