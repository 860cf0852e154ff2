package main

import (
	"strings"

	"google.golang.org/protobuf/compiler/protogen"
)

const deprecation = "Deprecated: Do not use."

// document writes a comment above a declaration: a text of the generator's, then
// a paragraph with the comment that stands in the .proto file, then the mark of
// a deprecated thing.
func document(g *protogen.GeneratedFile, text string, comments protogen.CommentSet, deprecated bool) {
	var paragraphs []string
	if text != "" {
		paragraphs = append(paragraphs, comment(text))
	}
	if comments.Leading != "" {
		paragraphs = append(paragraphs, comments.Leading.String())
	}
	if deprecated && !saysDeprecated(comments.Leading) {
		paragraphs = append(paragraphs, comment(deprecation))
	}
	if len(paragraphs) > 0 {
		g.P(strings.TrimSuffix(strings.Join(paragraphs, "//\n"), "\n"))
	}
}

// saysDeprecated reports whether a comment has the paragraph that marks
// deprecated things in Go.
func saysDeprecated(comments protogen.Comments) bool {
	for line := range strings.Lines(string(comments)) {
		if strings.HasPrefix(strings.TrimSpace(line), "Deprecated: ") {
			return true
		}
	}
	return false
}

// comment is the text as a Go comment with its line break.
func comment(text string) string {
	return "// " + strings.ReplaceAll(text, "\n", "\n// ") + "\n"
}

// trailing is what stands after a method in the .proto file, on its line.
func trailing(comments protogen.CommentSet) string {
	if comments.Trailing == "" {
		return ""
	}
	return " " + strings.TrimSuffix(comments.Trailing.String(), "\n")
}
