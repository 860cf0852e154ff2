package gateway

import (
	"net/http"
	"strconv"

	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/runtime"
)

// The values of headers that many responses have.
var (
	isJSON       = []string{"application/json"}
	isNotSniffed = []string{"nosniff"}
	// isNotStored is for all but calls: no cache stores the response to a POST
	// that does not ask for it.
	isNotStored = []string{"no-store"}
)

// countedByServer is the length of a body from which the server of net/http does
// not count it, for less than a header costs.
const countedByServer = 2048

// writeJSON writes a whole response. An error of writing means that the client
// has gone; the access log shows how much it got.
func writeJSON(w http.ResponseWriter, status int, body []byte) {
	header := w.Header()
	// All responses share these values. Who appends to one gets a copy, since
	// there is no room in it.
	header["Content-Type"] = isJSON
	header["X-Content-Type-Options"] = isNotSniffed
	if len(body) >= countedByServer {
		header["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
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

// encodeReply turns a worker's reply into JSON.
func encodeReply(to *route, reply *runtime.Reply, memory *buffers) (err error) {
	memory.text, err = to.response.AppendJSON(memory.text[:0], reply.Payload)
	if err != nil {
		return newError(codes.Internal, ReasonMalformedReply,
			"the reply is not a "+string(to.response.Descriptor().FullName())+": "+err.Error())
	}
	return nil
}
