package cli

import (
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// logFormats are those that newLogger knows.
var logFormats = []string{"text", "json"}

// newPlain is the handler that a gateway logs with.
func newPlain(t testing.TB, format string, out io.Writer) *plainHandler {
	t.Helper()
	logger, err := logSettings{level: "debug", format: format}.newLogger(newLogBuffer(out))
	if err != nil {
		t.Fatal(err)
	}
	return logger.Handler().(*plainHandler)
}

// written is what has gone through a handler.
func written(t *testing.T, handler *plainHandler, out *writes) string {
	t.Helper()
	if err := handler.out.Flush(); err != nil {
		t.Error(err)
	}
	return strings.Join(out.get(), "")
}

// checkLine logs a record in all formats, and compares with what slog's handler
// writes. It reports whether the lines are plain.
func checkLine(t *testing.T, record slog.Record) (isPlain bool) {
	t.Helper()
	for _, format := range logFormats {
		plain, slogs := newWrites(), newWrites()
		handler, reference := newPlain(t, format, plain), newPlain(t, format, slogs)
		if err := errors.Join(handler.Handle(t.Context(), record), reference.Handler.Handle(t.Context(), record)); err != nil {
			t.Error(err)
		}
		if got, want := written(t, handler, plain), written(t, reference, slogs); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
		line := plainLine{clock: new(textClock), isJSON: format == "json", isPlain: true}
		line.write(&record)
		isPlain = line.isPlain
	}
	return isPlain
}

// accessLine is a line of the access log, with optional attributes.
func accessLine(optional ...slog.Attr) slog.Record {
	line := slog.NewRecord(time.Date(2026, 2, 3, 4, 5, 6, 7_080_900, time.UTC), slog.LevelInfo, "request", 0)
	line.AddAttrs(
		slog.String("request_id", "0123456789abcdef0123456789abcdef"),
		slog.String("http_method", "POST"),
		slog.String("path", "/gateway"),
		slog.Int("status", 200),
		slog.Int64("bytes", 29),
		slog.Duration("took", 1234567*time.Nanosecond),
		slog.String("remote", "[::1]:54321"),
	)
	line.AddAttrs(optional...)
	return line
}

func TestPlainLines(t *testing.T) {
	for name, line := range map[string]slog.Record{
		"a call":             accessLine(slog.String("call", "wxapp/1.0/WxappManager.SessionKey")),
		"none":               accessLine(),
		"a default response": accessLine(slog.String("call", "wxapp/1.0/A.B"), slog.String("default_response", "absent")),
		"an error":           accessLine(slog.String("code", "NotFound"), slog.String("error", "gone")),
		"numbers":            accessLine(slog.Int64("least", -1<<63), slog.Int64("greatest", 1<<63-1), slog.Duration("long", -1<<63)),
	} {
		t.Run(name, func(t *testing.T) {
			if !checkLine(t, line) {
				t.Error("it is not plain")
			}
		})
	}
}

func TestLinesThatAreNotPlain(t *testing.T) {
	for name, attr := range map[string]slog.Attr{
		"a space":       slog.String("a", "b c"),
		"a quote":       slog.String("a", `b"c`),
		"equals":        slog.String("a", "b=c"),
		"a backslash":   slog.String("a", `b\c`),
		"a new line":    slog.String("a", "b\nc"),
		"control":       slog.String("a", "b\x1bc\x7f"),
		"Unicode":       slog.String("a", "bäc\u2028"),
		"no UTF-8":      slog.String("a", "b\xffc"),
		"nothing":       slog.String("a", ""),
		"a key's space": slog.String("a b", "c"),
		"no key":        slog.String("", "a"),
		"no attribute":  {},
		"a float":       slog.Float64("a", 1.5),
		"a bool":        slog.Bool("a", true),
		"unsigned":      slog.Uint64("a", 1<<63),
		"a time":        slog.Time("a", time.Unix(1, 2)),
		"an error":      slog.Any("a", errors.New("b c")),
		"a group":       slog.Group("a", "b", 1),
		"a group alike": slog.Group("", "b", 1),
	} {
		t.Run(name, func(t *testing.T) {
			if checkLine(t, accessLine(attr, slog.String("last", "z"))) {
				t.Error("it is plain")
			}
		})
	}
}

func TestPlainLevels(t *testing.T) {
	for level := slog.LevelDebug - 2; level <= slog.LevelError+2; level++ {
		line := accessLine()
		line.Level = level
		checkLine(t, line)
	}
}

func TestPlainTimes(t *testing.T) {
	for name, zone := range map[string]*time.Location{
		"UTC": time.UTC, "east": time.FixedZone("", 5*3600+45*60), "west": time.FixedZone("", -3*3600), "odd": time.FixedZone("", 53*60+28),
	} {
		t.Run(name, func(t *testing.T) {
			for _, at := range []time.Time{
				{}, time.Unix(0, 0), time.Unix(1, 999_999_999), time.Unix(1_700_000_000, 999_999), time.Unix(1_700_000_000, 100_000_000),
				time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(10_000, 1, 2, 0, 0, 0, 0, time.UTC), time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC),
			} {
				line := accessLine()
				line.Time = at.In(zone)
				checkLine(t, line)
			}
			line := accessLine()
			line.Time = time.Now()
			checkLine(t, line)
		})
	}
}

// TestPlainHandlerWithAttributes: slog's handler goes on alone, and to the same
// place.
func TestPlainHandlerWithAttributes(t *testing.T) {
	out := newWrites()
	handler := newPlain(t, "text", out)
	logger := slog.New(handler)
	logger.With("a", 1).Info("first", "b", 2)
	logger.Info("second", "b", 2)
	logger.Info("third", "b", "not plain")
	logger.WithGroup("g").Info("fourth", "b", 2)
	got := strings.Split(written(t, handler, out), "\n")
	for i, want := range []string{"msg=first a=1 b=2", "msg=second b=2", `msg=third b="not plain"`, "msg=fourth g.b=2"} {
		if !strings.HasSuffix(got[i], want) {
			t.Errorf("got %q, want %q", got[i], want)
		}
	}
}

func FuzzPlainLines(f *testing.F) {
	f.Add("request", "path", "/gateway", int64(1), 4, int64(1_700_000_000_123_456_789))
	f.Add("", "a b", "\"", int64(-1), -4, int64(0))
	f.Fuzz(func(t *testing.T, message, key, value string, number int64, level int, nanos int64) {
		line := slog.NewRecord(time.Unix(0, nanos), slog.Level(level), message, 0)
		line.AddAttrs(slog.String(key, value), slog.Int64(key, number), slog.Duration("took", time.Duration(number)))
		checkLine(t, line)
	})
}

// BenchmarkAccessLine is a line with and without slog's handler.
func BenchmarkAccessLine(b *testing.B) {
	for _, format := range logFormats {
		plain := newPlain(b, format, io.Discard)
		for name, handler := range map[string]slog.Handler{"plain": plain, "slog": plain.Handler} {
			b.Run(format+"/"+name, func(b *testing.B) {
				line := accessLine(slog.String("call", "wxapp/1.0/WxappManager.SessionKey"))
				b.ReportAllocs()
				for b.Loop() {
					if err := handler.Handle(b.Context(), line); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
