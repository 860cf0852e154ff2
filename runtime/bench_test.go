package runtime_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/mqrpc/mqrpc/runtime"
)

// BenchmarkUnary is a typed call over the transport in memory, by several
// callers at once.
func BenchmarkUnary(b *testing.B) {
	for _, callers := range []int{1, 64, 256} {
		b.Run(fmt.Sprintf("%d callers", callers), func(b *testing.B) {
			client, method := echoing(b, runtime.ClientConfig{}, func(context.Context) {})
			request := wrapperspb.Bytes(make([]byte, 64))
			b.ReportAllocs()
			b.ResetTimer()
			var calling sync.WaitGroup
			for caller := range callers {
				calling.Go(func() {
					for range (b.N + caller) / callers {
						if _, err := runtime.Unary[wrapperspb.BytesValue](b.Context(), client, method, request); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			calling.Wait()
		})
	}
}
