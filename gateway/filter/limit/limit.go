// Package limit refuses calls when too many are under way.
package limit

import (
	"context"

	"github.com/mqrpc/mqrpc/catalog"
	"github.com/mqrpc/mqrpc/gateway"
)

// DefaultInFlight is a limit that leaves room for other APIs in a gateway with
// [gateway.DefaultMaxInFlight].
const DefaultInFlight = 4096

// InFlight lets that many calls of each API be under way at a time, so that a
// slow one leaves room for the others. Further ones are refused at once.
func InFlight(limit int) gateway.Filter {
	return gateway.Filter{
		Stage: gateway.StageLimit,
		Wrap: func(api *catalog.API, next gateway.Handler) gateway.Handler {
			calls := api.Counter()
			return func(ctx context.Context, request *gateway.Request) gateway.Response {
				if !calls.Enter(int64(limit)) {
					return gateway.Response{Err: gateway.TooMuch(gateway.ReasonTooManyCalls, "too many calls are in flight to "+api.String())}
				}
				defer calls.Leave()
				return next(ctx, request)
			}
		},
	}
}
