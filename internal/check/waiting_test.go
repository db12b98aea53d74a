package check

import (
	"strings"
	"testing"
	"time"
)

// waits are the bounds for I7: a free key is taken within 200 ms, half a second more for
// each that stands still.
var waits = Config{Need: 2, TTL: time.Second, Settle: time.Second, HandOver: 200 * ms, Reservation: 500 * ms}

// stands is of a waiter whose number and ticket are the same, of a client of that number.
func stands(at Time, who uint64) Event {
	return Event{At: at, Kind: Stands, By: who, Ticket: who, Client: int(who), First: true}
}

func waiters(at Time, who ...uint64) (list []Event) {
	for _, w := range who {
		list = append(list, stands(at, w))
	}
	return list
}

// turn is a waiter's lease, which is given back after a moment.
func turn(at Time, claim, who uint64) []Event {
	return list(
		Event{At: at, Kind: Asked, Claim: claim, Client: int(who)},
		Event{At: at, Kind: Won, Claim: claim, Token: claim, Ticket: who, Deadline: at + time.Second},
		Event{At: at, Kind: Leaves, By: who},
		Event{At: at + 10*ms, Kind: Over, Claim: claim, GaveUp: true})
}

// tried is of one who asked, and got too few nodes.
func tried(at Time, who uint64) []Event { return list(Event{At: at, Kind: Tried, By: who}) }

// TestOvertaking: who waits for one of two slots is passed by twice at the most, unless it asks just then.
func TestOvertaking(t *testing.T) {
	of := func(events []Event) []Event {
		for i := range events {
			if events[i].Kind == Asked || events[i].Kind == Won {
				events[i].Of = 2
			}
		}
		return events
	}
	passes := func(n int) (events []Event) {
		for i := range n {
			claim := uint64(10 + i)
			events = append(events, of(turn(2100*ms+Time(i)*20*ms, claim, claim))...)
		}
		return events
	}
	start := history(list(at(0, Steady, 0)), waiters(2*time.Second, 1))
	asks := of(list(Event{At: 2050 * ms, Kind: Asked, Claim: 5, Client: 1}))
	for _, tc := range []struct {
		name    string
		want    bool
		history []Event
	}{
		{"twice", false, history(start, passes(2))},
		{"three times", true, history(start, passes(3))},
		{"three times, while it asks", false, history(start, asks, passes(3))},
		{"after it asked in vain", true, history(start, asks, list(over(2060*ms, 5)), passes(3))},
	} {
		got := Run(waits, tc.history)
		if tc.want != (len(got) == 1 && got[0].Invariant == I7 && strings.Contains(got[0].Text, "that makes 3 before client 1")) || !tc.want && len(got) > 0 {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}

func TestWaiting(t *testing.T) {
	steady := list(at(0, Steady, 0))
	for _, tc := range []struct {
		name, words string
		history     []Event
	}{
		{"one after the other", "", history(steady, waiters(2*time.Second, 1, 2, 3), turn(2100*ms, 10, 1), turn(2200*ms, 11, 2), turn(2300*ms, 12, 3))},
		{"out of turn", "2 (#10) got key 0 out of turn: client 1 has stood", history(steady, waiters(2*time.Second, 1, 2), turn(2100*ms, 10, 2), turn(2200*ms, 11, 1))},
		{"out of turn by one who did not even stand", "out of turn", history(steady, waiters(2*time.Second, 1), turn(2100*ms, 10, 2), turn(2200*ms, 11, 1))},
		{"out of turn, while one missed a push", "", history(steady, waiters(2*time.Second, 1, 2), list(Event{At: 2050 * ms, Kind: Missed, By: 1}), turn(2100*ms, 10, 2), turn(2200*ms, 11, 1))},
		{"out of turn, after it stood again", "out of turn", history(steady, waiters(2*time.Second, 1, 2), list(Event{At: 2050 * ms, Kind: Missed, By: 1}, stands(2060*ms, 1)), turn(2100*ms, 10, 2), turn(2200*ms, 11, 1))},
		{"out of turn, past one that stands still", "", history(steady, waiters(2*time.Second, 1, 2), list(at(2050*ms, Paused, 1)), turn(2700*ms, 10, 2))},
		{"out of turn, when it was not steady", "", history(waiters(2*time.Second, 1, 2), turn(2100*ms, 10, 2), turn(2200*ms, 11, 1))},
		{"one comes by, past one who stands there", "came by and got key 0, which was given back at 2.11s", history(steady, waiters(2*time.Second, 1, 2), turn(2100*ms, 10, 1), turn(2150*ms, 12, 0), turn(2300*ms, 14, 2))},
		{"one comes by, past one who gave up what it got", "", history(steady, waiters(2*time.Second, 1, 2), turn(2100*ms, 10, 1), tried(2105*ms, 2), turn(2150*ms, 12, 0), turn(2300*ms, 14, 2))},
		{"once", "came by and got key 0, which was given back at 2.16s", history(steady, waiters(2*time.Second, 1, 2), turn(2100*ms, 10, 1), tried(2105*ms, 2), turn(2150*ms, 12, 0), turn(2200*ms, 13, 0), turn(2300*ms, 14, 2))},

		{"a free key that nobody takes", "for nothing since 2.11s", history(steady, waiters(2*time.Second, 1, 2), turn(2100*ms, 10, 1), turn(2320*ms, 11, 2))},
		{"a free key at the end", "for nothing", history(steady, waiters(2*time.Second, 1), list(at(2300*ms, Unsteady, 0)))},
		{"nobody stood there", "", history(steady, turn(2100*ms, 10, 1), turn(2900*ms, 11, 2))},
		{"the first stands still", "", history(steady, waiters(2*time.Second, 1, 2), list(at(2050*ms, Paused, 1)), turn(2600*ms, 11, 2))},
		{"the first stood still, and left", "", history(steady, waiters(2*time.Second, 1, 2), list(at(2050*ms, Paused, 1), at(2550*ms, Resumed, 1), Event{At: 2560 * ms, Kind: Leaves, By: 1}), turn(2690*ms, 11, 2))},
		{"the first stands still, and costs two reservations", "1 that stand before it stood still", history(steady, waiters(2*time.Second, 1, 2), list(at(2050*ms, Paused, 1)), turn(3100*ms, 11, 2))},
		{"the first dies when the key is reserved for it", "", history(steady, waiters(2*time.Second, 1, 2), list(at(2050*ms, Crashed, 1)), turn(2600*ms, 11, 2))},
		{"the first was dead", "for nothing since 2.71s", history(steady, waiters(2*time.Second, 1, 2, 3), list(at(2050*ms, Crashed, 1)), turn(2700*ms, 11, 2), turn(3100*ms, 12, 3))},
		{"a push was missed", "", history(steady, waiters(2*time.Second, 1), list(Event{At: 2050 * ms, Kind: Missed, By: 1}), turn(3200*ms, 11, 1))},
		{"a push was missed, and more than the TTL", "for nothing since 3.05s", history(steady, waiters(2*time.Second, 1), list(Event{At: 2050 * ms, Kind: Missed, By: 1}), turn(3300*ms, 11, 1))},
		{"a holder stood still before it knew", "", history(steady, waiters(2*time.Second, 1, 2), list(at(2050*ms, Paused, 3), Event{At: 2050 * ms, Kind: Stuck}), turn(3200*ms, 11, 1), turn(3300*ms, 12, 2))},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := Run(waits, tc.history)
			switch {
			case tc.words == "" && len(got) > 0:
				t.Fatalf("objected:\n%v", got)
			case tc.words == "":
			case len(got) != 1 || got[0].Invariant != I7 || !strings.Contains(got[0].Text, tc.words):
				t.Fatalf("found\n%v\nwant I7, %q", got, tc.words)
			}
		})
	}
}
