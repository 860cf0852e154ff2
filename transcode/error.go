package transcode

import (
	"strings"
	"unicode/utf8"
)

// maxErrorBytes bounds an error's text, which quotes what is wrong.
const maxErrorBytes = 400

// conversionError is an error of the protobuf library with a stable, bounded
// text.
type conversionError struct {
	text  string
	cause error
}

// Error is the text.
func (e *conversionError) Error() string { return e.text }

// Unwrap is the library's own error.
func (e *conversionError) Unwrap() error { return e.cause }

// cleanError makes the text of a protobuf error stable: the library varies the
// space after "proto:" from build to build, so that nobody compares it.
func cleanError(err error) error {
	text := strings.ReplaceAll(err.Error(), "\u00a0", " ")
	text = strings.TrimPrefix(text, "proto: ")
	return &conversionError{text: truncate(text, maxErrorBytes), cause: err}
}

// truncate cuts text to about limit bytes, between characters.
func truncate(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit] + "…"
}
