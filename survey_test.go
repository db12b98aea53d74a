package redlock_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/redlocktest"
	"github.com/redlock-go/redlock/resp"
)

var getX = resp.Command{"GET", "x"}

// All nodes are asked at once. One that is down is told with its cause, one that is
// silent costs the per-node deadline once, and after that nothing.
func TestSurvey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(5)
		for _, n := range nodes {
			n.Delay(time.Millisecond)
			n.Exec("SET", "x", n.Name())
		}
		l := open(t, nodes)
		ask := func() (errs []error, took time.Duration) {
			t.Helper()
			start := time.Now()
			replies, errs := l.Survey(t.Context(), getX, resp.Command{"PING"})
			for i, r := range replies {
				if (errs[i] == nil) != (len(r) == 2 && r[0].Text == nodes[i].Name()) {
					t.Errorf("%s: %v, %v", nodes[i].Name(), r, errs[i])
				}
			}
			return errs, time.Since(start)
		}
		if errs, took := ask(); errors.Join(errs...) != nil || took > 2*time.Millisecond {
			t.Fatalf("%v in %v", errs, took)
		}

		nodes[0].Kill()
		nodes[1].Freeze()
		errs, took := ask()
		if took != 50*time.Millisecond { // Config.NodeTimeout
			t.Errorf("took %v", took)
		}
		if !errors.Is(errs[0], redlocktest.ErrDown) || !strings.Contains(errs[1].Error(), "no reply within 50ms") || errors.Join(errs[2:]...) != nil {
			t.Errorf("said %v", errs)
		}
		errs, took = ask()
		if took > 2*time.Millisecond {
			t.Errorf("took %v, with nodes that are suspected", took)
		}
		for _, err := range errs[:2] {
			if err == nil || !strings.Contains(err.Error(), "suspected") {
				t.Errorf("said %v of a suspected node", err)
			}
		}

		// Where a majority is suspected, all are asked.
		nodes[2].Kill()
		_, _ = ask()
		nodes[0].Revive()
		if errs, took = ask(); took > 50*time.Millisecond || errs[0] != nil || !errors.Is(errs[2], redlocktest.ErrDown) {
			t.Errorf("said %v in %v", errs, took)
		}
	})
}

// A survey ends with its context, and with the Locker.
func TestSurveyEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := redlocktest.NewNodes(3)
		l := open(t, nodes)
		synctest.Wait()
		nodes[1].Freeze()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, errs := l.Survey(ctx, getX)
		if errs[0] != nil || !errors.Is(errs[1], context.DeadlineExceeded) || errs[2] != nil || time.Since(start) != 10*time.Millisecond {
			t.Errorf("said %v after %v", errs, time.Since(start))
		}
		nodes[1].Thaw()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		_, errs = l.Survey(t.Context(), getX)
		for _, err := range errs {
			if !errors.Is(err, redlock.ErrClosed) {
				t.Errorf("said %v after Close", err)
			}
		}
	})
}
