package transcode

import (
	"testing"

	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

func TestFieldMasksToJSON(t *testing.T) {
	converter := converterOf(t, &fieldmaskpb.FieldMask{}, Options{})
	paths := []string{
		"a", "a.b", "foo_bar", "foo_bar.baz_qux", "x9", "x_y_z", "_a", "a._b", "a9.b_c",
		"", ".", "a.", ".a", "a..b", "A", "aB", "a_", "_", "a__b", "a_9", "a_B", "9", "a.9", "é", "a b", "a,b", "a-b", "\"", "a_.b",
	}
	checkFast(t, converter, &fieldmaskpb.FieldMask{})
	for _, path := range paths {
		checkFast(t, converter, &fieldmaskpb.FieldMask{Paths: []string{path}})
		checkFast(t, converter, &fieldmaskpb.FieldMask{Paths: []string{"a_b", path, "c"}})
	}
}
