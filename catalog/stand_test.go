package catalog_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/mqrpc/mqrpc/catalog"
	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
	registrymemory "github.com/mqrpc/mqrpc/registry/memory"
	"github.com/mqrpc/mqrpc/registry/registrytest"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/memory"
	"github.com/mqrpc/mqrpc/runtime/transport"
	"github.com/mqrpc/mqrpc/transcode"
	"github.com/mqrpc/mqrpc/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var greeter = contract.Key{Module: "greeter", Version: "1.0"}

// stand is a catalog over a broker in memory, and a client that calls what it
// knows, as a gateway does. It lives in the bubble of a test.
type stand struct {
	*testing.T

	catalog *catalog.Catalog
	client  *runtime.Client
	workers *talk
	close   func() // done by itself at the end
}

// newStand starts a catalog. The configuration's Workers and Transport are
// filled in.
func newStand(t *testing.T, broker *memory.Broker, config catalog.Config) *stand {
	t.Helper()
	conn := broker.Connect()
	logger := slog.New(slog.DiscardHandler)
	client := runtime.NewClient(conn, runtime.ClientConfig{Logger: logger})
	talk := &talk{Workers: catalog.WorkersOf(client, conn)}
	config.Workers, config.Transport = talk, conn
	if config.Logger == nil {
		config.Logger = logger
	}
	made, err := catalog.New(config)
	if err != nil {
		t.Fatal(err)
	}
	s := &stand{T: t, catalog: made, client: client, workers: talk}
	s.close = sync.OnceFunc(func() {
		ctx := context.Background()
		for what, closing := range []func(context.Context) error{made.Close, client.Close, conn.Close} {
			if err := closing(ctx); err != nil {
				t.Errorf("close %d: %v", what, err)
			}
		}
	})
	t.Cleanup(s.close)
	<-made.Listening()
	synctest.Wait()
	return s
}

// talk notes what instances are told, and tells greeters.
type talk struct {
	catalog.Workers

	deaf atomic.Bool // nobody can be told

	mu         sync.Mutex
	admissions []*mqrpcv1.Admission
}

func (w *talk) Admit(ctx context.Context, key contract.Key, instance string, admission *mqrpcv1.Admission) error {
	if w.deaf.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.admissions = append(w.admissions, admission)
	return w.Workers.Admit(ctx, key, instance, admission)
}

// call calls a method with JSON and returns the answer as JSON.
func (s *stand) call(key contract.Key, method, content string) (string, error) {
	api, err := s.catalog.API(s.Context(), key.Module, key.Version)
	if err != nil {
		return "", err
	}
	for _, service := range api.Services {
		for _, known := range service.Methods {
			if known.Name == method {
				return s.invoke(api, known, content)
			}
		}
	}
	return "", errors.New("unknown method")
}

// errRequest: the content is not what the contract in effect says.
var errRequest = errors.New("invalid request")

func (s *stand) invoke(api *catalog.API, method *runtime.Method, content string) (string, error) {
	request, err := transcode.New(method.Request.ProtoReflect().Descriptor(), api.Options(transcode.Options{}))
	if err != nil {
		return "", err
	}
	response, err := transcode.New(method.Response.ProtoReflect().Descriptor(), api.Options(transcode.Options{}))
	if err != nil {
		return "", err
	}
	payload, err := request.AppendWire(nil, []byte(content))
	if err != nil {
		return "", errors.Join(errRequest, err)
	}
	reply, err := s.client.Invoke(s.Context(), &runtime.Call{Method: method, Payload: payload, Timeout: api.Timeout(method)})
	if err != nil {
		return "", err
	}
	text, err := response.AppendJSON(nil, reply.Payload)
	return string(text), err
}

// expect calls Greet and checks that the answer has a part.
func (s *stand) expect(content, part string) {
	s.Helper()
	if got, err := s.call(greeter, "Greeter.Greet", content); err != nil || !strings.Contains(got, part) {
		s.Errorf("got %s, %v, want %s", got, err, part)
	}
}

// refuse calls Greet and checks that it fails so.
func (s *stand) refuse(content string, want error) {
	s.Helper()
	if got, err := s.call(greeter, "Greeter.Greet", content); !errors.Is(err, want) {
		s.Errorf("got %s, %v, want %v", got, err, want)
	}
}

// inEffect is the revision in effect, "" for none.
func (s *stand) inEffect() string {
	s.Helper()
	return body[catalog.APIDetail](s, "/apis/greeter/1.0").Revision
}

// soon waits for a second at the most until a revision is in effect, without
// anybody calling.
func (s *stand) soon(revision string) {
	s.Helper()
	for range 100 {
		if s.inEffect() == revision {
			return
		}
		pass(10 * time.Millisecond)
	}
	s.Errorf("after a second %s is in effect, want %s", s.inEffect(), revision)
}

func (s *stand) get(path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.catalog.Admin().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, http.NoBody))
	return w
}

// traffic calls Greet for ever, from several sides, and counts what fails.
func (s *stand) traffic(content string) (stop func() (calls, failures int64)) {
	var calls, failures atomic.Int64
	done := make(chan struct{})
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for {
				select {
				case <-done:
					return
				case <-time.After(5 * time.Millisecond):
				}
				calls.Add(1)
				if _, err := s.call(greeter, "Greeter.Greet", content); err != nil {
					failures.Add(1)
					s.Logf("got %v", err)
				}
			}
		})
	}
	return func() (int64, int64) {
		close(done)
		callers.Wait()
		return calls.Load(), failures.Load()
	}
}

// pass lets made-up time pass.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func newRegistry(t *testing.T) *registrymemory.Registry {
	t.Helper()
	r := registrymemory.New()
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func save(t *testing.T, store registry.Store, apis ...*mqrpcv1.Api) {
	t.Helper()
	for _, api := range apis {
		if err := store.Save(t.Context(), api); err != nil {
			t.Fatal(err)
		}
	}
}

// push announces a state and saves it, as a publisher does, and waits until
// gateways have heard of it.
func push(t *testing.T, r interface {
	registry.Store
	registry.Notifier
}, api *mqrpcv1.Api) {
	t.Helper()
	if err := r.Announce(t.Context(), api); err != nil {
		t.Fatal(err)
	}
	save(t, r, api)
	pass(50 * time.Millisecond)
}

// with is a contract of the greeter, changed by hand: another revision.
func with(fields int, change func(*descriptorpb.DescriptorProto)) *mqrpcv1.Api {
	api := registrytest.API(greeter, 1, fields)
	files := api.GetFiles().GetFile()
	change(files[len(files)-1].GetMessageType()[0])
	api.Revision = contract.Revision(api.GetFiles())
	return api
}

// greeterWorker is a worker written from the wire up, since its contract is made
// at run time: [registrytest.API] with a number of fields. It answers with the
// fields of the request that it knows, and its name in the last of its own.
type greeterWorker struct {
	t         *testing.T
	name      string
	contract  *mqrpcv1.Api
	message   *dynamicpb.Message
	transport *memory.Transport
	started   time.Time
	calls     atomic.Int64
	silent    atomic.Bool // it does not answer
	refused   atomic.Bool // it was told that it is
	stop      func()
}

// startGreeter serves, and does not announce itself.
func startGreeter(t *testing.T, broker *memory.Broker, name string, fields int) *greeterWorker {
	t.Helper()
	return startWorker(t, broker, name, registrytest.API(greeter, 1, fields))
}

// startWorker serves a contract of the greeter.
func startWorker(t *testing.T, broker *memory.Broker, name string, api *mqrpcv1.Api) *greeterWorker {
	t.Helper()
	w := &greeterWorker{t: t, name: name, contract: api, transport: broker.Connect(), started: time.Now()}
	linked, err := contract.Link(t.Context(), greeter, api.GetFiles())
	if err != nil {
		t.Fatal(err)
	}
	w.message = runtime.ServicesOf(linked)[0].Methods[0].Request.(*dynamicpb.Message)
	consumer, err := w.transport.Consume(t.Context(), transport.Queue{
		Name:     wire.WorkerQueue(greeter.Module, greeter.Version),
		Bindings: []transport.Binding{{Exchange: wire.CallsExchange, Key: wire.APIKey(greeter.Module, greeter.Version)}},
		Expires:  5 * time.Minute, Prefetch: 1,
	}, w.receive)
	if err != nil {
		t.Fatal(err)
	}
	told, err := w.transport.Consume(t.Context(), transport.Queue{
		Name:      wire.InstanceQueue(name),
		Bindings:  []transport.Binding{{Exchange: wire.ControlExchange, Key: wire.ControlKey(greeter.Module, greeter.Version, name)}},
		Exclusive: true,
	}, w.hearControl)
	if err != nil {
		t.Fatal(err)
	}
	w.stop = sync.OnceFunc(func() {
		_ = told.Stop(context.Background())
		_ = consumer.Stop(context.Background())
		_, _ = consumer.Remove(context.Background())
		_ = w.transport.Close(context.Background())
	})
	t.Cleanup(w.stop)
	return w
}

// announce sends one claim.
func (w *greeterWorker) announce(stopping bool) {
	send(w.t, w.transport, &mqrpcv1.Claim{
		Module: greeter.Module, Version: greeter.Version, Revision: w.contract.GetRevision(),
		Instance: w.name, Host: "host-" + w.name, Pid: 7, Language: "go", Running: 1,
		Started: timestamppb.New(w.started), ValidFor: durationpb.New(15 * time.Second), Stopping: stopping,
		Refused: w.refused.Load(),
	})
}

// send sends a claim, and returns when it was heard.
func send(t *testing.T, conn transport.Transport, claim *mqrpcv1.Claim) {
	t.Helper()
	body, err := proto.Marshal(claim)
	if err != nil {
		t.Error(err)
	}
	conn.Publish(transport.Publishing{
		Exchange: wire.AnnouncementsExchange, RoutingKey: wire.APIKey(claim.GetModule(), claim.GetVersion()), Type: wire.TypeClaim, Body: body,
	}, func(error) {})
	synctest.Wait()
}

// leave stops as a worker does that stops gracefully.
func (w *greeterWorker) leave() {
	w.announce(true)
	w.stop()
}

// hearControl takes what this instance alone is told.
func (w *greeterWorker) hearControl(delivery *transport.Delivery) {
	if delivery.Type == wire.TypeCall {
		w.receive(delivery)
		return
	}
	delivery.Settle.Ack()
	admission, err := wire.DecodeAdmission(delivery.Body)
	if err != nil {
		w.t.Error(err)
	}
	if delivery.Type == wire.TypeAdmission {
		w.refused.Store(admission.GetRefused())
	}
}

func (w *greeterWorker) receive(delivery *transport.Delivery) {
	calls, err := wire.DecodeCalls(delivery.Body)
	if err != nil {
		w.t.Error(err)
	}
	body := wire.AppendSender(nil, wire.Sender{Instance: w.name, Free: -1})
	for _, call := range calls {
		payload, err := w.answer(&call)
		if err != nil {
			w.t.Error(err)
		}
		body = wire.AppendReply(body, &wire.Reply{ID: call.ID, Payload: payload})
	}
	if !w.silent.Load() {
		w.transport.Publish(transport.Publishing{
			Exchange: wire.RepliesExchange, RoutingKey: wire.ReplyKey(delivery.ReplyTo, greeter.Module, greeter.Version), Type: wire.TypeReply, Body: body,
		}, func(error) {})
	}
	delivery.Settle.Ack()
}

func (w *greeterWorker) answer(call *wire.Call) ([]byte, error) {
	if call.Method == wire.DescribeMethod {
		return proto.Marshal(&mqrpcv1.DescribeResponse{
			Module: greeter.Module, Version: greeter.Version, Revision: w.contract.GetRevision(),
			Files: w.contract.GetFiles(), Services: []string{"greeter.v1.Greeter"},
		})
	}
	w.calls.Add(1)
	message := w.message.Type().New().Interface()
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(call.Payload, message); err != nil {
		return nil, err
	}
	fields := w.message.Descriptor().Fields()
	last := fields.Get(fields.Len() - 1)
	message.ProtoReflect().Set(last, protoreflect.ValueOfString(w.name))
	return proto.Marshal(message)
}
