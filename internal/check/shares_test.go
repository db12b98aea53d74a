package check

import "testing"

func shared(at Time, claim uint64) Event {
	ev := asked(at, claim)
	ev.Shares = true
	return ev
}

func slot(at Time, claim, token uint64, of, slot int) []Event {
	ask, win := asked(at, claim), won(at, claim, token, at+990*ms)
	ask.Of, win.Slot = of, slot
	return list(ask, win)
}

func several(at Time, claim, token uint64, key int, also ...int) []Event {
	ask := asked(at, claim)
	ask.Key, ask.Also = key, also
	return list(ask, won(at, claim, token, at+990*ms))
}

func TestSharesAndSlotsAndSets(t *testing.T) {
	for _, tc := range []struct {
		name    string
		want    Invariant // "" for none
		history []Event
	}{
		{"two share a key, in any order of their tokens", "", history(
			list(shared(0, 1), won(0, 1, 11, 990*ms), shared(10*ms, 2), won(10*ms, 2, 10, 990*ms), over(20*ms, 1), over(20*ms, 2)))},
		{"one shares a key with one that does not", I1, history(
			list(shared(0, 1), won(0, 1, 10, 990*ms), asked(10*ms, 2), won(10*ms, 2, 11, 990*ms), over(20*ms, 1), over(20*ms, 2)))},
		{"one that shares the key comes while one is alone", I1, history(
			list(asked(0, 1), won(0, 1, 10, 990*ms), shared(10*ms, 2), won(10*ms, 2, 11, 990*ms), over(20*ms, 1), over(20*ms, 2)))},
		{"one yields, and another comes", "", history(
			list(asked(0, 1), won(0, 1, 10, 990*ms), Event{At: 5 * ms, Kind: Yields, Claim: 1}, shared(10*ms, 2), won(10*ms, 2, 11, 990*ms), over(20*ms, 1), over(20*ms, 2)))},
		{"one that shares has a lower token than one before that was alone", I3, history(
			list(asked(0, 1), won(0, 1, 10, 990*ms), over(5*ms, 1), shared(10*ms, 2), won(10*ms, 2, 9, 990*ms), over(20*ms, 2)))},
		{"one that is alone has a lower token than one before that shared", I3, history(
			list(shared(0, 1), won(0, 1, 10, 990*ms), over(5*ms, 1), asked(10*ms, 2), won(10*ms, 2, 9, 990*ms), over(20*ms, 2)))},
		{"two slots", "", history(slot(0, 1, 10, 2, 0), slot(0, 2, 10, 2, 1), list(over(20*ms, 1), over(20*ms, 2)))},
		{"one slot twice", I1, history(slot(0, 1, 10, 2, 1), slot(0, 2, 11, 2, 1), list(over(20*ms, 1), over(20*ms, 2)))},
		{"tokens of a slot", I3, history(slot(0, 1, 10, 2, 1), list(over(20*ms, 1)), slot(30*ms, 2, 10, 2, 1), list(over(40*ms, 2)))},
		{"sets that have nothing in common", "", history(several(0, 1, 10, 0, 1), several(0, 2, 10, 2, 3), list(over(20*ms, 1), over(20*ms, 2)))},
		{"sets that have a key in common", I1, history(several(0, 1, 10, 0, 1), several(0, 2, 11, 2, 1), list(over(20*ms, 1), over(20*ms, 2)))},
		{"tokens of a key that two sets have", I3, history(several(0, 1, 10, 0, 1), list(over(20*ms, 1)), several(30*ms, 2, 9, 2, 1), list(over(40*ms, 2)))},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := Run(bounds, tc.history)
			switch {
			case tc.want == "" && len(got) > 0:
				t.Errorf("objects: %v", got)
			case tc.want != "" && (len(got) != 1 || got[0].Invariant != tc.want):
				t.Errorf("finds %v; want %s", got, tc.want)
			}
		})
	}
}
