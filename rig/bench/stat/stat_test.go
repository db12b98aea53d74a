package stat

import (
	"math"
	"slices"
	"testing"
)

func TestPercentile(t *testing.T) {
	values := []int64{40, 10, 30, 20}
	before := slices.Clone(values)
	for _, c := range []struct{ p, want float64 }{
		{0, 10}, {1, 40}, {0.5, 25}, {1.0 / 3, 20}, {0.99, 39.7}, {-1, 10}, {2, 40},
	} {
		if got := Percentile(values, c.p); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("Percentile %g = %g, want %g", c.p, got, c.want)
		}
	}
	if !slices.Equal(values, before) {
		t.Errorf("the values were put in order: %v", values)
	}
	if got := Percentile([]float64{7}, 0.99); got != 7 {
		t.Errorf("of one value: %g", got)
	}
	if got := Median[float64](nil); !math.IsNaN(got) {
		t.Errorf("of nothing: %g", got)
	}
	if got := Median([]float64{3, 1, 2}); got != 2 {
		t.Errorf("median %g", got)
	}
}

func TestJain(t *testing.T) {
	for _, c := range []struct {
		shares []int
		want   float64
	}{
		{[]int{5, 5, 5, 5}, 1},
		{[]int{9, 0, 0, 0}, 0.25},
		{[]int{1, 3}, 0.8},
		{[]int{0, 0}, 1},
	} {
		if got := Jain(c.shares); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("Jain of %v is %g, want %g", c.shares, got, c.want)
		}
	}
	if got := Jain[int](nil); !math.IsNaN(got) {
		t.Errorf("of nobody: %g", got)
	}
}
