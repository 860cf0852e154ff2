package main

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/mqrpc/mqrpc/cmd/protoc-gen-mqrpc/testdata/golden/comments"
	"github.com/mqrpc/mqrpc/cmd/protoc-gen-mqrpc/testdata/golden/edition2023"
	"github.com/mqrpc/mqrpc/cmd/protoc-gen-mqrpc/testdata/golden/edition2024"
	"github.com/mqrpc/mqrpc/cmd/protoc-gen-mqrpc/testdata/golden/imported"
	"github.com/mqrpc/mqrpc/cmd/protoc-gen-mqrpc/testdata/golden/names"
	"github.com/mqrpc/mqrpc/cmd/protoc-gen-mqrpc/testdata/golden/policy"
	"github.com/mqrpc/mqrpc/cmd/protoc-gen-mqrpc/testdata/golden/proto2"
	"github.com/mqrpc/mqrpc/cmd/protoc-gen-mqrpc/testdata/golden/proto3"
	"github.com/mqrpc/mqrpc/cmd/protoc-gen-mqrpc/testdata/golden/shared"
	"github.com/mqrpc/mqrpc/cmd/protoc-gen-mqrpc/testdata/golden/shared/next"
	"github.com/mqrpc/mqrpc/runtime"
)

var errRecorded = errors.New("recorded")

// recorder is a caller that keeps the last call and fails it.
type recorder struct{ call *runtime.Call }

func (r *recorder) Invoke(_ context.Context, call *runtime.Call) (*runtime.Reply, error) {
	r.call = call
	return nil, errRecorded
}

// TestClientMethods has each method of each client call the method of its name
// with its request, and pass the error on.
func TestClientMethods(t *testing.T) {
	record := &recorder{}
	tests := []struct {
		service *runtime.Service
		client  any
	}{
		{comments.Documented_Service, comments.NewDocumentedClient(record)},
		{edition2023.Meter_Service, edition2023.NewMeterClient(record)},
		{edition2024.Ledger_Service, edition2024.NewLedgerClient(record)},
		{imported.Desk_Service, imported.NewDeskClient(record)},
		{names.LowerCase_Service, names.NewLowerCaseClient(record)},
		{policy.Policy_Service, policy.NewPolicyClient(record)},
		{proto2.Archive_Service, proto2.NewArchiveClient(record)},
		{proto3.Greeter_Service, proto3.NewGreeterClient(record)},
		{shared.Returns_Service, shared.NewReturnsClient(record)},
		{next.Orders_Service, next.NewOrdersClient(record)},
	}
	for _, test := range tests {
		for _, method := range test.service.Methods {
			t.Run(method.String(), func(t *testing.T) {
				response, err := callByName(t, test.client, method)
				if record.call.Method != method {
					t.Errorf("the method called is %v", record.call.Method)
				}
				if got, want := record.call.Message.ProtoReflect().Descriptor(), method.Request.ProtoReflect().Descriptor(); got != want {
					t.Errorf("the request is %s, want %s", got.FullName(), want.FullName())
				}
				if !errors.Is(err, errRecorded) || !response.IsNil() {
					t.Errorf("got %v and the error %v, want the caller's", response, err)
				}
			})
		}
	}
}

// TestUnimplemented has the methods of each UnimplementedXServer name
// themselves.
func TestUnimplemented(t *testing.T) {
	tests := []struct {
		service *runtime.Service
		server  any
	}{
		{edition2024.Ledger_Service, edition2024.UnimplementedLedgerServer{}},
		{imported.Desk_Service, imported.UnimplementedDeskServer{}},
		{names.LowerCase_Service, names.UnimplementedLowerCaseServer{}},
		{policy.Policy_Service, policy.UnimplementedPolicyServer{}},
	}
	for _, test := range tests {
		for _, method := range test.service.Methods {
			t.Run(method.String(), func(t *testing.T) {
				_, err := callByName(t, test.server, method)
				var known *runtime.Error
				if !errors.As(err, &known) {
					t.Fatalf("the error is %v, want a *runtime.Error", err)
				}
				if known.Code() != codes.Unimplemented || known.Message() != "method "+method.String()+" is not implemented" {
					t.Errorf("the error is %v", err)
				}
			})
		}
	}
}

// callByName calls the Go method that stands for the contract's.
func callByName(t *testing.T, receiver any, method *runtime.Method) (response reflect.Value, err error) {
	t.Helper()
	function := reflect.ValueOf(receiver).MethodByName(goName(method.Name))
	if !function.IsValid() {
		t.Fatalf("%T has no method for %s", receiver, method.Name)
	}
	request := method.Request.ProtoReflect().New().Interface()
	results := function.Call([]reflect.Value{reflect.ValueOf(t.Context()), reflect.ValueOf(request)})
	err, _ = reflect.TypeAssert[error](results[1])
	return results[0], err
}

// goName is the Go name of a method in testdata.
func goName(address string) string {
	_, name, _ := strings.Cut(address, ".")
	switch name {
	case "get_it":
		return "GetIt"
	case "type":
		return "Type"
	default:
		return name
	}
}
