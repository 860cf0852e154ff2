package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/mqrpc/mqrpc/runtime"
)

func TestAsError(t *testing.T) {
	own := runtime.NewError(codes.NotFound, "gone")
	for name, tc := range map[string]struct {
		err     error
		code    codes.Code
		message string
	}{
		"own":           {own, codes.NotFound, "gone"},
		"wrapped own":   {fmt.Errorf("while looking: %w", own), codes.NotFound, "gone"},
		"gRPC status":   {status.Error(codes.AlreadyExists, "there"), codes.AlreadyExists, "there"},
		"deadline":      {context.DeadlineExceeded, codes.DeadlineExceeded, "context deadline exceeded"},
		"cancelled":     {fmt.Errorf("stop: %w", context.Canceled), codes.Canceled, "stop: context canceled"},
		"anything else": {io.ErrUnexpectedEOF, codes.Unknown, "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			got := runtime.AsError(tc.err)
			if got.Code() != tc.code || got.Message() != tc.message {
				t.Errorf("got %v %q, want %v %q", got.Code(), got.Message(), tc.code, tc.message)
			}
			if runtime.CodeOf(tc.err) != tc.code {
				t.Errorf("CodeOf gives %v", runtime.CodeOf(tc.err))
			}
		})
	}
	if runtime.AsError(nil) != nil || runtime.CodeOf(nil) != codes.OK {
		t.Error("nil is an error")
	}
}

func TestErrorReachesItsCause(t *testing.T) {
	err := runtime.Errorf(codes.DataLoss, "read the file: %w", io.ErrUnexpectedEOF)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("errors.Is does not reach the cause")
	}
	several := runtime.Errorf(codes.Unavailable, "%w: %w", runtime.ErrNoWorker, io.ErrUnexpectedEOF)
	if !errors.Is(several, runtime.ErrNoWorker) || !errors.Is(several, io.ErrUnexpectedEOF) {
		t.Error("errors.Is does not reach each of several causes")
	}
	if got, want := err.Error(), "mqrpc: DATA_LOSS: read the file: unexpected EOF"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if s, ok := status.FromError(fmt.Errorf("outer: %w", err)); !ok || s.Code() != codes.DataLoss {
		t.Errorf("gRPC reads %v", s)
	}
}

func TestDetailsSurviveTheTrip(t *testing.T) {
	unknown := &anypb.Any{TypeUrl: "type.googleapis.com/not.linked.In", Value: []byte{1}}
	sent := runtime.NewError(codes.ResourceExhausted, "slow down").WithDetails(&errdetails.RetryInfo{}).WithDetails(unknown)
	if len(sent.Details()) != 2 || sent.Remote() {
		t.Errorf("the error has %d details and is remote: %v", len(sent.Details()), sent.Remote())
	}
	proto := sent.Proto()
	proto.Details[1] = unknown
	got := runtime.ErrorFromProto(proto)
	if !got.Remote() || got.Code() != sent.Code() || got.Message() != sent.Message() {
		t.Errorf("got %v", got)
	}
	if _, ok := got.Details()[0].(*errdetails.RetryInfo); !ok {
		t.Errorf("the first detail is %T", got.Details()[0])
	}
	if packed, ok := got.Details()[1].(*anypb.Any); !ok || packed.GetTypeUrl() != unknown.GetTypeUrl() {
		t.Errorf("the detail of unknown type is %v", got.Details()[1])
	}
	if runtime.ErrorFromProto(&spb.Status{}) != nil {
		t.Error("a status of OK is an error")
	}
}

func TestCodesOfTheFutureHaveANumber(t *testing.T) {
	if got, want := runtime.NewError(99, "x").Error(), "mqrpc: CODE_99: x"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
