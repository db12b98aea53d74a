package bench

import "testing"

func TestCalls(t *testing.T) {
	before := calls{"get": 1}
	after := make(calls)
	after.read("# Commandstats\r\ncmdstat_get:calls=5,usec=10,usec_per_call=2.00\r\ncmdstat_evalsha:calls=3,usec=1\r\ncmdstat_info:calls=9,usec=1\r\ncmdstat_config|resetstat:calls=2,usec=1\r\n")
	all, scripts := after.since(before)
	if all != 9 || scripts != 3 {
		t.Errorf("%g calls, %g of scripts; want 9 and 3", all, scripts)
	}
}

func TestMonitored(t *testing.T) {
	for line, want := range map[string][2]float64{
		`+1339518083.107412 [0 127.0.0.1:60866] "EVALSHA" "abc" "1" "k"`: {1, 0},
		`+1339518083.107412 [0 lua] "get" "k"`:                           {0, 1},
		`+1339518083.107412 [0 unix:/a b] "set" "] \"eval" "v"`:          {0, 0},
		"+OK": {0, 0},
	} {
		if script, inner := monitored(line); script != want[0] || inner != want[1] {
			t.Errorf("%s: %g, %g; want %v", line, script, inner, want)
		}
	}
}
