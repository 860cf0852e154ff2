package runtime

import (
	"fmt"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/runtime/transport"
)

// TestCallThatMeetsABlockMayHaveRun: only those that may be repeated fail with a
// code that asks for that.
func TestCallThatMeetsABlockMayHaveRun(t *testing.T) {
	underWay := fmt.Errorf("%w: %w", transport.ErrBlocked, transport.ErrLost)
	for _, tc := range []struct {
		idempotency Idempotency
		cause       error
		want        codes.Code
	}{
		{IdempotencyUnknown, transport.ErrBlocked, codes.Unavailable},
		{IdempotencyUnknown, underWay, codes.Aborted},
		{NoSideEffects, underWay, codes.Unavailable},
		{Idempotent, underWay, codes.Unavailable},
	} {
		method := &Method{Module: "m", Version: "1.0", Name: "S.M", Idempotency: tc.idempotency}
		if got := unsentError(method, tc.cause).Code(); got != tc.want {
			t.Errorf("%v, %v: %v, want %v", tc.idempotency, tc.cause, got, tc.want)
		}
	}
}
