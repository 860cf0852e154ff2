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
	return Spread{Median: median, Min: sorted[0], Max: sorted[len(sorted)-1]}
}

// Ratio is a's median as a multiple of b's. It fails where there is none: where
// one of them was not measured.
func Ratio(a, b Spread) (float64, error) {
	if a.Median <= 0 || b.Median <= 0 {
		return 0, fmt.Errorf("no ratio of %g to %g", a.Median, b.Median)
	}
	return a.Median / b.Median, nil
}
