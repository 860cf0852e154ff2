package runtime_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/runtime"
)

// answering answers every call with the same payload.
type answering []byte

func (a answering) Invoke(context.Context, *runtime.Call) (*runtime.Reply, error) {
	return &runtime.Reply{Payload: a}, nil
}

// TestDescribeIsBounded: a worker's description may be anything.
func TestDescribeIsBounded(t *testing.T) {
	empty := []byte{0x0a, 0} // a file, or whatever else a field of that number is
	for name, c := range map[string]struct {
		says    string
		payload []byte
	}{
		"too long":       {"more than 4194304", make([]byte, contract.MaxBytes+1)},
		"too many files": {"more than 100000 parts", append([]byte{0x22, 0xc0, 0xa9, 0x18}, bytes.Repeat(empty, 200_032)...)},
		"no message":     {"cannot be decoded", []byte{0x22, 7}},
	} {
		_, err := runtime.Describe(t.Context(), answering(c.payload), "wxapp", "1.0")
		if runtime.CodeOf(err) != codes.Internal || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got error %v, want one about %q", name, err, c.says)
		}
	}
}
