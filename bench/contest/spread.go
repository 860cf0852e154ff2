package contest

import (
	"fmt"
	"slices"
)

// Spread sums up what the rounds came to.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	// Rounds are the values, in their order.
	Rounds []float64 `json:"rounds,omitempty"`
}

// SpreadOf returns the spread of values; of none it is zero. Of an even number
// the median is the mean of the middle two.
func SpreadOf(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	median := sorted[middle]
	if len(sorted)%2 == 0 {
		median = (sorted[middle-1] + sorted[middle]) / 2
	}
	return Spread{Median: median, Min: sorted[0], Max: sorted[len(sorted)-1], Rounds: values}
}

// Ratio is a as a multiple of b: the median of the ratios round by round, since
// rounds of the same number are measured one after the other and the machine may
// change its speed from one to the next. Where rounds are missing it is the ratio
// of the medians. It fails where one of the two was not measured.
func Ratio(a, b Spread) (float64, error) {
	if a.Median <= 0 || b.Median <= 0 {
		return 0, fmt.Errorf("no ratio of %g to %g", a.Median, b.Median)
	}
	if len(a.Rounds) != len(b.Rounds) {
		return a.Median / b.Median, nil
	}
	var ratios []float64
	for i, value := range a.Rounds {
		if b.Rounds[i] > 0 {
			ratios = append(ratios, value/b.Rounds[i])
		}
	}
	if len(ratios) == 0 {
		return a.Median / b.Median, nil
	}
	return SpreadOf(ratios).Median, nil
}
