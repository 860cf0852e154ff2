package transcoding

import (
	"strings"
	"testing"
	"time"
)

func TestRun(t *testing.T) {
	short := Bench{Rounds: 2, Measure: time.Millisecond, Note: t.Logf}
	rows, err := short.Run(t.Context(), 23, 1<<10)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 12 {
		t.Errorf("%d rows of 3 contenders, 2 directions and 2 documents", len(rows))
	}
	for _, row := range rows {
		if row.Time.Min <= 0 || row.Time.Max < row.Time.Min {
			t.Errorf("%+v", row)
		}
	}
}

// TestWrongContender holds a contender that loses the document to be found out.
func TestWrongContender(t *testing.T) {
	empty := contender{
		name:       "empty",
		toWire:     func(dst, _ []byte) ([]byte, error) { return dst, nil },
		toDocument: func(dst, _ []byte) ([]byte, error) { return append(dst, "{}"...), nil },
	}
	for _, direction := range []Direction{JSONToWire, WireToJSON} {
		_, err := prepare([]contender{empty}, direction, []byte(`{"id":"1"}`), []byte("\x12\x011"))
		if err == nil || !strings.Contains(err.Error(), "another document") {
			t.Errorf("%s: the error is %v", direction, err)
		}
	}
}
