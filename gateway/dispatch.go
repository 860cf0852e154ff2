package gateway

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/runtime"
)

// within gives the context the time that the caller has asked for. Looking the
// route up and making the call share it.
func (c *callRequest) within(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.timeout == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, c.timeout)
}

// findRoute looks the route up.
func (g *Gateway) findRoute(ctx context.Context, call *callRequest) (*route, error) {
	if found := g.routes.findLoaded(call.module, call.version, call.method); found != nil {
		return found, nil
	}
	ctx, cancel := context.WithTimeout(ctx, g.config.Timeouts.Call)
	defer cancel()
	return g.routes.find(ctx, call.module, call.version, call.method)
}

// invoke makes the call. It ends when the client has gone.
func (g *Gateway) invoke(ctx context.Context, to *route, call *callRequest, payload []byte) (*runtime.Reply, error) {
	longest := to.method.Timeout
	if longest == 0 {
		longest = g.config.Timeouts.Call
	}
	reply, err := g.config.Caller.Invoke(ctx, &runtime.Call{
		Method:   to.method,
		Metadata: call.metadata,
		Payload:  payload,
		Timeout:  longest,
	})
	if errors.Is(err, runtime.ErrNoQueue) {
		// The API is known, so that its queue is gone means that it is not
		// served now.
		return nil, runtime.Errorf(codes.Unavailable, "no worker serves %s now: %w", to.api, runtime.ErrNoQueue).
			WithDetails(errorInfo(ReasonNoWorker))
	}
	return reply, err
}

// forward is a request header that travels to the worker as metadata.
type forward struct{ header, metadata string }

// newForwards spells the headers' names as requests and metadata have them.
func newForwards(headers []string) []forward {
	var forwards []forward
	for _, header := range headers {
		forwards = append(forwards, forward{http.CanonicalHeaderKey(header), strings.ToLower(header)})
	}
	return forwards
}

// metadataOf is what travels beside a call: the request's id and the chosen
// headers. Several headers of one name are joined as HTTP does.
func (g *Gateway) metadataOf(r *http.Request) runtime.Metadata {
	metadata := runtime.Metadata{requestIDMetadata: RequestID(r.Context())}
	for _, forward := range g.forwards {
		if values := r.Header[forward.header]; len(values) > 0 && forward.metadata != requestIDMetadata {
			metadata[forward.metadata] = strings.ToValidUTF8(strings.Join(values, ", "), "\uFFFD")
		}
	}
	return metadata
}
