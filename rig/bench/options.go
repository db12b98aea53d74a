package bench

import (
	"io"
	"time"

	"github.com/redlock-go/redlock/rig/bench/contestant"
)

// Options say what to run.
type Options struct {
	Contestants []contestant.Contestant
	Scenarios   []string // "S1" …; none is all
	Nodes       []int    // none is what each scenario has
	Settings    Settings
	// Worker is the command line of a process that runs Work.
	Worker []string
	Words  io.Writer // what is going on
}

// Settings say how long and how often.
type Settings struct {
	Quick   bool          `json:"quick"`
	TTL     time.Duration `json:"ttl_ns"`
	Repeats int           `json:"repeats"` // turns of each contestant
	Warm    time.Duration `json:"warm_ns"` // before them
	Slice   time.Duration `json:"slice_ns"`
	// ContendSlice is the slice of S3, S4 and S4b, where some wait long.
	ContendSlice time.Duration `json:"contend_slice_ns"`
	// Patience is how long one cycle may take in S5; what takes longer is measured
	// once, whatever Repeats says.
	Patience time.Duration `json:"patience_ns"`
	// HungAfter is how long after the end of its turn a contestant is taken out whose
	// calls have not returned.
	HungAfter time.Duration `json:"hung_after_ns"`
	// Crashes is how many holders are killed in S6, their TTL being CrashTTL.
	Crashes  int           `json:"crashes"`
	CrashTTL time.Duration `json:"crash_ttl_ns"`
	// Held is how many leases S7 holds, and HeldFor for how long.
	Held    int           `json:"held"`
	HeldFor time.Duration `json:"held_for_ns"`
	// Waiters are the goroutines that wait for one lock, for their memory.
	Waiters int `json:"waiters"`
}

// Full takes some twenty minutes.
func Full() Settings {
	return Settings{
		TTL: 10 * time.Second, Repeats: 5, Warm: 200 * time.Millisecond,
		Slice: 700 * time.Millisecond, ContendSlice: 1500 * time.Millisecond, Patience: 2 * time.Second, HungAfter: 20 * time.Second,
		Crashes: 11, CrashTTL: time.Second, Held: 100_000, HeldFor: time.Minute, Waiters: 10_000,
	}
}

// Quick takes some three minutes; its figures are rough.
func Quick() Settings {
	s := Full()
	s.Quick, s.Repeats, s.Warm = true, 3, 50*time.Millisecond
	s.Slice, s.ContendSlice = 120*time.Millisecond, 300*time.Millisecond
	s.Crashes, s.Held, s.HeldFor, s.Waiters = 3, 10_000, 8*time.Second, 1_000
	return s
}

const (
	goroutines = 64 // of S2 and S3
	processes  = 8  // of S4
	names      = 128
)
