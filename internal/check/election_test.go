package check

import (
	"slices"
	"testing"
	"time"
)

// watched is a history in which A and then B lead, and C watches.
func watched(more ...Event) []Event {
	const ms = time.Millisecond
	return append([]Event{
		{At: 0, Kind: Steady},
		{At: 1 * ms, Kind: Watches, Client: 3, By: 1},
		{At: 2 * ms, Kind: Reports, By: 1, Sent: 1 * ms},
		{At: 1000 * ms, Kind: Asked, Claim: 1, Client: 1},
		{At: 1001 * ms, Kind: Won, Claim: 1, Token: 7, Deadline: 60_000 * ms},
		{At: 1001 * ms, Kind: Elected, Claim: 1, Token: 7},
		{At: 1005 * ms, Kind: Reports, By: 1, Token: 7, Sent: 1003 * ms},
		{At: 5000 * ms, Kind: Over, Claim: 1, GaveUp: true},
		{At: 5010 * ms, Kind: Asked, Claim: 2, Client: 2},
		{At: 5011 * ms, Kind: Won, Claim: 2, Token: 9, Deadline: 60_000 * ms},
		{At: 5011 * ms, Kind: Elected, Claim: 2, Token: 9},
	}, more...)
}

func TestElections(t *testing.T) {
	const ms = time.Millisecond
	cfg := Config{Need: 2, TTL: time.Second, Tell: 100 * ms}
	told := Event{At: 5020 * ms, Kind: Reports, By: 1, Token: 9, Sent: 5015 * ms}
	for name, c := range map[string]struct {
		history []Event
		want    Invariant
	}{
		"as it should be":             {watched(told, Event{At: 20_000 * ms, Kind: Turns, By: 1}), ""},
		"the successor is never told": {watched(Event{At: 6000 * ms, Kind: Turns, By: 1}), E4},
		"nor in time":                 {watched(Event{At: 5200 * ms, Kind: Reports, By: 1, Token: 9, Sent: 5190 * ms}), E4},
		"it missed the push":          {watched(Event{At: 5012 * ms, Kind: Blind, By: 1}, Event{At: 5900 * ms, Kind: Reports, By: 1, Token: 9, Sent: 5890 * ms}), ""},
		"and a TTL went by": {watched(Event{At: 5012 * ms, Kind: Blind, By: 1},
			Event{At: 6200 * ms, Kind: Reports, By: 1, Token: 9, Sent: 6190 * ms}), E4},
		"the old one is told by a reading that began in time": {watched(
			Event{At: 5012 * ms, Kind: Reports, By: 1, Token: 7, Sent: 5009 * ms}, told), ""},
		"by one that began too late": {watched(Event{At: 5013 * ms, Kind: Reports, By: 1, Token: 7, Sent: 5012 * ms}, told), E3},
		"by one that began too late, from an old copy": {watched(Event{At: 5012 * ms, Kind: Rose, Claim: 1},
			Event{At: 5014 * ms, Kind: Reports, By: 1, Token: 7, Sent: 5013 * ms}, told), ""},
		"and of a term that was not the last of its lease": {append(slices.Insert(watched(), 7,
			Event{At: 2000 * ms, Kind: Passed, Claim: 1, Token: 8, Deadline: 60_000 * ms},
			Event{At: 2001 * ms, Kind: Elected, Claim: 1, Token: 8},
			Event{At: 2005 * ms, Kind: Reports, By: 1, Token: 7, Sent: 2003 * ms}),
			Event{At: 5012 * ms, Kind: Rose, Claim: 1},
			Event{At: 5014 * ms, Kind: Reports, By: 1, Token: 7, Sent: 5013 * ms}, told), ""},
		"one is told that was not elected":     {watched(Event{At: 5013 * ms, Kind: Reports, By: 1, Token: 8, Sent: 5009 * ms}, told), E3},
		"the old one is told after the new":    {watched(told, Event{At: 5021 * ms, Kind: Reports, By: 1, Token: 7, Sent: 5010 * ms}), E2},
		"nobody knows of the end":              {watched(told, Event{At: 9000 * ms, Kind: Over, Claim: 2, GaveUp: true}, Event{At: 9101 * ms, Kind: Turns, By: 1}), E4},
		"nor of one that comes without a word": {watched(told, Event{At: 50_000 * ms, Kind: Crashed, Client: 2}, Event{At: 60_101 * ms, Kind: Turns, By: 1}), E4},
		"it does not know, and is not to":      {watched(told, Event{At: 6000 * ms, Kind: Unsteady}, Event{At: 6100 * ms, Kind: Reports, By: 1, GaveUp: true}, Event{At: 20_000 * ms, Kind: Turns, By: 1}), ""},
		"it does not know, for no reason":      {watched(told, Event{At: 6100 * ms, Kind: Reports, By: 1, GaveUp: true}, Event{At: 7000 * ms, Kind: Turns, By: 1}), E4},
		"it does not know, for a moment": {watched(told, Event{At: 6100 * ms, Kind: Reports, By: 1, GaveUp: true},
			Event{At: 6150 * ms, Kind: Reports, By: 1, GaveUp: true}, Event{At: 6199 * ms, Kind: Reports, By: 1, Token: 9, Sent: 6190 * ms}), ""},
		"it is wrong, and then does not know": {watched(Event{At: 5090 * ms, Kind: Reports, By: 1, GaveUp: true},
			Event{At: 5150 * ms, Kind: Reports, By: 1, Token: 9, Sent: 5140 * ms}), E4},
		"its client stands still": {watched(Event{At: 5005 * ms, Kind: Paused, Client: 3}, Event{At: 9000 * ms, Kind: Resumed, Client: 3},
			Event{At: 9050 * ms, Kind: Reports, By: 1, Token: 9, Sent: 9010 * ms}), ""},
	} {
		got := Run(cfg, c.history)
		switch {
		case c.want == "" && len(got) > 0:
			t.Errorf("%s: %v", name, got)
		case c.want != "" && (len(got) != 1 || got[0].Invariant != c.want):
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}
