package check

import (
	"slices"
	"strings"
	"testing"
	"time"
)

const ms = time.Millisecond

// bounds are those of three nodes and a TTL of a second.
var bounds = Config{
	Need: 2, TTL: 1020 * ms, Slack: ms,
	Quick: 100 * ms, Reach: 200 * ms, Pause: 500 * ms,
	Settle: time.Second, Attempts: 2, Waits: 2 * time.Second, Slow: 50 * ms,
}

// A history is told by these words. Claims 1 and 3 are of client 1, 2 and 4 of
// client 2, the key is number 0.
func asked(at Time, claim uint64) Event {
	return Event{At: at, Kind: Asked, Claim: claim, Client: int(2 - claim%2)}
}

func won(at Time, claim, token uint64, deadline Time) Event {
	return Event{At: at, Kind: Won, Claim: claim, Token: token, Deadline: deadline}
}

func extended(at Time, claim uint64, sent, deadline Time) Event {
	return Event{At: at, Kind: Extended, Claim: claim, Sent: sent, Deadline: deadline}
}

func over(at Time, claim uint64) Event { return Event{At: at, Kind: Over, Claim: claim} }

func at(at Time, kind Kind, client int) Event { return Event{At: at, Kind: kind, Client: client} }

func took(at Time, node int, claim uint64) Event {
	return Event{At: at, Kind: Took, Node: node, Claim: claim, By: claim, First: true}
}

func repaired(at Time, node int, claim uint64) Event {
	return Event{At: at, Kind: Took, Node: node, Claim: claim, By: claim}
}

func kept(at Time, node int, claim uint64) Event {
	return Event{At: at, Kind: Kept, Node: node, Claim: claim, By: claim}
}

func onNode(at Time, kind Kind, node int, claim uint64) Event {
	return Event{At: at, Kind: kind, Node: node, Claim: claim, By: claim}
}

func list(events ...Event) []Event { return events }

// lease is a claim that is granted at once, by nodes 0 and 1.
func lease(at Time, claim, token uint64, deadline Time) []Event {
	return list(asked(at, claim), took(at, 0, claim), took(at, 1, claim), won(at, claim, token, deadline))
}

func history(parts ...[]Event) []Event { return slices.Concat(parts...) }

func TestCheckerObjects(t *testing.T) {
	for _, tc := range []struct {
		name    string
		want    Invariant // "" for none
		words   string
		history []Event
	}{
		{
			"leases one after the other", "", "",
			history(lease(0, 1, 10, 990*ms), list(over(500*ms, 1)), lease(500*ms, 2, 11, 1490*ms), list(over(900*ms, 2))),
		},
		{
			"a lease that its holder does not give back ends at the deadline", "", "",
			history(lease(0, 1, 10, 990*ms), list(over(990*ms, 1)), lease(990*ms, 2, 11, 1980*ms), list(over(1980*ms, 2))),
		},

		{
			"two leases at once", I1, "client 1 (#1) holds key 0 until 990ms, and client 2 (#2) holds it too",
			history(lease(0, 1, 10, 990*ms), lease(989*ms, 2, 11, 1980*ms), list(over(990*ms, 1), over(1980*ms, 2))),
		},
		{
			"a holder that crashed holds on to the deadline", I1, "",
			history(lease(0, 1, 10, 990*ms), list(at(100*ms, Crashed, 1)), lease(500*ms, 2, 11, 1490*ms), list(over(1490*ms, 2))),
		},
		{
			"the clock that a deadline goes by was changed", I1, "",
			history(lease(0, 1, 10, 500*ms), list(Event{At: 100 * ms, Kind: Moved, Claim: 1, Deadline: 990 * ms}),
				lease(600*ms, 2, 11, 1590*ms), list(over(990*ms, 1), over(1590*ms, 2))),
		},

		{
			"the end noticed late", I2, "10ms after the deadline",
			history(lease(0, 1, 10, 990*ms), list(over(1000*ms, 1))),
		},
		{
			"the end never noticed", I2, "",
			history(lease(0, 1, 10, 990*ms), list(at(2000*ms, Storm, 0))),
		},
		{
			"the end noticed on waking", "", "",
			history(lease(0, 1, 10, 990*ms), list(at(900*ms, Paused, 1), at(5000*ms, Resumed, 1), over(5001*ms, 1))),
		},
		{
			"a pause before excuses nothing", I2, "",
			history(lease(0, 1, 10, 990*ms), list(at(900*ms, Paused, 1), at(950*ms, Resumed, 1), over(1000*ms, 1))),
		},
		{
			"a pause after excuses nothing", I2, "",
			history(lease(0, 1, 10, 990*ms), list(at(1500*ms, Paused, 1), at(1600*ms, Resumed, 1), over(1600*ms, 1))),
		},
		{
			"extended when it was over", I2, "extended its lease of key 0, 100ms after",
			history(lease(0, 1, 10, 990*ms), list(kept(1080*ms, 0, 1), kept(1080*ms, 1, 1), extended(1090*ms, 1, 980*ms, 1970*ms), over(1970*ms, 1))),
		},

		{
			"given back after the deadline, as if it had been valid", I2, "was told that its lease had been valid",
			history(lease(0, 1, 10, 990*ms), list(at(900*ms, Paused, 1), at(5000*ms, Resumed, 1), Event{At: 5 * time.Second, Kind: Over, Claim: 1, GaveUp: true})),
		},

		{
			"the same token", I3, "token 10, after client 1 (#1)",
			history(lease(0, 1, 10, 990*ms), list(over(100*ms, 1)), lease(200*ms, 2, 10, 1190*ms), list(over(300*ms, 2))),
		},
		{
			"a smaller token", I3, "",
			history(lease(0, 1, 10, 990*ms), list(over(100*ms, 1)), lease(5*time.Second, 2, 9, 5990*ms), list(over(5100*ms, 2))),
		},

		{
			"deleted by another attempt", I4, "a request of #2 deleted the key of #1 on node 0",
			history(lease(0, 1, 10, 990*ms), list(asked(50*ms, 2), Event{At: 100 * ms, Kind: Dropped, Claim: 1, By: 2}, over(200*ms, 1), over(200*ms, 2))),
		},
		{
			"extended by another attempt", I4, "",
			history(lease(0, 1, 10, 990*ms), list(asked(50*ms, 2), Event{At: 100 * ms, Kind: Kept, Claim: 1, By: 2}, over(200*ms, 1), over(200*ms, 2))),
		},

		{
			"cleaned up in time", "", "",
			list(asked(0, 1), took(1*ms, 0, 1), over(10*ms, 1), onNode(20*ms, Seen, 0, 1), onNode(30*ms, Dropped, 0, 1)),
		},
		{
			"left behind", I5, "node 0 still has key 0 for client 1 (#1), whose claim was over 110ms ago",
			list(asked(0, 1), took(1*ms, 0, 1), over(10*ms, 1), onNode(120*ms, Seen, 0, 1)),
		},
		{
			"left behind after a trouble", I5, "",
			list(asked(0, 1), took(1*ms, 0, 1), at(5*ms, Cut, 1), over(10*ms, 1), at(105*ms, Healed, 1), onNode(410*ms, Seen, 0, 1)),
		},
		{
			"not yet cleaned up after a trouble", "", "",
			list(asked(0, 1), took(1*ms, 0, 1), at(5*ms, Cut, Everyone), over(10*ms, 1), at(105*ms, Healed, Everyone), onNode(400*ms, Seen, 0, 1)),
		},
		{
			"a crashed client's goes by TTL", "", "",
			list(asked(0, 1), took(1*ms, 0, 1), at(5*ms, Crashed, 1), onNode(1000*ms, Seen, 0, 1)),
		},
		{
			"a crashed client's does not go", I5, "",
			list(asked(0, 1), took(1*ms, 0, 1), at(5*ms, Crashed, 1), onNode(1022*ms, Seen, 0, 1)),
		},
		{
			"a request that is executed after it was given up", "", "",
			list(asked(0, 1), Event{At: 50 * ms, Kind: Unanswered, Claim: 1, Asks: true}, over(60*ms, 1), took(500*ms, 0, 1), onNode(1500*ms, Seen, 0, 1)),
		},
		{
			"a request that was executed before it was given up", I5, "",
			list(asked(0, 1), took(1*ms, 0, 1), Event{At: 50 * ms, Kind: Unanswered, Claim: 1, Asks: true}, over(60*ms, 1), onNode(500*ms, Seen, 0, 1)),
		},

		{
			"a node votes that forgot", I6, "node 1 forgot at 100ms that it had granted key 0 to client 1 (#1)",
			history(lease(0, 1, 10, 990*ms), list(onNode(100*ms, Forgot, 1, 1), asked(200*ms, 2), onNode(210*ms, Voted, 1, 2), over(300*ms, 2), over(400*ms, 1))),
		},
		{
			"a node votes when what it forgot is over", "", "",
			history(lease(0, 1, 10, 990*ms), list(onNode(100*ms, Forgot, 1, 1), over(150*ms, 1), asked(200*ms, 2), onNode(210*ms, Voted, 1, 2), over(300*ms, 2))),
		},
		{
			"a node votes that forgot, and in whose votes the lease was extended", I6, "whose lease lasts until 1.07s",
			history(lease(0, 1, 10, 990*ms), list(kept(85*ms, 0, 1), kept(85*ms, 1, 1), onNode(100*ms, Forgot, 1, 1), extended(101*ms, 1, 80*ms, 1070*ms),
				asked(1000*ms, 2), onNode(1010*ms, Voted, 1, 2), over(1011*ms, 2), over(1020*ms, 1))),
		},
		{
			"a node votes that forgot, and without which the lease was extended", "", "",
			history(lease(0, 1, 10, 990*ms), list(onNode(100*ms, Forgot, 1, 1), kept(310*ms, 0, 1), kept(310*ms, 2, 1), extended(311*ms, 1, 300*ms, 1290*ms),
				asked(1000*ms, 2), onNode(1010*ms, Voted, 1, 2), over(1011*ms, 2), over(1020*ms, 1))),
		},
		{
			"a node votes when its grant was no longer needed", "", "",
			history(lease(0, 1, 10, 990*ms), list(
				onNode(100*ms, Forgot, 1, 1), took(100*ms, 2, 1), kept(900*ms, 0, 1), kept(900*ms, 2, 1), extended(900*ms, 1, 890*ms, 1880*ms),
				asked(1200*ms, 2), onNode(1210*ms, Voted, 1, 2), over(1300*ms, 2), over(1400*ms, 1),
			)),
		},

		{
			"a free key that nobody gets", I8, "5 attempts in a row have failed",
			list(at(0, Calm, 0), at(0, Wants, 1), asked(1100*ms, 1), over(1101*ms, 1), asked(1110*ms, 2), over(1111*ms, 2),
				asked(1120*ms, 1), over(1121*ms, 1), asked(1130*ms, 2), over(1131*ms, 2), asked(1140*ms, 1), over(1141*ms, 1)),
		},
		{
			"a key that is held", "", "",
			history(list(at(0, Calm, 0), at(0, Wants, 1)), lease(1000*ms, 3, 1, 1990*ms), list(asked(1100*ms, 1), over(1101*ms, 1), asked(1110*ms, 2), over(1111*ms, 2),
				asked(1120*ms, 1), over(1121*ms, 1), asked(1130*ms, 2), over(1131*ms, 2), asked(1140*ms, 1), over(1141*ms, 1), over(1200*ms, 3))),
		},
		{
			"bad weather", "", "",
			list(at(0, Wants, 1), asked(1100*ms, 1), over(1101*ms, 1), asked(1110*ms, 2), over(1111*ms, 2),
				asked(1120*ms, 1), over(1121*ms, 1), asked(1130*ms, 2), over(1131*ms, 2), asked(1140*ms, 1), over(1141*ms, 1)),
		},
		{
			"a free key that nobody tries to take", I8, "nobody has taken it",
			list(at(0, Calm, 0), at(0, Wants, 1), at(3200*ms, Settled, 1)),
		},
		{
			"won, but waited for a node", I8, "was not needed",
			list(at(0, Calm, 0), asked(1100*ms, 1), won(1160*ms, 1, 1, 2000*ms), over(1200*ms, 1)),
		},
		{
			"lost, and waited for a node once", "", "",
			list(at(0, Calm, 0), asked(1100*ms, 1), over(1160*ms, 1), asked(1170*ms, 1), over(1180*ms, 1)),
		},
		{
			"lost, and waited for a node again", I8, "as it had found out at 1.16s",
			list(at(0, Calm, 0), asked(1100*ms, 1), over(1160*ms, 1), asked(1170*ms, 1), over(1230*ms, 1)),
		},
		{
			"lost, and waited again for a node that answers now and then", "", "",
			list(Event{Kind: Calm, Flaky: true}, asked(1100*ms, 1), over(1160*ms, 1), asked(1170*ms, 1), over(1230*ms, 1)),
		},

		{
			"extended by those that kept the key", "", "",
			history(lease(0, 1, 10, 990*ms), list(kept(300*ms, 0, 1), kept(300*ms, 1, 1), extended(300*ms, 1, 290*ms, 1280*ms), over(400*ms, 1))),
		},
		{
			"extended by a node that was repaired", I9, "on the votes of 1 nodes",
			history(lease(0, 1, 10, 990*ms), list(
				onNode(100*ms, Forgot, 1, 1), repaired(300*ms, 1, 1),
				kept(600*ms, 0, 1), kept(600*ms, 1, 1), extended(600*ms, 1, 590*ms, 1580*ms), over(700*ms, 1),
			)),
		},
		{
			"extended by a node that was repaired before the last success", "", "",
			history(lease(0, 1, 10, 990*ms), list(
				took(1*ms, 2, 1), onNode(100*ms, Forgot, 1, 1), repaired(300*ms, 1, 1),
				kept(600*ms, 0, 1), kept(600*ms, 2, 1), extended(600*ms, 1, 590*ms, 1580*ms),
				kept(900*ms, 0, 1), kept(900*ms, 1, 1), extended(900*ms, 1, 890*ms, 1880*ms), over(1000*ms, 1),
			)),
		},
		{
			"extended without an answer", I9, "on the votes of 1 nodes",
			history(lease(0, 1, 10, 990*ms), list(kept(300*ms, 0, 1), extended(300*ms, 1, 290*ms, 1280*ms), over(400*ms, 1))),
		},
		{
			"extended by a request for the key that came late", I9, "",
			history(list(asked(0, 1), took(0, 0, 1), took(0, 2, 1), Event{At: 50 * ms, Kind: Unanswered, Node: 1, Claim: 1, Asks: true}, won(0, 1, 10, 990*ms), took(300*ms, 1, 1)),
				list(kept(600*ms, 0, 1), kept(600*ms, 1, 1), extended(600*ms, 1, 590*ms, 1580*ms), over(700*ms, 1))),
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := Run(bounds, tc.history)
			switch {
			case tc.want == "" && len(got) > 0:
				t.Fatalf("objected:\n%v", got)
			case tc.want == "":
				return
			case len(got) != 1:
				t.Fatalf("found %d violations, want one, of %s: %v", len(got), tc.want, got)
			case got[0].Invariant != tc.want || !strings.Contains(got[0].Text, tc.words):
				t.Fatalf("found\n%v\nwant %s, %q", got[0], tc.want, tc.words)
			case !strings.Contains(got[0].String(), tc.want.Statement()):
				t.Fatalf("%q does not state the invariant", got[0].String())
			}
		})
	}
}

// What the eviction of a lease breaks, and what it does not.
func TestCheckerOfEvictions(t *testing.T) {
	evicts := func(at Time, node int, claim, by uint64) Event {
		return Event{At: at, Kind: Evicts, Node: node, Claim: claim, By: by}
	}
	forced := func(at Time, claim, token uint64) Event {
		return Event{At: at, Kind: Forced, Claim: claim, Token: token}
	}
	first := lease(0, 1, 10, 980*ms)
	gone := list(evicts(300*ms, 0, 1, 1), evicts(300*ms, 1, 1, 1), forced(301*ms, 1, 20))
	slotted := func(at Time, claim, token uint64, deadline Time, slot int) []Event {
		events := lease(at, claim, token, deadline)
		for i := range events {
			events[i].Of, events[i].Slot = 2, slot
		}
		return events
	}
	goneOf := func(slot int) []Event {
		events := slices.Clone(gone)
		events[2].Of, events[2].Slot = 2, slot
		return events
	}
	oneSlot := func(events []Event) []Event {
		events = slices.Clone(events)
		for i := range events {
			events[i].Of = 1
		}
		return events
	}
	evictedFirst := list(asked(290*ms, 1), took(295*ms, 0, 1), took(295*ms, 1, 1), evicts(300*ms, 0, 1, 1), evicts(300*ms, 1, 1, 1), forced(301*ms, 1, 20))
	// Another client takes over what was handed over, and learns it after the third has its lease.
	passed := func(at Time, node int) Event {
		return Event{At: at, Kind: Took, Node: node, Claim: 2, From: 1, By: 2, First: true}
	}
	heir := func(how Kind, between ...[]Event) []Event {
		return history(first, list(Event{At: 200 * ms, Kind: HandedOver, Claim: 1}, Event{At: 290 * ms, Kind: Asked, Claim: 2, From: 1, Client: 2}),
			history(between...), lease(310*ms, 3, 21, 1300*ms),
			list(Event{At: 320 * ms, Kind: how, Claim: 2, Token: 10, Sent: 290 * ms, Deadline: 1290 * ms}, over(400*ms, 3), over(410*ms, 2)))
	}
	handedOver := func(then ...Event) []Event {
		return history(lease(0, 1, 10, 980*ms), list(took(10*ms, 2, 1), Event{At: 200 * ms, Kind: HandedOver, Claim: 1}), then)
	}
	goneHeir := list(passed(295*ms, 0), passed(295*ms, 1), evicts(300*ms, 0, 2, 2), evicts(300*ms, 1, 2, 2), forced(301*ms, 2, 20))
	forgot := list(onNode(292*ms, Forgot, 0, 1), onNode(292*ms, Forgot, 1, 1))
	for name, test := range map[string]struct {
		want   Invariant // "" if all is well
		events []Event
	}{
		"the next one while it is handed over":         {H2, heir(TookOver, forgot)},
		"or while its text is used to extend it":       {H2, heir(Prolonged, forgot)},
		"two nodes of two are cleaned up":              {H3, handedOver(onNode(220*ms, Dropped, 0, 1), onNode(221*ms, Dropped, 1, 1))},
		"one of them twice, as it was taken twice":     {"", handedOver(onNode(220*ms, Dropped, 2, 1), took(221*ms, 2, 1), onNode(222*ms, Dropped, 2, 1))},
		"who takes it over is evicted at once":         {"", heir(TookOver, goneHeir)},
		"evicted just after its text was used":         {"", heir(Prolonged, gone)},
		"the next one beside one that has not noticed": {"", history(first, gone, lease(310*ms, 2, 21, 1300*ms), list(over(400*ms, 1), over(410*ms, 2)))},
		"beside one that was not evicted":              {I1, history(first, lease(310*ms, 2, 21, 1300*ms))},
		"a newer one is hit":                           {F1, history(first, list(over(200*ms, 1)), lease(210*ms, 2, 11, 1200*ms), list(evicts(300*ms, 0, 2, 1)))},
		"a round that had begun before":                {"", history(first, gone, list(kept(290*ms, 0, 1), kept(290*ms, 1, 1), extended(302*ms, 1, 289*ms, 1269*ms)))},
		"it goes on":                                   {F2, history(first, gone, list(extended(502*ms, 1, 500*ms, 1480*ms)))},
		"a token that is no higher":                    {F3, history(first, list(evicts(300*ms, 0, 1, 1), forced(301*ms, 1, 10)))},
		"the next one's is no higher":                  {F3, history(first, gone, lease(310*ms, 2, 20, 1300*ms))},
		"one slot, evicted before it is known":         {"", history(oneSlot(evictedFirst), oneSlot(lease(310*ms, 2, 21, 1300*ms)), oneSlot(list(won(320*ms, 1, 10, 980*ms), over(400*ms, 1), over(410*ms, 2))))},
		"one slot, and two have it":                    {I1, history(oneSlot(first), oneSlot(lease(310*ms, 2, 21, 1300*ms)))},
		"that of the same slot":                        {F3, history(slotted(0, 1, 10, 980*ms, 1), goneOf(1), slotted(310*ms, 2, 20, 1300*ms, 1))},
		"that of another slot":                         {"", history(slotted(0, 1, 10, 980*ms, 1), goneOf(1), slotted(310*ms, 2, 20, 1300*ms, 0), list(over(400*ms, 1), over(410*ms, 2)))},
	} {
		t.Run(name, func(t *testing.T) {
			got := Run(bounds, test.events)
			switch {
			case test.want == "" && len(got) > 0, test.want != "" && len(got) == 0:
				t.Errorf("want %q, got %v", test.want, got)
			case test.want != "" && got[0].Invariant != test.want:
				t.Errorf("want %q, got %v", test.want, got)
			}
		})
	}
}

// Each invariant that can be checked is objected to in a test above, and has a
// statement.
func TestEveryInvariantHasAStatement(t *testing.T) {
	seen := map[string]Invariant{}
	for _, i := range []Invariant{I1, I2, I3, I4, I5, I6, I7, I8, I9} {
		s := i.Statement()
		if other, ok := seen[s]; ok {
			t.Errorf("%s and %s have one statement: %s", i, other, s)
		}
		seen[s] = i
	}
}

// A long history is not kept: claims that are long over are forgotten.
func TestCheckerForgets(t *testing.T) {
	c := New(bounds)
	for n := range uint64(10_000) {
		start := Time(n) * 10 * ms
		for _, ev := range lease(start, n+1, n+1, start+990*ms) {
			c.Observe(ev)
		}
		c.Observe(over(start+5*ms, n+1))
	}
	if got := c.Violations(); len(got) > 0 {
		t.Fatal(got)
	}
	if n := len(c.claims); n > 2000 {
		t.Errorf("%d claims are remembered", n)
	}
	if n := len(c.key(0).leases); n > 1 {
		t.Errorf("%d leases are remembered", n)
	}
}

func TestViolationsAreCounted(t *testing.T) {
	c := New(bounds)
	for n := range uint64(5) {
		for _, ev := range lease(Time(n)*ms, n+1, n+1, 990*ms) {
			c.Observe(ev)
		}
	}
	if got := c.Violations(); len(got) != 1 || got[0].Invariant != I1 || got[0].At != ms {
		t.Errorf("%v", got)
	}
	if got := c.Count(I1); got != 10 {
		t.Errorf("counted %d of the pairs, want 10", got)
	}
}
