package dynamic_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/mqrpc/mqrpc/contract"
	"github.com/mqrpc/mqrpc/gateway"
	"github.com/mqrpc/mqrpc/gateway/dynamic"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry/registrytest"
	"github.com/mqrpc/mqrpc/runtime"
	"github.com/mqrpc/mqrpc/runtime/memory"
	"github.com/mqrpc/mqrpc/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var greeter = contract.Key{Module: "greeter", Version: "1.0"}

// stand is a gateway over a broker in memory. It lives in the bubble of a test.
type stand struct {
	*testing.T

	broker  *memory.Broker
	apis    *dynamic.APIs
	gateway *gateway.Gateway
	close   func() // gateway and all; done by itself at the end
}

// newStand starts a gateway. The configuration's Caller and Transport are filled
// in.
func newStand(t *testing.T, broker *memory.Broker, config dynamic.Config) *stand {
	t.Helper()
	transport := broker.Connect()
	logger := slog.New(slog.DiscardHandler)
	client := runtime.NewClient(transport, runtime.ClientConfig{Logger: logger})
	config.Caller, config.Transport = client, transport
	if config.Logger == nil {
		config.Logger = logger
	}
	apis, err := dynamic.New(config)
	if err != nil {
		t.Fatal(err)
	}
	handler, err := gateway.New(gateway.Config{
		Caller: client, State: transport.State, Logger: logger,
		Sources: []gateway.Source{apis.Source()}, Registry: apis.Health,
	})
	if err != nil {
		t.Fatal(err)
	}
	closed := false
	s := &stand{T: t, broker: broker, apis: apis, gateway: handler}
	s.close = func() {
		if closed {
			return
		}
		closed = true
		ctx := context.Background()
		for what, closing := range []func(context.Context) error{apis.Close, client.Close, transport.Close} {
			if err := closing(ctx); err != nil {
				t.Errorf("close %d: %v", what, err)
			}
		}
	}
	t.Cleanup(s.close)
	<-apis.Listening()
	synctest.Wait()
	return s
}

// call calls a method.
func (s *stand) call(key contract.Key, method, content string) *httptest.ResponseRecorder {
	body := fmt.Sprintf(`{"module":%q,"version":%q,"method":%q,"bizContent":%s}`, key.Module, key.Version, method, content)
	r := httptest.NewRequest(http.MethodPost, "/gateway", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.gateway.ServeHTTP(w, r)
	return w
}

// expect calls Greet and checks the answer.
func (s *stand) expect(content string, status int, part string) *httptest.ResponseRecorder {
	s.Helper()
	w := s.call(greeter, "Greeter.Greet", content)
	if w.Code != status || !strings.Contains(w.Body.String(), part) {
		s.Errorf("got %d %s, want %d with %s", w.Code, w.Body, status, part)
	}
	return w
}

func (s *stand) get(handler http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, http.NoBody))
	return w
}

// pass lets made-up time pass.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
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
	describes atomic.Int64
	silent    atomic.Bool // it does not answer calls
	stop      func()
}

// startGreeter serves, and does not announce itself.
func startGreeter(t *testing.T, broker *memory.Broker, name string, fields int) *greeterWorker {
	t.Helper()
	w := &greeterWorker{
		t: t, name: name, contract: registrytest.API(greeter, 1, fields),
		transport: broker.Connect(), started: time.Now(),
	}
	linked, err := contract.Link(t.Context(), greeter, w.contract.GetFiles())
	if err != nil {
		t.Fatal(err)
	}
	w.message = dynamicpb.NewMessage(linked.Services[0].Methods[0].Input())
	consumer, err := w.transport.Consume(t.Context(), runtime.Queue{
		Name: wire.WorkerQueue(greeter.Module, greeter.Version), Exchange: wire.CallExchange,
		Expires: 5 * time.Minute, Prefetch: 1,
	}, w.receive)
	if err != nil {
		t.Fatal(err)
	}
	stopped := false
	w.stop = func() {
		if stopped {
			return
		}
		stopped = true
		_ = consumer.Stop(context.Background())
		_, _ = consumer.Remove(context.Background())
		_ = w.transport.Close(context.Background())
	}
	t.Cleanup(w.stop)
	return w
}

// announce sends one announcement.
func (w *greeterWorker) announce(stopping bool) {
	body, err := proto.Marshal(&mqrpcv1.Announcement{
		Module: greeter.Module, Version: greeter.Version, Revision: w.contract.GetRevision(),
		Instance: w.name, Host: "host-" + w.name, Pid: 7, Language: "go", Running: 1,
		Started: timestamppb.New(w.started), ValidFor: durationpb.New(15 * time.Second), Stopping: stopping,
	})
	if err != nil {
		w.t.Error(err)
	}
	w.transport.Publish(runtime.Publishing{Exchange: wire.RegistryExchange, Type: wire.TypeAnnouncement, Body: body}, func(error) {})
	synctest.Wait()
}

func (w *greeterWorker) receive(delivery *runtime.Delivery) {
	calls, err := wire.DecodeCalls(delivery.Body)
	if err != nil {
		w.t.Error(err)
	}
	body := wire.AppendInstance(nil, w.name)
	for _, call := range calls {
		payload, err := w.answer(&call)
		if err != nil {
			w.t.Error(err)
		}
		body = wire.AppendReply(body, &wire.Reply{ID: call.ID, Payload: payload})
	}
	if !w.silent.Load() {
		w.transport.Publish(runtime.Publishing{
			Exchange: wire.ReplyExchange, RoutingKey: delivery.ReplyTo, Type: wire.TypeReply, Body: body,
		}, func(error) {})
	}
	delivery.Settle.Ack()
}

func (w *greeterWorker) answer(call *wire.Call) ([]byte, error) {
	if call.Method == wire.DescribeMethod {
		w.describes.Add(1)
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
