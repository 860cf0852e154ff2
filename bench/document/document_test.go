package document

import (
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	benchv1 "github.com/mqrpc/mqrpc/bench/proto/bench/v1"
)

func TestSizes(t *testing.T) {
	for _, size := range []int{23, 500, 1 << 10, 50 << 10} {
		document, text, err := Of(size)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) != size {
			t.Errorf("the document of %d bytes has %d", size, len(text))
		}
		read := &benchv1.Document{}
		if err := protojson.Unmarshal(text, read); err != nil || !proto.Equal(read, document) {
			t.Errorf("%d bytes: the JSON is not the document's: %v", size, err)
		}
	}
	if _, _, err := Of(100); err == nil {
		t.Error("there is a document of 100 bytes")
	}
}
