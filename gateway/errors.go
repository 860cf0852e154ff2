package gateway

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	gatewayruntime "github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/mqrpc/mqrpc/runtime"
)

// Domain is the domain of the google.rpc.ErrorInfo in the gateway's own errors.
const Domain = "mqrpc"

// The reasons in the google.rpc.ErrorInfo of the gateway's own errors.
const (
	ReasonUnknownPath        = "UNKNOWN_PATH"             // 404
	ReasonUnknownModule      = "UNKNOWN_MODULE"           // 404
	ReasonUnknownVersion     = "UNKNOWN_VERSION"          // 404
	ReasonUnknownMethod      = "UNKNOWN_METHOD"           // 404
	ReasonMethodNotAllowed   = "METHOD_NOT_ALLOWED"       // 405
	ReasonBodyTimeout        = "BODY_TIMEOUT"             // 408
	ReasonBodyTooLarge       = "BODY_TOO_LARGE"           // 413
	ReasonUnsupportedType    = "UNSUPPORTED_CONTENT_TYPE" // 415
	ReasonMalformedBody      = "MALFORMED_BODY"           // 400
	ReasonMissingParameter   = "MISSING_PARAMETER"        // 400
	ReasonDuplicateParameter = "DUPLICATE_PARAMETER"      // 400
	ReasonInvalidParameter   = "INVALID_PARAMETER"        // 400
	ReasonInvalidBizContent  = "INVALID_BIZ_CONTENT"      // 400
	ReasonInvalidTimeout     = "INVALID_TIMEOUT"          // 400
	ReasonTooManyCalls       = "TOO_MANY_CALLS"           // 503
	ReasonTooManyBytes       = "TOO_MANY_BYTES"           // 503
	ReasonLookupFailed       = "LOOKUP_FAILED"            // 503; 504 if the time is over
	ReasonNoWorker           = "NO_WORKER"                // 503
	ReasonDisabled           = "DISABLED"                 // 503
	ReasonMalformedReply     = "MALFORMED_REPLY"          // 500
	ReasonBrokenContract     = "BROKEN_CONTRACT"          // 500
	ReasonPanic              = "PANIC"                    // 500
)

// NewError is an error of the gateway's own, its fronts' or its filters': it
// carries an ErrorInfo with that reason.
func NewError(code codes.Code, reason, message string) *runtime.Error {
	return runtime.NewError(code, message).WithDetails(errorInfo(reason))
}

// errorInfo is the detail that tells the gateway's own errors.
func errorInfo(reason string) *errdetails.ErrorInfo {
	return &errdetails.ErrorInfo{Reason: reason, Domain: Domain}
}

// InvalidParameter is an error about one of the parameters of a call.
func InvalidParameter(code codes.Code, reason, parameter, message string) *runtime.Error {
	return runtime.NewError(code, message).WithDetails(&errdetails.ErrorInfo{
		Reason:   reason,
		Domain:   Domain,
		Metadata: map[string]string{"parameter": parameter},
	})
}

// retryDelay is after how long a request that was too much may come again.
const retryDelay = time.Second

// TooMuch is the error for a request that there is no room for now. It says when
// to try again, which [Gateway.WriteError] tells as Retry-After.
func TooMuch(reason, message string) *runtime.Error {
	return NewError(codes.Unavailable, reason, message).
		WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(retryDelay)})
}

// httpError is an error whose HTTP status does not follow from its code.
type httpError struct {
	status int
	cause  *runtime.Error
}

// Error is the text of the cause.
func (e *httpError) Error() string { return e.cause.Error() }

// Unwrap makes the error readable as a [*runtime.Error].
func (e *httpError) Unwrap() error { return e.cause }

// NewHTTPError is an INVALID_ARGUMENT whose HTTP status is that one.
func NewHTTPError(status int, reason, message string) error {
	return &httpError{status: status, cause: NewError(codes.InvalidArgument, reason, message)}
}

// httpStatus is the HTTP status of an error.
func httpStatus(err error) int {
	if chosen, ok := errors.AsType[*httpError](err); ok {
		return chosen.status
	}
	return gatewayruntime.HTTPStatusFromCode(runtime.CodeOf(err))
}

// MethodNotAllowed is the answer to any HTTP method but the allowed ones, which
// are listed as in the header Allow.
func MethodNotAllowed(w http.ResponseWriter, r *http.Request, allowed string) error {
	notStored(w)
	w.Header().Set("Allow", allowed)
	return NewHTTPError(http.StatusMethodNotAllowed, ReasonMethodNotAllowed,
		"HTTP method "+Quote(r.Method)+" is not allowed here; allowed: "+allowed)
}

// Quote quotes what a client has sent, cut to a length that fits a message.
func Quote(text string) string {
	const limit = 64
	if len(text) > limit {
		return strconv.Quote(text[:limit]) + "…"
	}
	return strconv.Quote(text)
}
