// Package disabled refuses calls of what a policy has disabled: a circuit that
// an operator has opened.
package disabled

import (
	"context"

	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/catalog"
	"github.com/mqrpc/mqrpc/gateway"
)

// New returns the filter.
func New() gateway.Filter { return gateway.Filter{Stage: gateway.StageCircuit, Wrap: wrap} }

func wrap(api *catalog.API, next gateway.Handler) gateway.Handler {
	refused := map[string]bool{}
	for _, service := range api.Services {
		for _, method := range service.Methods {
			if api.Disabled(method) {
				refused[method.Name] = true
			}
		}
	}
	if len(refused) == 0 {
		return next
	}
	return func(ctx context.Context, request *gateway.Request) gateway.Response {
		if refused[request.Route.Method.Name] {
			return gateway.Response{Err: gateway.NewError(codes.Unavailable, gateway.ReasonDisabled, request.Route.String()+" is disabled by its policy")}
		}
		return next(ctx, request)
	}
}
