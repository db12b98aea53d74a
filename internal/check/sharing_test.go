package check

import (
	"testing"
	"time"
)

// reads is a reader's lease from one time to another; who did not wait has no ticket.
func reads(from, to Time, claim, ticket uint64) []Event {
	ask := shared(from, claim)
	list := list(ask, Event{At: from, Kind: Won, Claim: claim, Token: claim, Ticket: ticket, Deadline: to + time.Second})
	if ticket > 0 {
		list = append(list, Event{At: from, Kind: Leaves, By: ticket})
	}
	return append(list, Event{At: to, Kind: Over, Claim: claim, GaveUp: true})
}

func readerStands(at Time, who uint64) []Event {
	ev := stands(at, who)
	ev.Shares = true
	return list(ev)
}

func TestWhoSharesWaits(t *testing.T) {
	steady := list(at(0, Steady, 0))
	const s = time.Second
	for _, tc := range []struct {
		name    string
		objects bool
		history []Event
	}{
		{"readers in any order", false, history(steady, reads(2*s, 3*s, 1, 0), readerStands(2100*ms, 5), readerStands(2100*ms, 6),
			reads(2200*ms, 3*s, 3, 6), reads(2200*ms, 3*s, 5, 5))},
		{"a newcomer reads beside others while one waits to write", true, history(steady, reads(2*s, 3*s, 1, 0), waiters(2100*ms, 5), reads(2200*ms, 3*s, 3, 0))},
		{"a newcomer that asked before", false, history(steady, reads(2*s, 3*s, 1, 0), list(shared(2100*ms, 3)), waiters(2150*ms, 5), reads(2100*ms, 3*s, 3, 0)[1:])},
		{"a waiter reads before one that waits to write for longer", true, history(steady, reads(2*s, 3*s, 1, 0), waiters(2100*ms, 5), readerStands(2100*ms, 6), reads(2200*ms, 3*s, 3, 6))},
		{"one waits to read behind nobody but readers", true, history(steady, reads(2*s, 9*s, 1, 0), readerStands(2100*ms, 5), list(Event{At: 8 * s, Kind: Leaves, By: 5}))},
		{"one waits to read behind one that waits to write", false, history(steady, reads(2*s, 9*s, 1, 0), waiters(2100*ms, 4), readerStands(2100*ms, 5),
			list(Event{At: 8 * s, Kind: Leaves, By: 5}, Event{At: 8 * s, Kind: Leaves, By: 4}))},
		{"one waits to read behind one that has given up", true, history(steady, reads(2*s, 9*s, 1, 0), waiters(2100*ms, 4), readerStands(2100*ms, 5),
			list(Event{At: 3 * s, Kind: Leaves, By: 4}, Event{At: 8 * s, Kind: Leaves, By: 5}))},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := bounds
			cfg.HandOver, cfg.Reservation = 100*ms, 500*ms
			var got []Violation
			for _, v := range Run(cfg, tc.history) {
				if v.Invariant == I7 {
					got = append(got, v)
				}
			}
			if (len(got) > 0) != tc.objects {
				t.Errorf("finds %v", got)
			}
		})
	}
}
