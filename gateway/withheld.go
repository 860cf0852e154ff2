package gateway

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/transport"
)

// withheld is an error of which the caller is told less than is known. What the
// detail says of the inside, such as hosts, files and drivers, is for the log.
type withheld struct {
	told   *runtime.Error
	detail error
}

// withhold tells the caller one error in place of another, which the access log
// has.
func withhold(told *runtime.Error, detail error) error {
	return &withheld{told: told, detail: detail}
}

// Error is what the log says.
func (e *withheld) Error() string { return e.told.Error() + ": " + e.detail.Error() }

// Unwrap makes the error readable as what the caller is told, and its causes
// findable.
func (e *withheld) Unwrap() []error { return []error{e.told, e.detail} }

// presentable is an error as its caller may read it. One that nobody has worded
// for callers, as a [*runtime.Error] or a gRPC status, is told by its code alone.
func presentable(err error) error {
	if failed, worded := errors.AsType[*runtime.Error](err); worded && failed != nil {
		return err
	}
	if s, worded := status.FromError(err); worded && s.Code() != codes.OK {
		return err
	}
	return withhold(runtime.NewError(runtime.CodeOf(err), byCode(err)), err)
}

// failedCall is the error of a call as its caller is told it. What a worker
// answers passes, and what is wrong with the call itself; where the gateway could
// not make the call, only the kind of failure is told.
func (r *Route) failedCall(err error) error {
	failed, worded := errors.AsType[*runtime.Error](err)
	switch {
	case !worded || failed == nil:
		return presentable(err)
	case failed.Remote(), failed.Unwrap() == nil, failed.Code() == codes.InvalidArgument:
		return err
	}
	why := byCode(err)
	for _, known := range toldCauses {
		if errors.Is(err, known) {
			why = known.Error()
			break
		}
	}
	return withhold(runtime.NewError(failed.Code(), "the call of "+r.name+" failed: "+why), err)
}

// toldCauses are the causes of failed calls that their callers may know.
var toldCauses = []error{
	transport.ErrBlocked, transport.ErrBacklog, transport.ErrRefused, transport.ErrExpired, transport.ErrLost,
	transport.ErrDisconnected, transport.ErrClosed,
}

// byCode says what an error's code alone tells.
func byCode(err error) string {
	switch code := runtime.CodeOf(err); {
	case code == codes.DeadlineExceeded, errors.Is(err, context.DeadlineExceeded):
		return "there was no reply in time"
	case code == codes.Canceled:
		return "the caller has gone"
	case code == codes.Unavailable:
		return "the gateway cannot do this now"
	default:
		return "the gateway could not do this; its log says why"
	}
}
