package sim

import "time"

// chance is where the accidents of a run come from. Each is drawn from the
// scenario's seed and from what it happens to (this client's third operation,
// its second attempt, node 4, the reply), not from a stream of numbers: so when a
// scenario loses an operation or a fault to the shrinker, what happens to the
// others stays as it was.
type chance uint64

// of is the chance of a part of something.
func (c chance) of(part uint64) chance {
	// The finalizer of splitmix64.
	z := uint64(c) + part*0x9e3779b97f4a7c15 + 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return chance(z ^ z>>31)
}

// unit is a number from 0 to 1, 1 excluded.
func (c chance) unit() float64 { return float64(c>>11) / (1 << 53) }

// below is a number from 0 to n-1.
func (c chance) below(n uint64) uint64 { return uint64(c) % n }

// between is a time from least to most.
func (c chance) between(least, most time.Duration) time.Duration {
	if most <= least {
		return least
	}
	return least + time.Duration(c.below(uint64(most-least)+1))
}

// percent is true in so many cases of a hundred.
func (c chance) percent(n int) bool { return int(c.below(100)) < n }
