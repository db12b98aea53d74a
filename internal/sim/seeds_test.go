package sim

import "testing"

// A few worlds: nothing is violated, and each is the same when it is run again.
// "make sim" runs many more, from fresh seeds.
func TestSeeds(t *testing.T) {
	acquisitions := 0
	for seed := uint64(1); seed <= 30; seed++ {
		r := Run(Generate(seed), false)
		acquisitions += int(r.Stats.Acquisitions)
		for _, v := range r.Violations {
			t.Errorf("seed %d: %v", seed, v)
		}
		if seed <= 5 {
			if again := Run(Generate(seed), false); again.Hash != r.Hash {
				t.Errorf("seed %d: two runs differ", seed)
			}
		}
	}
	if acquisitions < 1000 {
		t.Errorf("%d acquisitions: the worlds are too quiet to show anything", acquisitions)
	}
}
