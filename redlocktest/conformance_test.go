package redlocktest_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/internal/redisserver"
	"github.com/redlock-go/redlock/redlocktest"
)

func TestNodeConforms(t *testing.T) {
	server := redlocktest.NewNode("n1")
	redlocktest.Conformance(t, func(*testing.T) redlock.Node { return server.Connect() })
}

// wrongEnv tells a test process which mistake its node is to make.
const wrongEnv = "REDLOCKTEST_WRONG"

func TestPlainConforms(t *testing.T) {
	server := redisserver.Start(t)
	runID, _, _ := strings.Cut(strings.SplitAfter(server.Do("INFO", "server").Text, "run_id:")[1], "\r\n")
	server.Do("SET", "redlock:fresh", runID) // it votes at once
	wrong := os.Getenv(wrongEnv)
	t.Run("Replies", func(t *testing.T) {
		redlocktest.Conformance(t, func(*testing.T) redlock.Node { return &plain{addr: server.Addr(), wrong: wrong} })
	})
	t.Run("Wire", func(t *testing.T) {
		redlocktest.WireConformance(t, func(_ *testing.T, addr string) redlock.Node { return counting{&plain{addr: addr, wrong: wrong}} })
	})
	t.Run("Pushing", func(t *testing.T) {
		redlocktest.Conformance(t, func(*testing.T) redlock.Node { return pushing{&plain{addr: server.Addr(), wrong: wrong}} })
	})
	t.Run("PushingWire", func(t *testing.T) {
		redlocktest.WireConformance(t, func(_ *testing.T, addr string) redlock.Node { return pushing{&plain{addr: addr, wrong: wrong}} })
	})
}

// Each mistake is noticed by the part of the suites that is there for it.
func TestConformanceCatches(t *testing.T) {
	for wrong, part := range map[string]string{
		"nil":        "Replies/Replies",
		"code":       "Replies/ErrorReplies",
		"error":      "Replies/ErrorReplies",
		"close":      "Replies/Close",
		"context":    "Wire/EndOfContext/cancel",
		"connection": "Wire/OneConnection",
		"retry":      "Wire/CutIsNotRepeated",
		"half":       "Wire/CutIsNotRepeated",
		"refusal":    "Wire/RefusalIsNotRepeated",
		"epoch":      "Wire/Epoch",

		"early":       "PushingWire/Subscribe/Cut",
		"loss":        "Pushing/Subscribe/Order",
		"crowd":       "Pushing/Subscribe/Order",
		"end":         "Pushing/Subscribe/Close",
		"goroutine":   "Pushing/Subscribe/Goroutines",
		"stay":        "Pushing/Subscribe/TwoChannels",
		"resubscribe": "PushingWire/Subscribe/Cut",
		"words":       "PushingWire/Subscribe/Refused",
		"patience":    "PushingWire/Subscribe/Silence",
		"channel":     "PushingWire/Subscribe/Silence",
	} {
		t.Run(wrong, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPlainConforms$/"+strings.ReplaceAll(part, "/", "$/^")+"$") //nolint:gosec // ourselves
			cmd.Env = append(os.Environ(), wrongEnv+"="+wrong)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "--- FAIL: TestPlainConforms/"+part) {
				t.Errorf("%s did not notice it: %v\n%s", part, err, out)
			}
		})
	}
}
