package contest

import "testing"

func TestSpreadOf(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   Spread
	}{
		{nil, Spread{}},
		{[]float64{3}, Spread{3, 3, 3}},
		{[]float64{9, 1, 5}, Spread{5, 1, 9}},
		{[]float64{4, 1, 2, 9}, Spread{3, 1, 9}},
	} {
		if got := SpreadOf(test.values); got != test.want {
			t.Errorf("the spread of %v is %v, not %v", test.values, got, test.want)
		}
	}
	values := []float64{2, 1}
	if SpreadOf(values); values[0] != 2 {
		t.Error("the values were sorted in place")
	}
}

func TestRatio(t *testing.T) {
	if ratio, err := Ratio(Spread{Median: 6}, Spread{Median: 4}); ratio != 1.5 || err != nil {
		t.Errorf("6 to 4 is %v, %v", ratio, err)
	}
	for _, missing := range [][2]Spread{{{}, {Median: 1}}, {{Median: 1}, {}}} {
		if ratio, err := Ratio(missing[0], missing[1]); err == nil {
			t.Errorf("%v has the ratio %v", missing, ratio)
		}
	}
}
