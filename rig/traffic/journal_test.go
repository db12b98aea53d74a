package traffic

import (
	"reflect"
	"strings"
	"testing"

	"github.com/redlock-go/redlock/rig/clock"
)

const journal = `{"at":10,"what":"want","lock":"l"}
{"at":20,"what":"failed","lock":"l","kind":"no quorum","err":"…"}
{"at":25,"what":"again","lock":"l"}
{"at":50,"what":"held","lock":"l","token":7,"until":150}
{"at":51,"what":"asked","lock":"l","op":"read plain"}
{"at":52,"what":"answered","lock":"l","op":"read plain","count":3,"value":"3 w/1"}
{"at":60,"what":"beat","lock":"l","until":150}
{"at":60,"what":"overstayed","lock":"l"}
{"at":61,"what":"unextend","lock":"l","kind":"lost"}
{"at":62,"what":"asked","lock":"l","op":"write guarded","token":7,"count":4,"value":"4 a/1"}
{"at":63,"what":"answered","lock":"l","op":"write guarded","token":7,"count":4,"value":"4 a/1","stale":9}
{"at":150,"what":"end","lock":"l","how":"expiry"}
{"at":160,"what":"released","lock":"l","kind":"lost"}
{"at":170,"what":"want","lock":"m"}
{"at":190,"what":"held","lock":"m","also":["n"],"shared":true,"token":9,"until":300}
{"at":191,"what":"asked","lock":"m","op":"read guarded","token":9,"shared":true}
{"at":192,"what":"answered","lock":"m","op":"read guarded","token":9,"shared":true}
{"at":195,"what":"asked","lock":"m","op":"write plain","count":1,"value":"1 a/2"}
{"at":200,"what":"beat","lock":"m"}
{"at":210,"what":"be`

// TestReadJournal reads that of a client which was killed in the middle of a line.
func TestReadJournal(t *testing.T) {
	got, err := readJournal(strings.NewReader(journal), "a")
	if err != nil {
		t.Fatal(err)
	}
	want := Story{
		Client: "a",
		Tenures: []Tenure{
			{Client: "a", Lock: "l", Token: 7, Want: 10, Asked: 25, Begin: 50, End: 150, Done: 160, How: ByExpiry, Released: true, Release: "lost"},
			{Client: "a", Lock: "m", Also: []string{"n"}, Shared: true, Token: 9, Want: 170, Asked: 170, Begin: 190, End: 200, Done: 200},
		},
		Waits: []Wait{
			{Client: "a", Lock: "l", From: 10, To: 20},
			{Client: "a", Lock: "l", From: 25, To: 50, Got: true},
			{Client: "a", Lock: "m", From: 170, To: 190, Got: true},
		},
		Touches: []Touch{
			{Client: "a", Lock: "l", Op: ReadPlain, Asked: 51, Answered: 52, Count: 3, Value: "3 w/1"},
			{Client: "a", Lock: "l", Op: WriteGuarded, Token: 7, Asked: 62, Answered: 63, Count: 4, Value: "4 a/1", Stale: 9},
			{Client: "a", Lock: "m", Op: ReadGuarded, Token: 9, Shared: true, Asked: 191, Answered: 192},
			{Client: "a", Lock: "m", Op: WritePlain, Asked: 195, Count: 1, Value: "1 a/2"},
		},
		Errors: map[string]int{"acquire: no quorum": 1, "extend: lost": 1, "lease: expired": 1, "release: lost": 1},
		Wait:   40, Overstayed: []clock.Instant{60},
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
}

func TestReadJournalRefusesWhatDoesNotBelongThere(t *testing.T) {
	for _, bad := range []string{
		`{"at":1,"what":"end"}`, `{"at":1,"what":"beat"}`, `{"at":1,"what":"answered"}`, `nonsense`,
	} {
		if story, err := readJournal(strings.NewReader(bad+"\n"), "a"); err == nil {
			t.Errorf("%s was read as %+v", bad, story)
		}
	}
}

// pretended is a lease that says what it is told to.
type pretended struct {
	Lease
	until clock.Instant
	ok    bool
}

func (p *pretended) Valid() (clock.Instant, bool) { return p.until, p.ok }

// TestHoldingNeverClaimsTooMuch: a lease counts until its deadline if that has come,
// else until it was last seen to be valid.
func TestHoldingNeverClaimsTooMuch(t *testing.T) {
	tests := []struct {
		name  string
		until func(now clock.Instant) clock.Instant
		how   How
		end   func(last, until clock.Instant) clock.Instant
	}{
		{"it lapsed", func(now clock.Instant) clock.Instant { return now }, ByExpiry, func(_, until clock.Instant) clock.Instant { return until }},
		{"it lapsed before it was seen", func(clock.Instant) clock.Instant { return 1 }, ByExpiry, func(last, _ clock.Instant) clock.Instant { return last }},
		{"it was lost", func(now clock.Instant) clock.Instant { return now.Add(1e15) }, ByLoss, func(last, _ clock.Instant) clock.Instant { return last }},
		{"it was lost, of a library that tells no deadline", func(clock.Instant) clock.Instant { return 0 }, ByLoss, func(last, _ clock.Instant) clock.Instant { return last }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out := &strings.Builder{}
			lease := &pretended{ok: true}
			h := &holding{worker: &worker{journal: &Journal{w: out}}, lease: lease, lock: "l"}
			h.journal.Write(Entry{What: Held})
			if !h.beat() {
				t.Fatal("a valid lease is not")
			}
			last := h.last
			lease.ok, lease.until = false, test.until(clock.Now())
			for range 2 {
				if h.beat() {
					t.Fatal("a lease that is over is valid")
				}
			}
			story, err := readJournal(strings.NewReader(out.String()), "a")
			if err != nil {
				t.Fatal(err)
			}
			tenure := story.Tenures[0]
			if want := test.end(last, lease.until); tenure.How != test.how || tenure.End != want {
				t.Fatalf("ended by %s at %d, want %s at %d", tenure.How, tenure.End, test.how, want)
			}
		})
	}
}

// late is a lease that seems to be valid after its deadline.
type late struct{ pretended }

func (late) Overstays() bool { return true }

// TestHoldingTellsThatALeaseOverstays, each time that it looks.
func TestHoldingTellsThatALeaseOverstays(t *testing.T) {
	out := &strings.Builder{}
	h := &holding{worker: &worker{journal: &Journal{w: out}}, lease: &late{pretended{ok: true}}, lock: "l"}
	h.journal.Write(Entry{What: Held})
	h.beat()
	story, err := readJournal(strings.NewReader(out.String()), "a")
	if err != nil || len(story.Overstayed) != 1 {
		t.Fatalf("%+v, %v", story, err)
	}
}
