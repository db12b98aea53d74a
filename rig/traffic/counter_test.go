package traffic

import (
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/redlock-go/redlock/rig/check"
)

// TestIncrementUnderALock: with a real lock the checks find nothing.
func TestIncrementUnderALock(t *testing.T) {
	holds, final := work(t, func(_ int, token uint64, w Increment) error {
		w.Token = token
		return w.Run()
	}, new(sync.Mutex))
	if f := check.All(holds, final); len(f) != 0 || final != 40 || len(holds) != 40 {
		t.Fatalf("%d holds, counter %d, findings %q", len(holds), final, f)
	}
}

// TestIncrementWithoutALock: without one they find overlaps and lost updates.
func TestIncrementWithoutALock(t *testing.T) {
	holds, final := work(t, func(_ int, _ uint64, w Increment) error { return w.Run() }, nil)
	if f := check.Overlaps(holds); len(f) == 0 {
		t.Error("no overlap was found")
	}
	if f := check.LostUpdates(holds, final); len(f) == 0 {
		t.Errorf("no lost update was found, and the counter is %d after %d increments", final, len(holds))
	}
	if f := check.TokenOrder(holds); len(f) == 0 {
		t.Error("no token out of order was found")
	}
}

func work(t *testing.T, do func(i int, token uint64, w Increment) error, lock *sync.Mutex) ([]check.Hold, int64) {
	t.Helper()
	dir := t.TempDir()
	counter := filepath.Join(dir, "counter")
	var working sync.WaitGroup
	var token uint64
	for i := range 4 {
		working.Go(func() {
			for range 10 {
				if lock != nil {
					lock.Lock()
					token++
				}
				name := "w" + strconv.Itoa(i)
				err := do(i, token, Increment{
					Counter: counter, Log: filepath.Join(dir, name+".log"), Worker: name, Pause: time.Millisecond,
				})
				if lock != nil {
					lock.Unlock()
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	working.Wait()
	holds, err := check.ReadLogs(filepath.Join(dir, "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	final, err := ReadCounter(counter)
	if err != nil {
		t.Fatal(err)
	}
	return holds, final
}
