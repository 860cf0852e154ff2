package contest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSpreadOf(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   Spread
	}{
		{nil, Spread{}},
		{[]float64{3}, Spread{3, 3, 3, []float64{3}}},
		{[]float64{9, 1, 5}, Spread{5, 1, 9, []float64{9, 1, 5}}},
		{[]float64{4, 1, 2, 9}, Spread{3, 1, 9, []float64{4, 1, 2, 9}}},
	} {
		if diff := cmp.Diff(test.want, SpreadOf(test.values)); diff != "" {
			t.Errorf("the spread of %v (-want +got):\n%s", test.values, diff)
		}
	}
	values := []float64{2, 1}
	if SpreadOf(values); values[0] != 2 {
		t.Error("the values were sorted in place")
	}
}

func TestRatio(t *testing.T) {
	for _, test := range []struct {
		a, b Spread
		want float64
	}{
		{Spread{Median: 6}, Spread{Median: 4}, 1.5},
		// The machine has become half as fast between the rounds, or in one.
		{SpreadOf([]float64{100, 50, 50}), SpreadOf([]float64{50, 25, 25}), 2},
		{SpreadOf([]float64{100, 100, 50}), SpreadOf([]float64{50, 25, 25}), 2},
		{SpreadOf([]float64{4, 6, 8}), SpreadOf([]float64{3}), 2},
		{SpreadOf([]float64{4, 6, 8}), SpreadOf([]float64{2, 0, 2}), 3},
	} {
		if ratio, err := Ratio(test.a, test.b); ratio != test.want || err != nil {
			t.Errorf("%v to %v is %v, %v, not %v", test.a, test.b, ratio, err, test.want)
		}
	}
	for _, missing := range [][2]Spread{{{}, {Median: 1}}, {{Median: 1}, {}}} {
		if ratio, err := Ratio(missing[0], missing[1]); err == nil {
			t.Errorf("%v has the ratio %v", missing, ratio)
		}
	}
}
