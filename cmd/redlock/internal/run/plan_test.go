package run

import (
	"strings"
	"testing"
	"time"
)

func TestPlan(t *testing.T) {
	const unset = -1
	for _, c := range []struct {
		ttl, killAfter, maxHold time.Duration
		want                    time.Duration // KillAfter, if there is no error
		err                     string
	}{
		{ttl: 9 * time.Second, killAfter: unset, want: 3 * time.Second},
		{ttl: 9 * time.Second, killAfter: 0, want: 0},
		{ttl: 9 * time.Second, killAfter: 4500 * time.Millisecond, want: 4500 * time.Millisecond},
		{ttl: 9 * time.Second, killAfter: 4501 * time.Millisecond, err: "does not fit into --ttl 9s"},
		{ttl: 9 * time.Second, killAfter: unset, maxHold: time.Hour, want: 3 * time.Second},
		{ttl: 9 * time.Second, killAfter: unset, maxHold: 3 * time.Second, want: time.Second},
		{ttl: 9 * time.Second, killAfter: 3 * time.Second, maxHold: 3 * time.Second, err: "must be longer than --kill-after"},
		{ttl: 9 * time.Second, killAfter: unset, maxHold: time.Millisecond, err: "must be longer than --kill-after"},
	} {
		p, err := NewPlan(c.ttl, c.killAfter, c.maxHold)
		switch {
		case c.err != "":
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%+v: error %v", c, err)
			}
		case err != nil:
			t.Errorf("%+v: error %v", c, err)
		case p.KillAfter != c.want:
			t.Errorf("%+v: kill after %v", c, p.KillAfter)
		}
	}
}

// The arithmetic that the contract rests on, for every TTL that is allowed.
func TestPlanKeepsOrder(t *testing.T) {
	for _, ttl := range []time.Duration{100 * time.Millisecond, time.Second, 10 * time.Second, time.Hour} {
		for _, killAfter := range []time.Duration{-1, 0, ttl / 2} {
			p, err := NewPlan(ttl, killAfter, 0)
			if err != nil {
				t.Fatal(err)
			}
			// As after an acquisition that took no time: see redlock.Lease.Deadline.
			granted := time.Now()
			deadline := granted.Add(ttl - ttl/100 - 2*time.Millisecond)
			renewal := granted.Add(ttl / 3)
			term, kill := p.Term(deadline), p.Kill(deadline)
			if !kill.Before(deadline) {
				t.Errorf("ttl %v: KILL at the deadline or after", ttl)
			}
			if got := kill.Sub(term); got != p.KillAfter {
				t.Errorf("ttl %v: %v from TERM to KILL, want %v", ttl, got, p.KillAfter)
			}
			if slack := term.Sub(renewal); slack < ttl/20 {
				t.Errorf("ttl %v, kill-after %v: only %v from the first renewal to TERM", ttl, p.KillAfter, slack)
			}
			if seen := renewal.Add(p.Look()); !seen.Before(kill) {
				t.Errorf("ttl %v: a renewal is seen %v after the KILL that it moves", ttl, seen.Sub(kill))
			}
		}
	}
}
