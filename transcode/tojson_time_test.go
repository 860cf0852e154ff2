package transcode

import (
	"math"
	"testing"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

var someNanos = []int32{0, 1, 10, 999, 1000, 1_000_000, 120_000_000, 120_000_001, 999_999_000, 999_999_999, 1_000_000_000, -1, math.MinInt32, math.MaxInt32}

func TestTimestampsToJSON(t *testing.T) {
	converter := converterOf(t, &timestamppb.Timestamp{}, Options{})
	for _, seconds := range []int64{
		0, 1, -1, 86_399, 86_400, 951_782_400, 1_709_164_800, 1_767_323_045, 4_107_542_400,
		-62_135_596_800, -62_135_596_801, 253_402_300_799, 253_402_300_800, math.MinInt64, math.MaxInt64,
	} {
		for _, nanos := range someNanos {
			checkFast(t, converter, &timestamppb.Timestamp{Seconds: seconds, Nanos: nanos})
		}
	}
	for seconds := int64(-62_135_596_800); seconds <= 253_402_300_799; seconds += 86_400*300 + 12_347 {
		checkFast(t, converter, &timestamppb.Timestamp{Seconds: seconds})
	}
}

func TestDurationsToJSON(t *testing.T) {
	converter := converterOf(t, &durationpb.Duration{}, Options{})
	for _, seconds := range []int64{
		0, 1, -1, 59, 3600, -3600, 315_576_000_000, 315_576_000_001, -315_576_000_000, -315_576_000_001, math.MinInt64, math.MaxInt64,
	} {
		for _, nanos := range someNanos {
			checkFast(t, converter, &durationpb.Duration{Seconds: seconds, Nanos: nanos})
			checkFast(t, converter, &durationpb.Duration{Seconds: seconds, Nanos: -nanos})
		}
	}
}
