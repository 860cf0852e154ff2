package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/mqrpc/mqrpc/cmd/protoc-gen-mqrpc/testdata/golden/edition2023"
	"github.com/mqrpc/mqrpc/cmd/protoc-gen-mqrpc/testdata/golden/edition2024"
	"github.com/mqrpc/mqrpc/cmd/protoc-gen-mqrpc/testdata/golden/imported"
	ctxpb "github.com/mqrpc/mqrpc/cmd/protoc-gen-mqrpc/testdata/golden/imported/ctx"
	requestpb "github.com/mqrpc/mqrpc/cmd/protoc-gen-mqrpc/testdata/golden/imported/request"
	"github.com/mqrpc/mqrpc/cmd/protoc-gen-mqrpc/testdata/golden/names"
	"github.com/mqrpc/mqrpc/cmd/protoc-gen-mqrpc/testdata/golden/policy"
	"github.com/mqrpc/mqrpc/cmd/protoc-gen-mqrpc/testdata/golden/proto2"
	"github.com/mqrpc/mqrpc/cmd/protoc-gen-mqrpc/testdata/golden/proto3"
	"github.com/mqrpc/mqrpc/cmd/protoc-gen-mqrpc/testdata/golden/shared"
	"github.com/mqrpc/mqrpc/cmd/protoc-gen-mqrpc/testdata/golden/shared/next"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/memory"
)

// serve runs a worker with what register gives it, until the test ends, and
// returns a client that reaches it.
func serve(t *testing.T, register func(worker runtime.Registrar)) runtime.Caller {
	t.Helper()
	transport := memory.New()
	worker := runtime.NewWorker(transport, runtime.WorkerConfig{})
	register(worker)
	running, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(running) }()
	client := runtime.NewClient(transport, runtime.ClientConfig{})
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-ended, client.Close(context.Background()), transport.Close(context.Background())); err != nil {
			t.Errorf("stopping: %v", err)
		}
	})
	select {
	case <-worker.Ready():
	case err := <-ended:
		ended <- err
		t.Fatalf("the worker ended: %v", err)
	}
	return client
}

func TestCallProto3(t *testing.T) {
	client := proto3.NewGreeterClient(serve(t, func(worker runtime.Registrar) {
		proto3.RegisterGreeterServer(worker, greeter{})
	}))
	response, err := client.Greet(t.Context(), &proto3.GreetRequest{Name: "Ada"})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := response.GetText(), "Hello Ada"; got != want {
		t.Errorf("without a title the greeting is %q, want %q", got, want)
	}
	response, err = client.Greet(t.Context(), &proto3.GreetRequest{Name: "Ada", Title: proto.String("")})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := response.GetText(), "Hello  Ada"; got != want {
		t.Errorf("with an empty title the greeting is %q, want %q", got, want)
	}
}

// TestCallUnimplemented calls a method that the implementation has from the
// embedded UnimplementedXServer.
func TestCallUnimplemented(t *testing.T) {
	client := proto3.NewGreeterClient(serve(t, func(worker runtime.Registrar) {
		proto3.RegisterGreeterServer(worker, greeter{})
	}))
	response, err := client.Part(t.Context(), &proto3.Envelope_PartRequest{})
	var known *runtime.Error
	if !errors.As(err, &known) || response != nil {
		t.Fatalf("got %v and the error %v, want a *runtime.Error", response, err)
	}
	if known.Code() != codes.Unimplemented || !known.Remote() || known.Message() != "method golden/3.0/Greeter.Part is not implemented" {
		t.Errorf("the error is %v, remote: %t", known, known.Remote())
	}
}

type greeter struct {
	proto3.UnimplementedGreeterServer
}

func (greeter) Greet(_ context.Context, request *proto3.GreetRequest) (*proto3.GreetResponse, error) {
	if request.Title == nil {
		return &proto3.GreetResponse{Text: "Hello " + request.GetName()}, nil
	}
	return &proto3.GreetResponse{Text: "Hello " + request.GetTitle() + " " + request.GetName()}, nil
}

func TestCallProto2(t *testing.T) {
	client := proto2.NewArchiveClient(serve(t, func(worker runtime.Registrar) {
		proto2.RegisterArchiveServer(worker, archive{})
	}))
	request := &proto2.FindRequest{Text: proto.String("rabbit")}
	proto.SetExtension(request, proto2.E_Language, "en")
	response, err := client.Find(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	hits := response.GetHit()
	if len(hits) != 1 || hits[0].GetTitle() != "rabbit (en)" || hits[0].GetScore() != 0.5 {
		t.Errorf("the hits are %v, want rabbit (en) with the default score", hits)
	}
	// Required fields are checked before anything is sent.
	if _, err := client.Find(t.Context(), &proto2.FindRequest{}); err == nil {
		t.Error("a request without its required field gives no error")
	}
}

type archive struct{}

func (archive) Find(_ context.Context, request *proto2.FindRequest) (*proto2.FindResponse, error) {
	if request.GetLimit() != 20 {
		return nil, runtime.NewError(codes.InvalidArgument, "the limit is not the default")
	}
	title := request.GetText() + " (" + proto.GetExtension(request, proto2.E_Language).(string) + ")"
	return &proto2.FindResponse{Hit: []*proto2.FindResponse_Hit{{Title: &title}}}, nil
}

func TestCallEditions(t *testing.T) {
	caller := serve(t, func(worker runtime.Registrar) {
		edition2023.RegisterMeterServer(worker, meter{})
		edition2024.RegisterLedgerServer(worker, ledger{})
	})
	reading, err := edition2023.NewMeterClient(caller).Read(t.Context(), &edition2023.ReadRequest{Meter: "m", Since: proto.Int64(0)})
	if err != nil {
		t.Fatal(err)
	}
	if got := reading.GetReading(); len(got.GetValues()) != 2 || got.GetUnit() != edition2023.Unit_UNIT_VOLT {
		t.Errorf("the reading is %v", got)
	}
	entry, err := edition2024.NewLedgerClient(caller).Book(t.Context(), edition2024.BookRequest_builder{
		Account: proto.String("cash"), Cents: proto.Int64(250),
	}.Build())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := entry.GetEntry(), "cash+250"; got != want {
		t.Errorf("the entry is %q, want %q", got, want)
	}
}

type meter struct{}

func (meter) Read(_ context.Context, request *edition2023.ReadRequest) (*edition2023.ReadResponse, error) {
	if request.Since == nil {
		return nil, runtime.NewError(codes.InvalidArgument, "since is absent")
	}
	unit := edition2023.Unit_UNIT_VOLT
	return &edition2023.ReadResponse{Reading: &edition2023.Reading{Values: []int32{1, 2}, Unit: &unit}}, nil
}

type ledger struct{}

func (ledger) Book(_ context.Context, request *edition2024.BookRequest) (*edition2024.BookResponse, error) {
	if !request.HasAccount() || request.GetCents() != 250 {
		return nil, runtime.NewError(codes.InvalidArgument, "the request did not arrive as it was sent")
	}
	return edition2024.BookResponse_builder{Entry: proto.String(request.GetAccount() + "+250")}.Build(), nil
}

func TestCallImported(t *testing.T) {
	client := imported.NewDeskClient(serve(t, func(worker runtime.Registrar) {
		imported.RegisterDeskServer(worker, desk{})
	}))
	if _, err := client.Clear(t.Context(), &emptypb.Empty{}); err != nil {
		t.Error(err)
	}
	swapped, err := client.Swap(t.Context(), &requestpb.Note{Text: "ab"})
	if err != nil || swapped.GetText() != "ba" {
		t.Errorf("swapping gives %v and the error %v", swapped, err)
	}
	held, err := client.Hold(t.Context(), &structpb.Struct{Fields: map[string]*structpb.Value{"a": structpb.NewStringValue("b")}})
	if err != nil || held.GetText() != "b" {
		t.Errorf("holding gives %v and the error %v", held, err)
	}
}

type desk struct {
	imported.UnimplementedDeskServer
}

func (desk) Clear(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

func (desk) Swap(_ context.Context, note *requestpb.Note) (*requestpb.Note, error) {
	text := note.GetText()
	return &requestpb.Note{Text: text[1:] + text[:1]}, nil
}

func (desk) Hold(_ context.Context, fields *structpb.Struct) (*ctxpb.Note, error) {
	return &ctxpb.Note{Text: fields.GetFields()["a"].GetStringValue()}, nil
}

// TestCallShared has one worker serve three services of one API and one of the
// API's next version, all with a method Place or Pay.
func TestCallShared(t *testing.T) {
	caller := serve(t, func(worker runtime.Registrar) {
		shared.RegisterOrdersServer(worker, shop("order"))
		shared.RegisterReturnsServer(worker, shop("return"))
		shared.RegisterPaymentsServer(worker, shop("payment"))
		next.RegisterOrdersServer(worker, shop("next order"))
	})
	article := &shared.PlaceRequest{Article: "carrot"}
	for want, place := range map[string]func(context.Context, *shared.PlaceRequest) (*shared.PlaceResponse, error){
		"order of carrot":      shared.NewOrdersClient(caller).Place,
		"return of carrot":     shared.NewReturnsClient(caller).Place,
		"next order of carrot": next.NewOrdersClient(caller).Place,
	} {
		response, err := place(t.Context(), article)
		if err != nil || response.GetOrder() != want {
			t.Errorf("got %v and the error %v, want %q", response, err, want)
		}
	}
	paid, err := shared.NewPaymentsClient(caller).Pay(t.Context(), &shared.PayRequest{Order: "order"})
	if err != nil || !paid.GetPaid() {
		t.Errorf("paying gives %v and the error %v", paid, err)
	}
}

// shop answers with its own name.
type shop string

func (s shop) Place(_ context.Context, request *shared.PlaceRequest) (*shared.PlaceResponse, error) {
	return &shared.PlaceResponse{Order: string(s) + " of " + request.GetArticle()}, nil
}

func (s shop) Pay(context.Context, *shared.PayRequest) (*shared.PayResponse, error) {
	return &shared.PayResponse{Paid: true}, nil
}

// TestCallMetadata has metadata and the method's description reach the handler.
func TestCallMetadata(t *testing.T) {
	client := policy.NewPolicyClient(serve(t, func(worker runtime.Registrar) {
		policy.RegisterPolicyServer(worker, describer{})
	}))
	calling := runtime.WithMetadata(t.Context(), "Tenant", "acme")
	response, err := client.Repeats(calling, &policy.Message{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := response.GetText(), "golden-policy_2/1.0.0-rc-1/Policy.Repeats for acme, IDEMPOTENT"; got != want {
		t.Errorf("the handler saw %q, want %q", got, want)
	}
}

// TestCallTimeout has the contract's timeout end a call.
func TestCallTimeout(t *testing.T) {
	client := policy.NewPolicyClient(serve(t, func(worker runtime.Registrar) {
		policy.RegisterPolicyServer(worker, describer{})
	}))
	start := time.Now()
	_, err := client.Shortest(t.Context(), &policy.Message{})
	if got := runtime.CodeOf(err); got != codes.DeadlineExceeded {
		t.Errorf("the error is %v, want DEADLINE_EXCEEDED", err)
	}
	if took := time.Since(start); took > runtime.DefaultTimeout/2 {
		t.Errorf("the call took %v instead of 1 ms", took)
	}
}

type describer struct {
	policy.UnimplementedPolicyServer
}

func (describer) Repeats(ctx context.Context, _ *policy.Message) (*policy.Message, error) {
	call := runtime.CallFromContext(ctx)
	return &policy.Message{
		Text: call.Method.String() + " for " + call.Metadata.Get("tenant") + ", " + call.Method.Idempotency.String(),
	}, nil
}

func (describer) Shortest(ctx context.Context, _ *policy.Message) (*policy.Message, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestCallOddNames calls a service whose names follow no style guide, beside
// one without methods.
func TestCallOddNames(t *testing.T) {
	client := names.NewLowerCaseClient(serve(t, func(worker runtime.Registrar) {
		names.RegisterLowerCaseServer(worker, lowerCase{})
		names.RegisterEmptyServer(worker, names.UnimplementedEmptyServer{})
	}))
	if _, err := client.GetIt(t.Context(), &names.Codes{}); err != nil {
		t.Error(err)
	}
	if _, err := client.Type(t.Context(), &names.Runtime{}); runtime.CodeOf(err) != codes.Unimplemented {
		t.Errorf("the error is %v, want UNIMPLEMENTED", err)
	}
}

type lowerCase struct {
	names.UnimplementedLowerCaseServer
}

func (lowerCase) GetIt(context.Context, *names.Codes) (*names.Context, error) {
	return &names.Context{}, nil
}
