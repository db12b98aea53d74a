package check

import (
	"slices"
	"testing"
)

// TestSpans: what is left of a time, and when several rows have something at once.
func TestSpans(t *testing.T) {
	others := []Span{{50, 60}, {10, 20}, {15, 30}, {30, 35}, {90, 200}, {70, 70}, {0, 5}}
	if got := Union(others); !slices.Equal(got, []Span{{0, 5}, {10, 35}, {50, 60}, {90, 200}}) {
		t.Errorf("union %v", got)
	}
	for _, test := range []struct {
		s    Span
		want []Span
	}{
		{Span{3, 100}, []Span{{5, 10}, {35, 50}, {60, 90}}},
		{Span{36, 49}, []Span{{36, 49}}},
		{Span{12, 34}, nil},
		{Span{55, 65}, []Span{{60, 65}}},
		{Span{200, 210}, []Span{{200, 210}}},
	} {
		got := test.s.Without(others)
		if !slices.Equal(got, test.want) {
			t.Errorf("%v without: %v, want %v", test.s, got, test.want)
		}
	}
	if got := Total([]Span{{5, 10}, {35, 50}}); got != 20 {
		t.Errorf("total %v", got)
	}
	rows := [][]Span{{{0, 10}, {20, 30}}, {{5, 25}}, {{8, 9}, {10, 22}}}
	for least, want := range map[int][]Span{
		1: {{0, 30}}, 2: {{5, 25}}, 3: {{8, 9}, {10, 10}, {20, 22}}, 4: nil,
	} {
		want = slices.DeleteFunc(want, func(s Span) bool { return s.From == s.To })
		if got := Together(rows, least); !slices.Equal(got, want) {
			t.Errorf("%d together: %v, want %v", least, got, want)
		}
	}
}
