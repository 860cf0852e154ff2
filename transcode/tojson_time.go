package transcode

import "time"

// appendTimestamp appends a time in RFC 3339. It refuses those out of range.
func appendTimestamp(out []byte, seconds int64, nanos int32) (result []byte, ok bool) {
	if seconds < firstTimestamp || seconds > lastTimestamp || nanos < 0 || nanos > maxNanos {
		return out, false
	}
	at := time.Unix(seconds, 0).UTC()
	year, month, day := at.Date()
	hour, minute, second := at.Clock()
	out = append(out, '"')
	out = appendTwoDigits(appendTwoDigits(out, byte(year/100)), byte(year%100))
	out = appendTwoDigits(append(out, '-'), byte(month))
	out = appendTwoDigits(append(out, '-'), byte(day))
	out = appendTwoDigits(append(out, 'T'), byte(hour))
	out = appendTwoDigits(append(out, ':'), byte(minute))
	out = appendTwoDigits(append(out, ':'), byte(second))
	out = appendNanos(out, int(nanos))
	return append(out, 'Z', '"'), true
}

// appendDuration appends a duration in seconds. It refuses those out of range,
// and those whose parts have different signs.
func appendDuration(out []byte, seconds int64, nanos int32) (result []byte, ok bool) {
	switch {
	case seconds < -longestDuration || seconds > longestDuration || nanos < -maxNanos || nanos > maxNanos,
		seconds > 0 && nanos < 0, seconds < 0 && nanos > 0:
		return out, false
	}
	out = append(out, '"')
	if seconds < 0 || nanos < 0 {
		out = append(out, '-')
		seconds, nanos = -seconds, -nanos
	}
	out = appendInt(out, seconds)
	out = appendNanos(out, int(nanos))
	return append(out, 's', '"'), true
}

// appendNanos appends a fraction of a second in 0, 3, 6 or 9 digits.
func appendNanos(out []byte, nanos int) []byte {
	if nanos == 0 {
		return out
	}
	out = append(out, '.')
	for ; nanos != 0; nanos = nanos % 1_000_000 * 1000 {
		out = appendThreeDigits(out, nanos/1_000_000)
	}
	return out
}

func appendThreeDigits(out []byte, n int) []byte {
	return appendTwoDigits(append(out, '0'+byte(n/100)), byte(n%100))
}
