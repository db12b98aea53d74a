package run

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/redlock-go/redlock"
	"github.com/redlock-go/redlock/cmd/redlock/internal/report"
)

// TestWaiterTells: what is waited for is told after a moment, when it changes, and every
// ten seconds, also if nobody asks in between, as in the nodes' queues; and nothing
// that is over at once.
func TestWaiterTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type line struct {
			at        time.Duration
			holder    string
			remaining time.Duration
			reserved  bool
		}
		var told []line
		begin := time.Now()
		j := &job{Options: Options{Name: "x"}, tell: func(e report.Event) {
			w := e.(report.Waiting)
			told = append(told, line{time.Since(begin), w.Holder, time.Duration(w.Remaining), w.Reserved})
		}}
		held := func(holder string, remaining time.Duration) error {
			return &redlock.HeldError{Holder: holder, Remaining: remaining}
		}
		w := &waiter{job: j}
		w.wait(held("a", 8*time.Second))
		time.Sleep(5 * time.Millisecond)
		w.wait(held("b", 15*time.Second)) // the first attempt in the queue
		time.Sleep(15 * time.Second)
		w.wait(&redlock.HeldError{Holder: "the next in the queue", Reserved: true, Remaining: 400 * time.Millisecond})
		time.Sleep(500 * time.Millisecond)
		w.wait(held("c", time.Second))
		w.wait(held("c", time.Second))
		time.Sleep(21 * time.Second)
		w.stop()
		time.Sleep(time.Minute)

		const s, ms = time.Second, time.Millisecond
		want := []line{
			{150 * ms, "b", 15*s - 145*ms, false},
			{10*s + 150*ms, "b", 5*s - 145*ms, false},
			{15*s + 5*ms, "the next in the queue", 400 * ms, true},
			{15*s + 505*ms, "c", s, false},
			{25*s + 505*ms, "c", 0, false},
			{35*s + 505*ms, "c", 0, false},
		}
		if len(told) != len(want) {
			t.Fatalf("told %v\nwant %v", told, want)
		}
		for i := range want {
			if told[i] != want[i] {
				t.Errorf("told %v, want %v", told[i], want[i])
			}
		}

		told = nil
		quick := &waiter{job: j}
		quick.wait(held("a", time.Second))
		time.Sleep(100 * time.Millisecond)
		quick.stop()
		time.Sleep(time.Minute)
		if len(told) != 0 {
			t.Errorf("of a wait of 100 ms it told %v", told)
		}
	})
}
