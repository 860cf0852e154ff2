package main

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/mqrpc/mqrpc/cmd/protoc-gen-mqrpc/testdata/golden/comments"
	"github.com/mqrpc/mqrpc/cmd/protoc-gen-mqrpc/testdata/golden/edition2023"
	"github.com/mqrpc/mqrpc/cmd/protoc-gen-mqrpc/testdata/golden/edition2024"
	"github.com/mqrpc/mqrpc/cmd/protoc-gen-mqrpc/testdata/golden/imported"
	"github.com/mqrpc/mqrpc/cmd/protoc-gen-mqrpc/testdata/golden/mixed"
	"github.com/mqrpc/mqrpc/cmd/protoc-gen-mqrpc/testdata/golden/names"
	"github.com/mqrpc/mqrpc/cmd/protoc-gen-mqrpc/testdata/golden/policy"
	"github.com/mqrpc/mqrpc/cmd/protoc-gen-mqrpc/testdata/golden/proto2"
	"github.com/mqrpc/mqrpc/cmd/protoc-gen-mqrpc/testdata/golden/proto3"
	"github.com/mqrpc/mqrpc/cmd/protoc-gen-mqrpc/testdata/golden/shared"
	"github.com/mqrpc/mqrpc/cmd/protoc-gen-mqrpc/testdata/golden/shared/next"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/runtime"
)

// services are all routing tables of testdata. Naming them has all golden code
// compiled.
var services = []*runtime.Service{
	comments.Documented_Service,
	comments.Gone_Service, //nolint:staticcheck // deprecated in its contract
	comments.Past_Service,
	edition2023.Meter_Service,
	edition2024.Ledger_Service,
	imported.Desk_Service,
	mixed.Served_Service,
	names.Empty_Service,
	names.LowerCase_Service,
	policy.Policy_Service,
	proto2.Archive_Service,
	proto3.Greeter_Service,
	shared.Orders_Service,
	shared.Payments_Service,
	shared.Returns_Service,
	next.Orders_Service,
}

// TestRoutes compares every routing table with the contract that protoc-gen-go
// has compiled in.
func TestRoutes(t *testing.T) {
	for _, service := range services {
		t.Run(string(service.FullName), func(t *testing.T) {
			found, err := protoregistry.GlobalFiles.FindDescriptorByName(service.FullName)
			if err != nil {
				t.Fatal(err)
			}
			compareService(t, service, found.(protoreflect.ServiceDescriptor))
		})
	}
}

func compareService(t *testing.T, service *runtime.Service, contract protoreflect.ServiceDescriptor) {
	t.Helper()
	options := proto.GetExtension(contract.Options(), mqrpcv1.E_Service).(*mqrpcv1.ServiceOptions)
	if service.Module != options.GetModule() || service.Version != options.GetVersion() {
		t.Errorf("served at %s/%s, want %s/%s", service.Module, service.Version, options.GetModule(), options.GetVersion())
	}
	if service.Name != string(contract.Name()) {
		t.Errorf("the name is %q, want %q", service.Name, contract.Name())
	}
	if len(service.Methods) != contract.Methods().Len() {
		t.Fatalf("there are %d methods, want %d", len(service.Methods), contract.Methods().Len())
	}
	for i, method := range service.Methods {
		compareMethod(t, service, method, contract.Methods().Get(i))
	}
}

func compareMethod(t *testing.T, service *runtime.Service, method *runtime.Method, contract protoreflect.MethodDescriptor) {
	t.Helper()
	if method.Module != service.Module || method.Version != service.Version {
		t.Errorf("%s is at %s/%s, its service at %s/%s", method.Name, method.Module, method.Version, service.Module, service.Version)
	}
	if want := service.Name + "." + string(contract.Name()); method.Name != want {
		t.Errorf("the method's name is %q, want %q", method.Name, want)
	}
	if got, want := method.Request.ProtoReflect().Descriptor(), contract.Input(); got != want {
		t.Errorf("%s: the request is %s, want %s", method.Name, got.FullName(), want.FullName())
	}
	if got, want := method.Response.ProtoReflect().Descriptor(), contract.Output(); got != want {
		t.Errorf("%s: the response is %s, want %s", method.Name, got.FullName(), want.FullName())
	}
	options := contract.Options().(*descriptorpb.MethodOptions)
	if got, want := method.Idempotency.String(), options.GetIdempotencyLevel().String(); got != want {
		t.Errorf("%s: the idempotency level is %s, want %s", method.Name, got, want)
	}
	timeout := proto.GetExtension(options, mqrpcv1.E_Method).(*mqrpcv1.MethodOptions).GetTimeout().AsDuration()
	if method.Timeout != timeout {
		t.Errorf("%s: the timeout is %v, want %v", method.Name, method.Timeout, timeout)
	}
}

// TestTimeouts spells some timeouts out, in case contract and generator agree
// on something wrong.
func TestTimeouts(t *testing.T) {
	want := map[string]time.Duration{
		"Policy.Default":  0,
		"Policy.Unknown":  0,
		"Policy.Shortest": time.Millisecond,
		"Policy.Longest":  24 * time.Hour,
		"Policy.Minutes":  90 * time.Second,
		"Policy.Odd":      1500*time.Millisecond + time.Nanosecond,
	}
	for _, method := range policy.Policy_Service.Methods {
		if timeout, listed := want[method.Name]; listed && method.Timeout != timeout {
			t.Errorf("%s: the timeout is %v, want %v", method.Name, method.Timeout, timeout)
		}
	}
}
