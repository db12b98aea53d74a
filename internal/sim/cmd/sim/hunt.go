package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redlock-go/redlock/internal/check"
	"github.com/redlock-go/redlock/internal/sim"
)

// found is a seed that violated something.
type found struct {
	seed      uint64
	violation check.Violation
}

// hunter runs seeds on all cores, until its bounds are reached or something is
// found.
type hunter struct {
	options
	began time.Time
	want  []check.Invariant // empty: any

	mu    sync.Mutex
	next  uint64
	said  time.Time // when it was last said how far it has come
	stats sim.Stats
	found *found
}

func hunt(o options) int {
	h := &hunter{options: o, began: time.Now(), next: o.first, said: time.Now()}
	h.stats.Faults = make(map[sim.What]int)
	if o.until != "" {
		for _, i := range strings.Split(o.until, ",") {
			h.want = append(h.want, check.Invariant(i))
		}
	}
	var crew sync.WaitGroup
	for range o.cores {
		crew.Go(h.work)
	}
	crew.Wait()
	took := time.Since(h.began)
	if o.until != "" {
		if h.found == nil {
			fmt.Printf("survived %d runs, %d acquisitions, %v\n", h.stats.Runs, h.stats.Acquisitions, took.Round(time.Millisecond))
			return 0
		}
		fmt.Println(h.found.violation.Invariant, h.found.seed, h.stats.Runs, took.Round(time.Millisecond))
		return 1
	}
	h.report(took)
	if h.found != nil {
		again := fmt.Sprintf("%v\nAgain: go run ./internal/sim/cmd/sim %s-seed %d\n", h.found.violation, o.kind(), h.found.seed)
		fmt.Printf("\n%s\nMade smaller:\n\n", again)
		explain(o.generate(h.found.seed), h.found.violation.Invariant, o)
		fmt.Printf("\n%s", again) // logs are cut at the top
		return 1
	}
	fmt.Println("No invariant was violated.")
	return 0
}

// work runs one seed after the other.
func (h *hunter) work() {
	for {
		seed, ok := h.take()
		if !ok {
			return
		}
		r := sim.Run(h.generate(seed), false)
		h.took(seed, r)
	}
}

func (h *hunter) take() (uint64, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.found != nil,
		h.limit > 0 && time.Since(h.began) >= h.limit,
		h.runs > 0 && h.next-h.first >= uint64(h.runs),
		h.acquisitions > 0 && float64(h.stats.Acquisitions) >= h.acquisitions:
		return 0, false
	}
	h.next++
	return h.next - 1, true
}

func (h *hunter) took(seed uint64, r *sim.Result) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stats.Add(r.Stats)
	if h.acquisitions > 0 && time.Since(h.said) > time.Minute {
		h.said = time.Now()
		fmt.Printf("%v: %d seeds, %d acquisitions\n", time.Since(h.began).Round(time.Second), h.stats.Runs, h.stats.Acquisitions)
	}
	for _, v := range r.Violations {
		if h.found == nil && (len(h.want) == 0 || slices.Contains(h.want, v.Invariant)) {
			h.found = &found{seed, v}
		}
	}
}

// report says what was covered.
func (h *hunter) report(took time.Duration) {
	s := h.stats
	fmt.Printf("seeds         %d, from %d on\n", s.Runs, h.first)
	fmt.Printf("time          %.1f simulated hours, in %v on %d cores\n", s.Time.Hours(), took.Round(100*time.Millisecond), h.cores)
	fmt.Printf("acquisitions  %d, %.0f a second\n", s.Acquisitions, float64(s.Acquisitions)/took.Seconds())
	fmt.Printf("              of %d attempts by %d operations; %d extensions; %d hand-overs within processes, %d to others; %d events\n", s.Attempts, s.Operations, s.Extensions, s.HandOvers, s.TakeOvers, s.Events)
	fmt.Printf("elections     %d terms, and %d reports of %d readings by those who watch\n", s.Terms, s.Reports, s.Readings)
	var list []string
	total := 0
	for _, what := range slices.Sorted(maps.Keys(s.Faults)) {
		list = append(list, fmt.Sprintf("%v %d", what, s.Faults[what]))
		total += s.Faults[what]
	}
	fmt.Printf("faults        %d\n", total)
	for part := range slices.Chunk(list, 7) {
		fmt.Printf("              %s\n", strings.Join(part, ", "))
	}
}

// explain makes a failing scenario small, prints it and draws it.
func explain(s *sim.Scenario, i check.Invariant, o options) {
	if o.shrink > 0 {
		s = sim.Shrink(s, i, o.shrink)
	}
	r := sim.Run(s, true)
	fmt.Printf("%s\n%s\n%s", words(r.Violations), s, sim.Diagram(s, r, o.lines))
}
