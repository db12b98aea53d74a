package core_test

import (
	"testing"
	"time"

	"github.com/redlock-go/redlock/internal/core"
)

var watchRules = core.WatchRules{Most: 10 * time.Second, Grace: 5 * time.Millisecond, MostGrace: 100 * time.Millisecond}

// sights reads "A7" as a node that holds A's key and knows A as elected with token 7,
// "A" as one without the note, "-" as a free one, "-A7" as a free one with the note, "A B7" as
// one that holds A's key and knows of B, and "?" as silent.
func sights(nodes ...string) []core.Sight {
	list := make([]core.Sight, len(nodes))
	note := func(s *core.Sight, text string) {
		if len(text) > 1 {
			s.Elected, s.Term = text[:1], uint64(text[1]-'0')
		}
	}
	for i, n := range nodes {
		s := &list[i]
		if n == "?" {
			continue
		}
		s.Answered = true
		switch {
		case n[0] == '-':
			note(s, n[1:])
		case len(n) > 2:
			s.Holder, s.Remaining = n[:1], time.Duration(i+1)*time.Second
			note(s, n[2:])
		default:
			s.Holder, s.Remaining = n[:1], time.Duration(i+1)*time.Second
			note(s, n)
		}
	}
	return list
}

func TestJudge(t *testing.T) {
	for name, c := range map[string]struct {
		nodes   []string
		finding core.Finding
		term    uint64
		rest    time.Duration
	}{
		"a majority":                      {[]string{"A7", "A7", "A7", "-", "-"}, core.Led, 7, time.Second},
		"all: two may lose it":            {[]string{"A7", "A7", "A7", "A7", "A7"}, core.Led, 7, 3 * time.Second},
		"one knows the term":              {[]string{"A", "A7", "A"}, core.Led, 7, 2 * time.Second},
		"it has not said so yet":          {[]string{"A", "A", "-"}, core.Unnamed, 0, time.Second},
		"the note is another's":           {[]string{"A B8", "A7", "A7"}, core.Unnamed, 0, 2 * time.Second},
		"a stale note":                    {[]string{"B8", "B A7", "B"}, core.Led, 8, 2 * time.Second},
		"a minority is nobody":            {[]string{"A7", "A7", "-", "-", "-"}, core.Vacant, 0, 0},
		"a minority, and the rest silent": {[]string{"A7", "A7", "-", "?", "?"}, core.Undecided, 0, 0},
		"a minority, and one silent":      {[]string{"A7", "-", "-", "-", "?"}, core.Vacant, 0, 0},
		"two minorities":                  {[]string{"A7", "A7", "B", "B", "-A7"}, core.Vacant, 0, 0},
		"too few":                         {[]string{"A7", "A7", "?", "?", "?"}, core.Silent, 0, 0},
		"one node":                        {[]string{"A7"}, core.Led, 7, time.Second},
		"one node that is free":           {[]string{"-A7"}, core.Vacant, 0, 0},
	} {
		finding, lead := core.Judge(sights(c.nodes...), len(c.nodes)/2+1)
		if finding != c.finding || lead.Term != c.term || lead.Remaining != c.rest {
			t.Errorf("%s: %v gives %v, %+v", name, c.nodes, finding, lead)
		}
	}
}

// step is one thing that happens to a watch, and what follows.
type step struct {
	see    []string
	pushed uint64 // "+", or
	gone   uint64 // "-"
	news   core.News
	term   uint64
	alarm  time.Duration // from the step on, at the latest
}

func TestWatch(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	for name, steps := range map[string][]step{
		"led, and vacant": {
			{see: []string{"A7", "A7", "A7"}, news: core.Changed, term: 7, alarm: 2*s + 6*ms},
			{pushed: 7, term: 7, alarm: 2*s + 6*ms}, // known
			{see: []string{"A7", "A7", "A7"}, term: 7, alarm: 2*s + 6*ms},
			{gone: 7, term: 7, alarm: 0},
			{see: []string{"-A7", "-A7", "-A7"}, news: core.Changed, alarm: 10 * s},
			{gone: 7, alarm: 10 * s},
			{pushed: 6, alarm: 10 * s},
			{pushed: 8, alarm: 0},
			{see: []string{"B8", "B", "-A7"}, news: core.Changed, term: 8, alarm: s + 6*ms},
		},
		"an old leader's key rises again": {
			{see: []string{"B8", "B8", "-"}, news: core.Changed, term: 8, alarm: s + 6*ms},
			{see: []string{"A7", "A7", "-"}, term: 8, alarm: 8 * ms},
			{see: []string{"A7", "A7", "-"}, term: 8, alarm: 15 * ms},
			{see: []string{"A7", "A7", "-"}, term: 8, alarm: 30 * ms},
			{see: []string{"A7", "A7", "-"}, term: 8, alarm: 60 * ms},
			{see: []string{"A7", "A7", "-"}, news: core.Changed, alarm: s + 6*ms},
			{see: []string{"A7", "A7", "-"}, alarm: s + 6*ms},
		},
		"an outage is told once, and its end": {
			{see: []string{"A7", "A7", "A7"}, news: core.Changed, term: 7, alarm: 2*s + 6*ms},
			{see: []string{"A7", "?", "?"}, term: 7, alarm: 8 * ms},
			{see: []string{"?", "?", "?"}, term: 7, alarm: 15 * ms},
			{see: []string{"?", "?", "?"}, term: 7, alarm: 30 * ms},
			{see: []string{"?", "?", "?"}, term: 7, alarm: 60 * ms},
			{see: []string{"?", "?", "?"}, news: core.Dark, term: 7, alarm: 150 * ms},
			{see: []string{"?", "?", "?"}, term: 7, alarm: 150 * ms},
			{see: []string{"A7", "A7", "?"}, news: core.Changed, term: 7, alarm: s + 6*ms},
		},
		"held, and not by an election": {
			{see: []string{"A", "A", "A"}, alarm: 8 * ms},
			{see: []string{"A", "A", "A"}, alarm: 15 * ms},
			{see: []string{"A", "A7", "A"}, news: core.Changed, term: 7, alarm: 2*s + 6*ms},
		},
	} {
		t.Run(name, func(t *testing.T) {
			now := core.Time(time.Hour)
			w := core.NewWatch(now, 2, &watchRules)
			if w.Alarm() != now {
				t.Errorf("it looks first at %v", w.Alarm())
			}
			for i, st := range steps {
				now += time.Millisecond
				before := w.Alarm()
				news := core.Nothing
				switch {
				case st.see != nil:
					w.Look()
					if w.Alarm() != core.Never {
						t.Errorf("step %d: it looks again while it looks", i)
					}
					news = w.Seen(now, sights(st.see...), 0.5)
				case st.pushed != 0:
					w.Pushed(now, st.pushed, true)
				default:
					w.Pushed(now, st.gone, false)
				}
				if news != st.news || w.Lead().Term != st.term {
					t.Errorf("step %d: news %v, term %d", i, news, w.Lead().Term)
				}
				at := w.Alarm()
				if at > now+st.alarm || at != before && st.alarm > 0 && at <= now {
					t.Errorf("step %d: it looks %v later, at most %v", i, at-now, st.alarm)
				}
			}
		})
	}
}

// A push that comes while it looks may tell of what the reading missed.
func TestWatchPushedWhileItLooks(t *testing.T) {
	w := core.NewWatch(0, 2, &watchRules)
	w.Look()
	w.Pushed(time.Millisecond, 7, true)
	if news := w.Seen(2*time.Millisecond, sights("-", "-", "-"), 0.5); news != core.Changed || w.Alarm() > 2*time.Millisecond {
		t.Errorf("news %v, looks at %v", news, w.Alarm())
	}
	w.Look()
	w.Rejoin(3 * time.Millisecond)
	if w.Seen(4*time.Millisecond, sights("-", "-", "-"), 0.5); w.Alarm() > 8*time.Millisecond {
		t.Errorf("after a subscription was lost it looks at %v", w.Alarm())
	}
}
