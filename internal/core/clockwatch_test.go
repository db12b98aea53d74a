package core

import (
	"testing"
	"time"
)

func TestClockWatch(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	for _, tc := range []struct {
		name        string
		node, later time.Duration // the node's clock at 0 and after 10 s
		trip        time.Duration
		want        time.Duration // 0: nothing to report
	}{
		{"same rate", 100 * s, 110 * s, 0, 0},
		{"within the allowance", 100 * s, 110*s + 100*ms, 0, 0},
		{"1.1 percent fast", 100 * s, 110*s + 110*ms, 0, 110 * ms},
		{"1.1 percent slow", 100 * s, 110*s - 110*ms, 0, -110 * ms},
		{"fast, but the round trips may explain it", 100 * s, 110*s + 110*ms, 10 * ms, 0},
		{"stepped ahead", 100 * s, 3710 * s, 40 * ms, 3600 * s},
		{"stepped back", 5000 * s, 1410 * s, 40 * ms, -3600 * s},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var w ClockWatch
			if _, bad := w.Sample(0, tc.trip, tc.node); bad {
				t.Error("reported at the first sample")
			}
			moved, bad := w.Sample(10*s, 10*s+tc.trip, tc.later)
			if bad != (tc.want != 0) || moved.By != tc.want {
				t.Errorf("moved %v (%t), want %v", moved, bad, tc.want)
			}
			if bad && moved.In != 10*s {
				t.Errorf("in %v", moved.In)
			}
			if _, bad := w.Sample(20*s, 20*s+tc.trip, tc.later+10*s); bad {
				t.Error("reported a second time")
			}
		})
	}
}
