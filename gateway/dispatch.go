package gateway

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/runtime"
)

// findRoute looks the route up within the caller's time.
func (g *Gateway) findRoute(ctx context.Context, call *callRequest) (*route, error) {
	ctx, cancel := context.WithTimeout(ctx, shorter(call.timeout, g.config.Timeouts.Call))
	defer cancel()
	return g.routes.find(ctx, call.module, call.version, call.method)
}

// invoke makes the call. It ends when the client has gone.
func (g *Gateway) invoke(ctx context.Context, to *route, call *callRequest, payload []byte) (*runtime.Reply, error) {
	longest := to.method.Timeout
	if longest == 0 {
		longest = g.config.Timeouts.Call
	}
	ctx, cancel := context.WithTimeout(ctx, shorter(call.timeout, longest))
	defer cancel()
	reply, err := g.config.Caller.Invoke(ctx, &runtime.Call{
		Method:   to.method,
		Metadata: call.metadata,
		Payload:  payload,
	})
	if errors.Is(err, runtime.ErrNoQueue) {
		// The API is known, so that its queue is gone means that it is not
		// served now.
		return nil, newError(codes.Unavailable, ReasonNoWorker, "no worker serves "+to.api.String()+" now")
	}
	return reply, err
}

// shorter is the shorter time, where zero asks for the longest.
func shorter(asked, longest time.Duration) time.Duration {
	if asked == 0 {
		return longest
	}
	return min(asked, longest)
}

// metadataOf is what travels beside a call: the request's id and the chosen
// headers. Several headers of one name are joined as HTTP does.
func (g *Gateway) metadataOf(r *http.Request) runtime.Metadata {
	metadata := runtime.Metadata{}
	for _, name := range g.config.ForwardHeaders {
		if values := r.Header.Values(name); len(values) > 0 {
			metadata.Set(name, strings.ToValidUTF8(strings.Join(values, ", "), "\uFFFD"))
		}
	}
	metadata.Set(requestIDMetadata, RequestID(r.Context()))
	return metadata
}
