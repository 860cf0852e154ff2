package gateway

import (
	"net/http"
	"strconv"

	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/runtime"
)

// writeJSON writes a whole response. An error of writing means that the client
// has gone; the access log shows how much it got.
func writeJSON(w http.ResponseWriter, status int, body []byte) {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body) //nolint:gosec // It is JSON, and says so.
}

// WriteError writes an error as the gateway does: its HTTP status, and a
// google.rpc.Status as JSON. It is for middleware that refuses a request; the
// error's code and details are found as by [runtime.AsError].
func (g *Gateway) WriteError(w http.ResponseWriter, r *http.Request, err error) {
	failed := runtime.AsError(err)
	details := g.details
	if x := exchangeOf(r.Context()); x != nil {
		x.failed = failed
		if x.route != nil {
			details = x.route.api.details
		}
	}
	body, encodeErr := encodeStatus(failed.Proto(), details)
	if encodeErr != nil {
		g.config.Logger.ErrorContext(r.Context(), "an error could not be encoded", "error", encodeErr)
		body = []byte(`{"code":13,"message":"the error could not be encoded"}`)
	}
	writeJSON(w, httpStatus(err), body)
}

// encodeReply is the JSON of a worker's reply.
func encodeReply(to *route, reply *runtime.Reply) ([]byte, error) {
	body, err := to.response.AppendJSON(nil, reply.Payload)
	if err != nil {
		return nil, newError(codes.Internal, ReasonMalformedReply,
			"the reply is not a "+string(to.response.Descriptor().FullName())+": "+err.Error())
	}
	return body, nil
}
