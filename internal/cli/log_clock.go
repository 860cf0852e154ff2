package cli

import "time"

// textClock writes times as slog's text has them. Most are of the same second as
// the one before, and differ in nothing but their milliseconds.
type textClock struct {
	second int64
	zone   *time.Location
	text   string // of some time in that second
}

const (
	textLayout      = "2006-01-02T15:04:05.000Z07:00"
	untilTextMillis = len("2006-01-02T15:04:05.")
)

func (c *textClock) appendTime(dst []byte, t time.Time) []byte {
	if second := t.Unix(); c.second != second || c.zone != t.Location() {
		c.second, c.zone, c.text = second, t.Location(), t.Format(textLayout)
	}
	dst = append(dst, c.text...)
	digits := dst[len(dst)-len(c.text)+untilTextMillis:][:len("000")]
	millis := t.Nanosecond() / int(time.Millisecond)
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] = "0123456789"[millis%10]
		millis /= 10
	}
	return dst
}
