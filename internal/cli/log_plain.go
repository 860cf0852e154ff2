package cli

import (
	"context"
	"log/slog"
	"strconv"
	"time"
)

// plainHandler writes plain lines itself, as the handler of package slog does
// that it wraps, and leaves all others to it. Plain is a line whose text needs no
// escapes and whose other values are integers and durations, as nearly all of the
// access log is. It takes less than half of the time.
//
// Lines with attributes of their logger, or in a group, are never plain: the
// wrapped handler's WithAttrs and WithGroup return a handler of its own kind.
type plainHandler struct {
	slog.Handler

	out    *logBuffer
	clock  *textClock // used with the lock of out; nil: not needed for JSON
	isJSON bool
}

// Handle implements slog.Handler.
func (h *plainHandler) Handle(ctx context.Context, record slog.Record) error {
	added, err := h.out.add(func(before []byte) ([]byte, bool) {
		line := plainLine{text: before, clock: h.clock, isJSON: h.isJSON, isPlain: true}
		line.write(&record)
		return line.text, line.isPlain
	})
	if added {
		return err
	}
	return h.Handler.Handle(ctx, record)
}

// plainLine is a line that is being written, after those before it.
type plainLine struct {
	text    []byte
	clock   *textClock
	isJSON  bool
	isPlain bool // so far
}

func (l *plainLine) write(record *slog.Record) {
	// Without a time, and with years of other than four digits, slog has ways of
	// its own.
	if seconds := record.Time.Unix(); seconds <= 0 || seconds >= year9999 {
		l.isPlain = false
		return
	}
	if l.isJSON {
		l.text = append(l.text, `{"time":"`...)
		l.text = record.Time.AppendFormat(l.text, time.RFC3339Nano)
		l.text = append(l.text, `","level":"`...)
		l.text = append(l.text, record.Level.String()...)
		l.text = append(l.text, '"')
	} else {
		l.text = append(l.text, "time="...)
		l.text = l.clock.appendTime(l.text, record.Time)
		l.text = append(l.text, " level="...)
		l.text = append(l.text, record.Level.String()...)
	}
	l.addAttr(slog.String(slog.MessageKey, record.Message))
	record.Attrs(l.addAttr)
	if l.isJSON {
		l.text = append(l.text, '}')
	}
	l.text = append(l.text, '\n')
}

// addAttr reports whether the line is still plain.
func (l *plainLine) addAttr(a slog.Attr) bool {
	if l.isJSON {
		l.text = append(l.text, ',')
		l.addText(a.Key)
		l.text = append(l.text, ':')
	} else {
		l.text = append(l.text, ' ')
		l.addText(a.Key)
		l.text = append(l.text, '=')
	}
	switch a.Value.Kind() {
	case slog.KindString:
		l.addText(a.Value.String())
	case slog.KindInt64:
		l.text = strconv.AppendInt(l.text, a.Value.Int64(), 10)
	case slog.KindDuration:
		if l.isJSON {
			l.text = strconv.AppendInt(l.text, int64(a.Value.Duration()), 10)
		} else {
			l.text = append(l.text, a.Value.Duration().String()...)
		}
	default:
		l.isPlain = false
	}
	return l.isPlain
}

func (l *plainLine) addText(text string) {
	if l.isPlain = l.isPlain && isPlain(text); !l.isPlain {
		return
	}
	if l.isJSON {
		l.text = append(l.text, '"')
		l.text = append(l.text, text...)
		l.text = append(l.text, '"')
	} else {
		l.text = append(l.text, text...)
	}
}

// isPlain reports whether slog writes the text as it is, in both formats.
func isPlain(text string) bool {
	for i := range len(text) {
		if !plainBytes[text[i]] {
			return false
		}
	}
	return text != ""
}

// plainBytes are what can be seen in ASCII, without what one of the formats
// escapes or puts in quotes for.
var plainBytes = func() (plain [256]bool) {
	for c := '!'; c <= '~'; c++ {
		plain[c] = c != '"' && c != '=' && c != '\\'
	}
	return plain
}()

// year9999 is before the first time that does not fit in four digits, wherever
// it is shown.
var year9999 = time.Date(9999, time.January, 1, 0, 0, 0, 0, time.UTC).Unix()
