package gateway

import (
	"math"
	"net/http"
	"strconv"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/runtime"
)

// DefaultResponseMetadata is the key of a response's metadata that is set when
// the response is the policy's default response instead of the service's. Its
// value is one of the reasons below.
const DefaultResponseMetadata = "mqrpc-default-response"

// DefaultResponseHeader is [DefaultResponseMetadata] as an HTTP header.
const DefaultResponseHeader = "X-Mqrpc-Default-Response"

// The reasons for a default response.
const (
	DefaultBecauseDisabled = "disabled" // the policy has disabled the method
	DefaultBecauseAbsent   = "absent"   // no worker serves the API
	DefaultBecauseSilent   = "silent"   // the time has passed without an answer
)

// The values of headers that many responses have.
var (
	isJSON       = []string{"application/json"}
	isNotSniffed = []string{"nosniff"}
	isNotStored  = []string{"no-store"}
)

// notStored keeps caches from storing a response. It is for all but those to
// POST, which no cache stores unasked.
func notStored(w http.ResponseWriter) { w.Header()["Cache-Control"] = isNotStored }

// countedByServer is the length of a body from which the server of net/http does
// not count it, for less than a header costs.
const countedByServer = 2048

// WriteJSON writes a whole response. An error of writing means that the client
// has gone; the access log shows how much it got.
func WriteJSON(w http.ResponseWriter, status int, body []byte) {
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
// google.rpc.Status as JSON. It is for fronts whose errors look so, and for
// middleware that refuses a request; the error is read as [Response].Err is.
func (g *Gateway) WriteError(w http.ResponseWriter, r *http.Request, err error) {
	err = presentable(err)
	failed := runtime.AsError(err)
	details := g.details
	if x := exchangeOf(r.Context()); x != nil {
		x.failed = err
		if x.route != nil {
			details = x.route.api.details
		}
	}
	body, encodeErr := encodeStatus(failed.Proto(), details)
	if encodeErr != nil {
		g.config.Logger.ErrorContext(r.Context(), "an error could not be encoded", "error", encodeErr)
		body = []byte(`{"code":13,"message":"the error could not be encoded"}`)
	}
	if after := retryAfter(failed); after != "" {
		w.Header().Set("Retry-After", after)
	}
	WriteJSON(w, httpStatus(err), body)
}

// retryAfter is the header Retry-After that goes with an error, "" for none:
// the whole seconds of its google.rpc.RetryInfo, if it may be tried again.
func retryAfter(failed *runtime.Error) string {
	if failed.Code() != codes.Unavailable && failed.Code() != codes.ResourceExhausted {
		return ""
	}
	for _, detail := range failed.Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok {
			delay := max(info.GetRetryDelay().AsDuration(), 0)
			return strconv.FormatFloat(math.Ceil(delay.Seconds()), 'f', 0, 64)
		}
	}
	return ""
}
