package runtime

import (
	"context"
	"errors"
	"fmt"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// Error is the error of a failed call, on both sides of the wire. A handler
// returns one to choose the code that its caller sees; every error of a client
// is one.
//
// errors.Is and errors.As reach its cause. It converts to and from gRPC's
// status errors: status.FromError reads an Error, and a handler may return a
// status error instead of an Error.
type Error struct {
	code    codes.Code
	message string
	details []*anypb.Any
	cause   error
	private bool // the cause's text is not in the message, and for this process alone
	remote  bool
	unrun   bool // nothing of the call has happened on the worker that failed it
}

// NewError returns an error with a code and a message. The message is for
// developers; it travels to the caller.
func NewError(code codes.Code, message string) *Error {
	return &Error{code: code, message: message}
}

// Errorf returns an error with a code and a formatted message. As with
// fmt.Errorf, %w sets its cause, also several times; the cause itself does not
// travel.
func Errorf(code codes.Code, format string, args ...any) *Error {
	formatted := fmt.Errorf(format, args...)
	cause := errors.Unwrap(formatted)
	if _, several := formatted.(interface{ Unwrap() []error }); several {
		cause = formatted
	}
	return &Error{code: code, message: formatted.Error(), cause: cause}
}

// errorWithPrivateCause returns an error whose message says nothing of its cause:
// the message travels, a gateway shows it to strangers, and the cause may name
// hosts and accounts. [Error.Error] has it.
func errorWithPrivateCause(code codes.Code, message string, cause error) *Error {
	return &Error{code: code, message: message, cause: cause, private: true}
}

// WithDetails returns a copy of the error that carries further details, which
// travel to the caller. A detail that cannot be encoded is left out.
func (e *Error) WithDetails(details ...proto.Message) *Error {
	extended := *e
	extended.details = append([]*anypb.Any(nil), e.details...)
	for _, detail := range details {
		if packed, err := anypb.New(detail); err == nil {
			extended.details = append(extended.details, packed)
		}
	}
	return &extended
}

// Code is the error's code, never OK for an error of this package's making.
func (e *Error) Code() codes.Code { return e.code }

// Message is the error's text without its code.
func (e *Error) Message() string { return e.message }

// Remote reports whether the other side sent the error. An error that is not
// remote was made in this process: the call could not be sent, or nobody
// answered it in time.
func (e *Error) Remote() bool { return e.remote }

// Details returns the details that this process knows the types of; the others
// are returned as *anypb.Any.
func (e *Error) Details() []proto.Message {
	details := make([]proto.Message, 0, len(e.details))
	for _, packed := range e.details {
		if detail, err := packed.UnmarshalNew(); err == nil {
			details = append(details, detail)
		} else {
			details = append(details, packed)
		}
	}
	return details
}

// Error is the code and the message, for logs. It has the text of the cause also
// where [Error.Message] leaves it out for what it may tell strangers.
func (e *Error) Error() string {
	text := "mqrpc: " + codeName(e.code) + ": " + e.message
	if e.private {
		text += ": " + e.cause.Error()
	}
	return text
}

// Unwrap returns the error's cause, nil for one that came from the other side.
func (e *Error) Unwrap() error { return e.cause }

// Is reports that DEADLINE_EXCEEDED is context.DeadlineExceeded, and CANCELLED
// context.Canceled, whichever side found it.
func (e *Error) Is(target error) bool {
	return e.code == codes.DeadlineExceeded && target == context.DeadlineExceeded ||
		e.code == codes.Canceled && target == context.Canceled
}

// GRPCStatus makes the error readable for gRPC's status package.
func (e *Error) GRPCStatus() *status.Status { return status.FromProto(e.Proto()) }

// Proto is the error as it travels.
func (e *Error) Proto() *spb.Status {
	return &spb.Status{Code: int32(e.code), Message: e.message, Details: e.details} //nolint:gosec // codes are small
}

// ErrorFromProto is the error that travelled as s, marked as remote. A status
// of OK is not an error and gives nil.
func ErrorFromProto(s *spb.Status) *Error {
	if s.GetCode() == int32(codes.OK) {
		return nil
	}
	return &Error{code: codes.Code(s.GetCode()), message: s.GetMessage(), details: s.GetDetails(), remote: true} //nolint:gosec // codes of a newer peer keep their number
}

// Unimplemented is the error of a method that a worker has in its contract and
// does not implement. Generated code answers with it. It says that the call has
// not run, so that the caller's client may try another instance: a handler that
// has begun with a call fails with [codes.Unimplemented] by [NewError].
func Unimplemented(method *Method) error {
	return &Error{code: codes.Unimplemented, message: "method " + method.String() + " is not implemented", unrun: true}
}

// AsError turns any error into an [*Error]: one that wraps an Error or a gRPC
// status keeps its code and details, the errors of an ended context become
// CANCELLED and DEADLINE_EXCEEDED, everything else UNKNOWN. It gives nil for
// nil.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	var known *Error
	if errors.As(err, &known) && known != nil {
		return known
	}
	if s, ok := status.FromError(err); ok && s.Code() != codes.OK {
		return &Error{code: s.Code(), message: s.Message(), details: s.Proto().GetDetails(), cause: err}
	}
	code := codes.Unknown
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		code = codes.DeadlineExceeded
	case errors.Is(err, context.Canceled):
		code = codes.Canceled
	}
	return &Error{code: code, message: err.Error(), cause: err}
}

// ErrNoWorker is wrapped by the error of a call to an API that nobody serves. The
// call was not delivered to anybody.
var ErrNoWorker = errors.New("no queue is bound for its calls")

// contextError is the error of a call whose context has ended.
func contextError(ctx context.Context) *Error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return Errorf(codes.DeadlineExceeded, "the caller's time is over: %w", context.Cause(ctx))
	}
	return Errorf(codes.Canceled, "the caller gave up: %w", context.Cause(ctx))
}

// CodeOf returns the code of an error as [AsError] sees it, OK for nil.
func CodeOf(err error) codes.Code {
	if err == nil {
		return codes.OK
	}
	return AsError(err).code
}

// codeName is the code as google.rpc.Code spells it: "NOT_FOUND".
func codeName(code codes.Code) string {
	if name, ok := codeNames[code]; ok {
		return name
	}
	return fmt.Sprintf("CODE_%d", code)
}

var codeNames = map[codes.Code]string{
	codes.OK:                 "OK",
	codes.Canceled:           "CANCELLED",
	codes.Unknown:            "UNKNOWN",
	codes.InvalidArgument:    "INVALID_ARGUMENT",
	codes.DeadlineExceeded:   "DEADLINE_EXCEEDED",
	codes.NotFound:           "NOT_FOUND",
	codes.AlreadyExists:      "ALREADY_EXISTS",
	codes.PermissionDenied:   "PERMISSION_DENIED",
	codes.ResourceExhausted:  "RESOURCE_EXHAUSTED",
	codes.FailedPrecondition: "FAILED_PRECONDITION",
	codes.Aborted:            "ABORTED",
	codes.OutOfRange:         "OUT_OF_RANGE",
	codes.Unimplemented:      "UNIMPLEMENTED",
	codes.Internal:           "INTERNAL",
	codes.Unavailable:        "UNAVAILABLE",
	codes.DataLoss:           "DATA_LOSS",
	codes.Unauthenticated:    "UNAUTHENTICATED",
}
