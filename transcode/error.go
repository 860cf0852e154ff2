package transcode

import (
	"bytes"
	"fmt"
	"io"
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

// cleanJSONError is cleanError for an error of the JSON parser, which does not
// say where a text ends too early.
func cleanJSONError(text []byte, err error) error {
	cleaned := cleanError(err)
	if cleaned.Error() != io.ErrUnexpectedEOF.Error() {
		return cleaned
	}
	line := bytes.Count(text, []byte("\n")) + 1
	column := len(text) - bytes.LastIndexByte(text, '\n')
	return &conversionError{text: fmt.Sprintf("syntax error (line %d:%d): unexpected end", line, column), cause: err}
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
