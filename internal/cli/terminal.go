package cli

import (
	"bytes"
	"io"
	"os"
	"unicode"

	"github.com/mattn/go-isatty"
)

// shown is what writes to a file: as it is, or, where the file is a terminal,
// without what would control that. Names, comments and errors may be strangers'.
func shown(file *os.File) io.Writer {
	if isatty.IsTerminal(file.Fd()) {
		return visibleWriter{file}
	}
	return file // a program may want every byte
}

// visibleWriter replaces control characters, but for line ends and tabs. What is
// written to it in one piece must be whole characters.
type visibleWriter struct{ to io.Writer }

// Write implements io.Writer.
func (w visibleWriter) Write(text []byte) (int, error) {
	if _, err := w.to.Write(bytes.Map(visible, text)); err != nil {
		return 0, err
	}
	return len(text), nil
}

func visible(r rune) rune {
	if unicode.IsControl(r) && r != '\n' && r != '\t' {
		return unicode.ReplacementChar
	}
	return r
}
