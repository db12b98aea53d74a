// Package stat has the few statistics that the benchmark needs.
package stat

import (
	"cmp"
	"math"
	"slices"
)

// Number is what can be put in order and added up.
type Number interface{ ~int64 | ~int | ~float64 }

// Percentile returns the value below or at which a share p of the values lies, 0
// to 1, by linear interpolation between neighbours; NaN if there are none. It does
// not change the slice.
func Percentile[T Number](values []T, p float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Clone(values)
	slices.SortFunc(sorted, cmp.Compare)
	at := min(max(p, 0), 1) * float64(len(sorted)-1)
	below := int(at)
	if below == len(sorted)-1 {
		return float64(sorted[below])
	}
	part := at - float64(below)
	return float64(sorted[below])*(1-part) + float64(sorted[below+1])*part
}

// Median is the 50th percentile.
func Median[T Number](values []T) float64 { return Percentile(values, 0.5) }

// Jain is Jain's fairness index of the shares: 1 if all are equal, 1/n if one has
// everything (Jain, Chiu, Hawe 1984: (Σx)² / (n Σx²)). It is 1 if nobody has
// anything, and NaN if there is nobody.
func Jain[T Number](shares []T) float64 {
	if len(shares) == 0 {
		return math.NaN()
	}
	var sum, squares float64
	for _, x := range shares {
		sum += float64(x)
		squares += float64(x) * float64(x)
	}
	if squares == 0 {
		return 1
	}
	return sum * sum / (float64(len(shares)) * squares)
}
