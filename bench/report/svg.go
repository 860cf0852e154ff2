package report

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// svg is a picture in the making. Its colours are such that they can be read on
// white and on black: GitHub shows it on both.
type svg struct{ body strings.Builder }

// Greys for both backgrounds.
const (
	inkColour  = "#768390"
	gridColour = "#8b949e"
)

func (s *svg) add(format string, args ...any) {
	fmt.Fprintf(&s.body, format, args...)
	s.body.WriteByte('\n')
}

// label is a text; anchor is start, middle or end.
func (s *svg) label(x, y float64, anchor, style, text string) {
	var escaped strings.Builder
	_ = xml.EscapeText(&escaped, []byte(text)) // a Builder takes everything
	s.add(`<text x="%.1f" y="%.1f" text-anchor="%s" %s>%s</text>`, x, y, anchor, style, &escaped)
}

func (s *svg) grid(x1, y1, x2, y2 float64) {
	s.add(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-opacity="0.3"/>`, x1, y1, x2, y2, gridColour)
}

func (s *svg) bar(x, y, width, height float64, colour string) {
	s.add(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`, x, y, width, height, colour)
}

// document is the whole picture.
func (s *svg) document(width, height int, title string) []byte {
	var escaped strings.Builder
	_ = xml.EscapeText(&escaped, []byte(title))
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" font-family="system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif" font-size="12" fill="%s">
<title>%s</title>
%s</svg>
`, width, height, width, height, inkColour, &escaped, &s.body)
}
