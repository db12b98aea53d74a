package report

import (
	"strings"
	"testing"
	"time"

	"github.com/redlock-go/redlock/rig/check"
	"github.com/redlock-go/redlock/rig/clock"
	"github.com/redlock-go/redlock/rig/fault"
)

func TestMarkdown(t *testing.T) {
	const ms = clock.Instant(time.Millisecond)
	r := Run{
		Title: "A run", Setting: []string{"five nodes"}, Began: 1000 * ms, Took: time.Second,
		Holds: []check.Hold{
			{Worker: "a", Token: 1, Begin: 1000 * ms, End: 1010 * ms, Ended: true},
			{Worker: "b", Token: 2, Begin: 1500 * ms, End: 1500 * ms},
			{Worker: "b", Token: 3, Begin: 1600 * ms, End: 1620 * ms, Ended: true},
		},
		Events: []fault.Event{{At: 1250 * ms, Node: 3, What: "killed"}, {At: 1300 * ms, Node: 1, What: "killed"}},
		Exits:  map[int]int{0: 2, 137: 1},
	}
	var out strings.Builder
	if err := r.Markdown(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"# A run\n", "- five nodes\n", "Nothing: no overlap",
		"| leases | 3 |", "| hand-overs from one worker to another | 1 |", "never said that it ended | 1 |",
		"| longest lease | 20ms |", "| longest time without a lease | 490ms |",
		"| processes that ended with status 137 | 1 |", "| killed | 2 |", "| 0.250 s | 3 | killed |",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	r.Findings = check.Findings{"overlap of 5ms"}
	out.Reset()
	if err := r.Markdown(&out); err != nil {
		t.Fatal(err)
	}
	if s := out.String(); !strings.Contains(s, "- overlap of 5ms\n") || strings.Contains(s, "Nothing") {
		t.Errorf("with a finding:\n%s", s)
	}
}
