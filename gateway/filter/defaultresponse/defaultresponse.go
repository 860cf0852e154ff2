// Package defaultresponse answers in place of a service that cannot, with what
// the API's policy says.
package defaultresponse

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/catalog"
	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/runtime"
)

// New returns the filter. A default response that is not the method's response
// message is left out: [catalog.API.PolicyProblems] tells of it.
func New() gateway.Filter { return gateway.Filter{Stage: gateway.StageDefaultResponse, Wrap: wrap} }

func wrap(api *catalog.API, next gateway.Handler) gateway.Handler {
	if len(api.Policy.GetDefaultResponses()) == 0 {
		return next
	}
	return func(ctx context.Context, request *gateway.Request) gateway.Response {
		response := next(ctx, request)
		reason := reasonFor(api, request, response.Err)
		if reason == "" {
			return response
		}
		text, _, ok := api.DefaultResponse(request.Route.Method)
		if !ok {
			return response
		}
		payload, err := request.Route.Response(request.Codec, []byte(text))
		if err != nil {
			return response
		}
		return gateway.Response{Payload: payload, Metadata: runtime.Metadata{gateway.DefaultResponseMetadata: reason}}
	}
}

// reasonFor says why a call that failed has the default response, "" if it has
// not.
func reasonFor(api *catalog.API, request *gateway.Request, err error) string {
	switch {
	case err == nil:
		return ""
	case api.Disabled(request.Route.Method):
		return gateway.DefaultBecauseDisabled
	case errors.Is(err, runtime.ErrNoWorker):
		return gateway.DefaultBecauseAbsent
	case runtime.CodeOf(err) == codes.DeadlineExceeded:
		return gateway.DefaultBecauseSilent
	}
	return ""
}
