package transcode

import "fmt"

// checkJSONDepth refuses JSON that is nested too deeply, before anything that
// recurses sees it. It accepts malformed JSON; the parser reports that better.
func checkJSONDepth(text []byte, maxDepth int) error {
	depth, line, lineStart := 0, 1, 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i = stringEnd(text, i)
		case '\n':
			line, lineStart = line+1, i+1
		case '{', '[':
			if depth++; depth > maxDepth {
				return fmt.Errorf("(line %d:%d): nested deeper than %d levels", line, i-lineStart+1, maxDepth)
			}
		case '}', ']':
			depth--
		}
	}
	return nil
}

// stringEnd is the index of the quote that closes the string opened at start,
// or the last index when none does.
func stringEnd(text []byte, start int) int {
	for i := start + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return len(text) - 1
}
